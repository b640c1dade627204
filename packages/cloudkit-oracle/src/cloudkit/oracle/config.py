"""Settings of the Oracle provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, Self, TypeAlias

from attrs import Attribute, frozen
from cloudkit.api.validation import is_flag
from cloudkit.common import (
    CloudConfig,
    ConfigurationError,
    Duration,
    option,
    parse_bool,
    seconds,
)
from cloudkit.core import CloudOptions
from cloudkit.core.options import (
    check_count,
    check_url,
    one_of,
    text_option,
)

ServiceName: TypeAlias = Literal[
    "object_storage",
    "nosql",
    "queue",
    "queue_admin",
    "streaming",
    "streaming_admin",
    "notifications",
    "notifications_control",
    "functions",
    "functions_management",
]
"""The SDK's clients: some services have one for what is in them and one that manages them."""

AUTHENTICATIONS = (
    "api_key",
    "security_token",
    "instance_principal",
    "resource_principal",
    "oke_workload_identity",
)
"""Ways to sign in, by the names that the command line of Oracle Cloud has for them."""


class OracleOptions(CloudOptions, total=False):
    """The options of ``CloudKit.oracle()``; see [OracleConfig][cloudkit.oracle.OracleConfig]."""

    compartment: str | None
    tenancy: str | None
    user: str | None
    fingerprint: str | None
    key_file: str | None
    key_content: str | None
    passphrase: str | None
    security_token_file: str | None
    authentication: str | None
    profile: str | None
    config_file: str | None
    namespace: str | None
    application: str | None
    stream_partitions: int
    stream_poll_interval: Duration
    nosql_read_units: int
    nosql_write_units: int
    nosql_storage_gb: int
    nosql_on_demand: bool
    object_storage_endpoint: str | None
    nosql_endpoint: str | None
    queue_endpoint: str | None
    streaming_endpoint: str | None
    notifications_endpoint: str | None
    functions_endpoint: str | None


SIGNING = (
    "tenancy",
    "user",
    "fingerprint",
    "key_file",
    "key_content",
    "passphrase",
    "security_token_file",
)
"""What signs requests, but for a profile: who gives some of it, or a profile, wants no other's."""


def _to_interval(value: Duration) -> float:
    return seconds(value, "stream_poll_interval", minimum=0.001)


def _check_endpoint(instance: object, attribute: Attribute[Any], value: object) -> None:
    check_url(attribute.name, value, path=False)


def _url(doc: str) -> Any:
    return option(doc=doc, validator=_check_endpoint)


