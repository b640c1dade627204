"""Oracle Cloud: Object Storage, NoSQL, Queue, Streaming, Notifications and Functions."""

from cloudkit.oracle.capabilities import ORACLE_CAPABILITIES
from cloudkit.oracle.cloud import OracleCloud
from cloudkit.oracle.config import OracleConfig, OracleOptions
from cloudkit.oracle.native import OracleNative

__all__ = ["ORACLE_CAPABILITIES", "OracleCloud", "OracleConfig", "OracleNative", "OracleOptions"]
