"""A host of Azure Functions: it runs apps that are written with the package ``azure-functions``.

There is no host to install from a package index. This one has what a caller can see of the real one,
by its documentation: routes, keys and their levels, the admin endpoints, answers without a body when a
function raises. It shares no code with the provider.
"""

from emulators.azure_functions.server import (
    FUNCTION_KEY,
    HOST_KEY,
    MASTER_KEY,
    TOKEN,
    azure_functions,
)

__all__ = ["FUNCTION_KEY", "HOST_KEY", "MASTER_KEY", "TOKEN", "azure_functions"]