@frozen(kw_only=True)
class OracleConfig(CloudConfig):
    """Settings of the Oracle provider.

    Requests are signed as ``authentication`` says. When it does not say: with the API key or the
    session token of the options or variables, else with those of ``profile``; else as the
    resource that the program runs on, where its variables are set; else with the profile
    ``DEFAULT``.

    Attributes:
        compartment: OCID of the compartment where things are made and looked for; the root
            compartment, which is the tenancy, when None.
        tenancy: OCID of the tenancy.
        user: OCID of the user.
        fingerprint: Fingerprint of the user's API key.
        key_file: Path of the private key, in PEM.
        key_content: The private key itself, in PEM.
        passphrase: Opens the private key, where it is encrypted.
        security_token_file: Path of a session token, as ``oci session authenticate`` writes it.
            Requests are signed with ``key_file``.
        authentication: How to sign in: ``"api_key"``, ``"security_token"``,
            ``"instance_principal"``, ``"resource_principal"`` or ``"oke_workload_identity"``.
        profile: Profile of the configuration file: ``"DEFAULT"`` when None.
        config_file: Path of the configuration file; ``~/.oci/config`` when None.
        namespace: Namespace of Object Storage; the service is asked when None.
        application: Display name or OCID of the application whose functions are called by name;
            all applications of the compartment when None.
        stream_partitions: Partitions of the streams that are made for topics and queues. As many
            consumers of a subscription can receive at once.
        stream_poll_interval: Seconds between two looks for messages in a stream that has none. A
            group may look five times a second.
        nosql_read_units: Read units of new tables: KB a second, of which consistent reads take two.
        nosql_write_units: Write units of new tables: KB a second.
        nosql_storage_gb: Gigabytes that a new table may hold.
        nosql_on_demand: Whether new tables take as many units as they need, and are billed so.
        object_storage_endpoint: URL of Object Storage, in place of ``endpoint``.
        nosql_endpoint: URL of NoSQL Database.
        queue_endpoint: URL that manages queues.
        streaming_endpoint: URL that manages streams.
        notifications_endpoint: URL of Notifications.
        functions_endpoint: URL that manages functions.
    """

    provider_name: ClassVar[str] = "oracle"
    native_variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "region": ("OCI_CLI_REGION", "OCI_REGION"),
    }

    compartment: str | None = text_option("OCID of the compartment")
    tenancy: str | None = text_option("OCID of the tenancy", "OCI_CLI_TENANCY")
    user: str | None = text_option("OCID of the user", "OCI_CLI_USER")
    fingerprint: str | None = text_option("fingerprint of the API key", "OCI_CLI_FINGERPRINT")
    key_file: str | None = text_option("path of the private key", "OCI_CLI_KEY_FILE")
    key_content: str | None = text_option(
        "the private key, in PEM", "OCI_CLI_KEY_CONTENT", secret=True
    )
    passphrase: str | None = text_option("opens the private key", "OCI_CLI_PASSPHRASE", secret=True)
    security_token_file: str | None = text_option(
        "path of a session token", "OCI_CLI_SECURITY_TOKEN_FILE"
    )
    authentication: str | None = option(
        doc="how to sign in", variables=("OCI_CLI_AUTH",), validator=one_of(AUTHENTICATIONS)
    )
    profile: str | None = text_option("profile of the configuration file", "OCI_CLI_PROFILE")
    config_file: str | None = text_option(
        "path of the configuration file", "OCI_CLI_CONFIG_FILE", "OCI_CONFIG_FILE"
    )
    namespace: str | None = text_option("namespace of Object Storage")
    application: str | None = text_option("application of the functions")
    stream_partitions: int = option(
        1, doc="partitions of new streams", parse=int, validator=check_count
    )
    stream_poll_interval: float = option(
        0.25,
        doc="seconds between two looks into an empty stream",
        parse=float,
        converter=_to_interval,
    )
    nosql_read_units: int = option(
        50, doc="read units of new tables", parse=int, validator=check_count
    )
    nosql_write_units: int = option(
        50, doc="write units of new tables", parse=int, validator=check_count
    )
    nosql_storage_gb: int = option(
        1, doc="gigabytes of new tables", parse=int, validator=check_count
    )
    nosql_on_demand: bool = option(
        default=False, doc="new tables on demand", parse=parse_bool, validator=is_flag
    )
    object_storage_endpoint: str | None = _url("URL of Object Storage")
    nosql_endpoint: str | None = _url("URL of NoSQL Database")
    queue_endpoint: str | None = _url("URL that manages queues")
    streaming_endpoint: str | None = _url("URL that manages streams")
    notifications_endpoint: str | None = _url("URL of Notifications")
    functions_endpoint: str | None = _url("URL that manages functions")

    def __attrs_post_init__(self) -> None:
        check_url("endpoint", self.endpoint, path=False)

    @classmethod
    def load(
        cls,
        options: Mapping[str, Any],
        environ: Mapping[str, str] | None = None,
        *,
        also_known: Iterable[str] = (),
    ) -> Self:
        """Build the configuration; an option also sets aside the variables that contradict it.

        Args:
            options: What the caller gave.
            environ: Environment variables; those of the process when None.
            also_known: Options handled elsewhere.

        Raises:
            ConfigurationError: An option is unknown or not understood, or two exclude each other.
        """
        given = {name for name, value in options.items() if value is not None}
        if {"key_file", "key_content"} <= given:
            raise ConfigurationError("oracle: key_content and key_file exclude each other")
        aside: set[str] = set()
        if given.intersection({"profile", "authentication", *SIGNING}):
            aside.update(SIGNING, {"authentication"})
        if given.intersection({"user", "key_file", "key_content"}):
            aside.add("profile")
        unset = dict.fromkeys(aside - given)
        return super().load({**unset, **options}, environ, also_known=also_known)

    def endpoint_of(self, service: ServiceName) -> str | None:
        """URL of a service; None for the one of the region.

        Args:
            service: Name of a client; all clients of one service share the option.
        """
        name = service.removesuffix("_admin").removesuffix("_control").removesuffix("_management")
        own: str | None = getattr(self, f"{name}_endpoint")
        url = own or self.endpoint
        return None if url is None else url.rstrip("/")
