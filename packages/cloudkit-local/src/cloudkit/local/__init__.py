"""The embedded provider: files and SQLite, or everything in memory."""

from cloudkit.local.capabilities import LOCAL_CAPABILITIES
from cloudkit.local.cloud import LocalCloud, LocalNative
from cloudkit.local.config import LocalConfig, LocalOptions

__all__ = ["LOCAL_CAPABILITIES", "LocalCloud", "LocalConfig", "LocalNative", "LocalOptions"]
