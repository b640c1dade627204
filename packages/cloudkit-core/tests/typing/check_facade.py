"""What type checkers must say of the facade; a line with an ignore comment must be an error."""

from typing import assert_type

from cloudkit import prelude
from cloudkit.api.cloud import Cloud
from cloudkit.local import LocalCloud
from cloudkit.prelude import CloudKit, ExponentialBackoff, NoRetry, Region

assert_type(CloudKit.local(), LocalCloud)
assert_type(CloudKit.connect("local"), Cloud)
assert_type(CloudKit.from_profile(), Cloud)
assert_type(CloudKit.local().region, Region | None)

CloudKit.local(timeout=5, retry=NoRetry(), interceptors=[])
CloudKit.local(timeuot=5)  # type: ignore[call-arg]
CloudKit.local(retry=ExponentialBackoff)  # type: ignore[arg-type]
CloudKit.local(timeout="soon")  # type: ignore[arg-type]
CloudKit.local().cosmos()  # type: ignore[attr-defined]
CloudKit.connect("local").cosmos()  # type: ignore[attr-defined]
CloudKit.lcoal()  # type: ignore[attr-defined]
prelude.Nothing()  # type: ignore[attr-defined]


async def enter() -> None:
    async with CloudKit.local() as cloud, CloudKit.connect("local") as other:
        assert_type(cloud, LocalCloud)
        assert_type(other, Cloud)
