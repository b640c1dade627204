"""What type checkers must say of the facade; a line with an ignore comment must be an error."""

from typing import assert_type

from cloudkit import prelude
from cloudkit.api.cloud import Cloud
from cloudkit.common import CloudConfig
from cloudkit.local import LocalCloud, LocalConfig
from cloudkit.prelude import CloudKit, ExponentialBackoff, NoRetry, Region

assert_type(CloudKit.local(), LocalCloud)
assert_type(CloudKit.connect("local"), Cloud)
assert_type(CloudKit.from_profile(), Cloud)
assert_type(CloudKit.connect("local").config, CloudConfig)
assert_type(CloudKit.local().config, LocalConfig)
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


async def send(cloud: Cloud) -> None:
    await cloud.queue.send_json("jobs", {"id": 1}, delay=1, attributes={"kind": "a"})
    await cloud.queue.send_json("jobs", {"id": 1}, dealy=1)  # type: ignore[call-arg]
    await cloud.pubsub.publish_json("news", {"id": 1}, ordering_key="a")
    await cloud.pubsub.publish_json("news", {"id": 1}, ordering=1)  # type: ignore[call-arg]
    await cloud.pubsub.subscribe("news", "mail", filter={"country": ["de", "fr"]})
    await cloud.pubsub.subscribe("news", "mail", filters={})  # type: ignore[call-arg]


async def copy(source: prelude.Bucket, target: prelude.Bucket) -> None:
    async with await source.open_object("a") as reader:
        assert_type(reader.info, prelude.ObjectInfo)
        options = reader.info.attributes.options()
        await target.put_object("a", reader, checksum=reader.info.checksum, **options)
    async for entry in source.list_objects():
        assert_type(entry, prelude.ObjectEntry)


async def transfer(cloud: Cloud) -> None:
    writes: list[prelude.TransactWrite] = [
        prelude.Put(key="ann", document={}),
        prelude.Update(key="bob", increment={"balance": 1}),
    ]
    await cloud.kv.transact("accounts", writes)
