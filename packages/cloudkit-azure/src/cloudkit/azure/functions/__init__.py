"""Functions on Azure Functions."""

from cloudkit.azure.functions.functions import AzureFunctions

__all__ = ["AzureFunctions"]
