"""The whole conformance suite of Functions."""

from __future__ import annotations

from cloudkit.testing.common import CommonBehaviours
from cloudkit.testing.functions.finding import FindingBehaviours
from cloudkit.testing.functions.invoking import AsyncInvokingBehaviours, InvokingBehaviours


class FunctionsSuite(
    InvokingBehaviours, AsyncInvokingBehaviours, FindingBehaviours, CommonBehaviours
):
    """Subclass it, give a ``make_cloud`` fixture and deploy the functions.

    Which they are is told in ``FunctionsBase``; how the
    fixture looks in [CloudSuite][cloudkit.testing.CloudSuite].
    """

    __test__ = False
