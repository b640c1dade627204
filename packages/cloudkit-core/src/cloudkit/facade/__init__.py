"""The way in: ``CloudKit``."""

from cloudkit.facade.cloudkit import CloudKit
from cloudkit.facade.installed import Installed

__all__ = ["CloudKit", "Installed"]
