"""The behaviours that all contracts share: errors, limits, retries, clients.

A contract's suite says with five small methods what there is to call; the rest is the same for all.
"""

from cloudkit.testing.common.behaviours import CommonBehaviours
from cloudkit.testing.common.suite import ContractSuite, Workbench

__all__ = ["CommonBehaviours", "ContractSuite", "Workbench"]
