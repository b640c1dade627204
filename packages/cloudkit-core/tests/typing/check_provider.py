"""What type checkers must say of a provider made by somebody else."""

from typing import ClassVar, Unpack, assert_type

from attrs import frozen
from cloudkit.api.storage import ObjectStorage
from cloudkit.common import Capabilities, CloudConfig, option
from cloudkit.core import BaseCloud, CloudOptions, lazy_property


class AcmeOptions(CloudOptions, total=False):
    colour: str


@frozen(kw_only=True)
class AcmeConfig(CloudConfig):
    provider_name: ClassVar[str] = "acme"
    colour: str = option("red", doc="colour")


class AcmeStorage(ObjectStorage):
    def paint(self) -> str:
        return "painted"


class AcmeCloud(BaseCloud[AcmeConfig]):
    provider = "acme"
    config_type = AcmeConfig

    def __init__(self, **options: Unpack[AcmeOptions]) -> None:
        super().__init__(options)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities()

    @property
    def native(self) -> "AcmeCloud":
        return self

    @lazy_property
    def storage(self) -> AcmeStorage:
        raise NotImplementedError


cloud = AcmeCloud(colour="blue", region="eu-1")
assert_type(cloud.storage.paint(), str)
assert_type(cloud.config.colour, str)
assert_type(cloud.native, AcmeCloud)
AcmeCloud(color="blue")  # type: ignore[call-arg]
cloud.config.color()  # type: ignore[attr-defined]


async def hop() -> None:
    assert_type(await cloud._context.run_sync(int, "7"), int)
    await cloud._context.run_sync(len, 7)  # type: ignore[arg-type]
