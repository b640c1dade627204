"""The provider: configuration, capabilities and wiring."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Unpack

from attrs import frozen
from cloudkit.common import Capabilities, CloudConfig, CloudError, StorageCapabilities, option
from cloudkit.core import BaseCloud, CloudOptions
from cloudkit.spi import AnyOperation

from acme.errors import translate
from acme.service import SERVICES, AcmeService
from acme.storage import AcmeStorage

CAPABILITIES = Capabilities(
    storage=StorageCapabilities(
        conditional_copy=False,
        storage_class=False,
        presigned_get=False,
        presigned_put=False,
        presigned_content_type=False,
        min_part_size=1,
        reasons={
            "conditional_copy": "Acme copies without looking",
            "storage_class": "Acme knows one class only",
            "presigned_get": "Acme has no links",
            "presigned_put": "Acme has no links",
            "presigned_content_type": "Acme has no links",
        },
    )
)


@frozen(kw_only=True)
class AcmeConfig(CloudConfig):
    """Acme's settings: those that every provider has, and the account."""

    provider_name: ClassVar[str] = "acme"
    account: str = option("default", doc="the account", variables=("ACME_ACCOUNT",))


class AcmeOptions(CloudOptions, total=False):
    """The constructor's keyword arguments."""

    account: str


class AcmeCloud(BaseCloud[AcmeConfig]):
    """Acme's cloud; the contracts that it leaves out raise UnsupportedOperationError."""

    provider: ClassVar[str] = "acme"
    config_type = AcmeConfig

    def __init__(self, **options: Unpack[AcmeOptions]) -> None:
        super().__init__(options)

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @property
    def native(self) -> AcmeService:
        return SERVICES[self.config.account]

    @cached_property
    def storage(self) -> AcmeStorage:
        return AcmeStorage(self._runner, self.capabilities.storage, self.native)

    def _translate_error(self, error: Exception, operation: AnyOperation) -> CloudError | None:
        return translate(error)
