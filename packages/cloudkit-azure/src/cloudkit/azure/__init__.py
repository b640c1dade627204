"""Azure: Blob Storage, Cosmos DB, Service Bus, Event Grid and Functions."""

from cloudkit.azure.capabilities import AZURE_CAPABILITIES
from cloudkit.azure.cloud import AzureCloud
from cloudkit.azure.config import AzureConfig, AzureOptions
from cloudkit.azure.native import AzureNative

__all__ = ["AZURE_CAPABILITIES", "AzureCloud", "AzureConfig", "AzureNative", "AzureOptions"]
