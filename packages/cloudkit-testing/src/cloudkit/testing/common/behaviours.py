"""All behaviours that do not depend on the contract, in one class."""

from __future__ import annotations

from cloudkit.testing.common.clients import ClientBehaviours
from cloudkit.testing.common.errors import ErrorBehaviours
from cloudkit.testing.common.limits import LimitBehaviours
from cloudkit.testing.common.retries import RetryBehaviours


class CommonBehaviours(ErrorBehaviours, LimitBehaviours, RetryBehaviours, ClientBehaviours):
    """To be a base of each contract's suite, behind the suite's own behaviours."""

    __test__ = False
