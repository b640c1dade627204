"""Settings of the Google Cloud provider."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, Self, TypeAlias

from attrs import Attribute, frozen
from cloudkit.api.validation import is_flag
from cloudkit.common import (
    CloudConfig,
    ConfigurationError,
    Duration,
    ValidationError,
    option,
    parse_bool,
    seconds,
)
from cloudkit.core import CloudOptions
from cloudkit.core.options import check_text, check_url, text_option
from cloudkit.core.urls import is_url

ServiceName: TypeAlias = Literal["storage", "firestore", "pubsub", "tasks", "functions"]


class GcpOptions(CloudOptions, total=False):
    """The options of ``CloudKit.gcp()``; see [GcpConfig][cloudkit.gcp.GcpConfig]."""

    project: str | None
    quota_project: str | None
    anonymous: bool
    credentials_file: str | None
    service_account_info: Mapping[str, Any] | str | None
    impersonate: str | None
    signing_account: str | None
    iam_endpoint: str
    storage_endpoint: str | None
    kms_key: str | None
    firestore_endpoint: str | None
    firestore_database: str
    pubsub_endpoint: str | None
    tasks_endpoint: str | None
    tasks_target: str | None
    tasks_service_account: str | None
    tasks_audience: str | None
    tasks_deadline: Duration
    functions_endpoint: str | None


SOURCES = ("credentials_file", "service_account_info", "anonymous")
"""Options that are different ways to sign in: who gives one does not want another."""

DEFAULT_URLS: Mapping[ServiceName, str] = {
    "storage": "https://storage.googleapis.com",
    "firestore": "https://firestore.googleapis.com",
    "pubsub": "https://pubsub.googleapis.com",
    "tasks": "https://cloudtasks.googleapis.com",
    "functions": "https://cloudfunctions.googleapis.com",
}
"""Where the services are when no option says otherwise."""

EXAMPLE = "https://host:port, or host:port"


def _to_url(value: object) -> object:
    """Emulators are named as host and port: ``127.0.0.1:8080``."""
    if not isinstance(value, str) or not value:
        return value
    return (value if "://" in value else f"http://{value}").rstrip("/")


def _check_url(instance: object, attribute: Attribute[Any], value: object) -> None:
    check_url(attribute.name, value, example=EXAMPLE)


def _to_info(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        # The reason would quote the key.
        raise ValidationError("service_account_info is not JSON") from None


def _check_target(instance: object, attribute: Attribute[Any], value: object) -> None:
    if value is not None and not is_url(value):
        raise ValidationError(f"{attribute.name} must be a URL such as https://host/path")


def _to_deadline(value: Any) -> float:
    return seconds(value, "tasks_deadline", minimum=15, maximum=1800)


def _check_info(instance: object, attribute: Attribute[Any], value: object) -> None:
    if value is not None and not isinstance(value, Mapping):
        raise ValidationError(f"{attribute.name} must be the content of a key file")


def _url(doc: str, *variables: str, default: str | None = None) -> Any:
    return option(default, doc=doc, variables=variables, converter=_to_url, validator=_check_url)


@frozen(kw_only=True)
class GcpConfig(CloudConfig):
    """Settings of the Google Cloud provider.

    Without a key file, Application Default Credentials are used: the file that
    ``GOOGLE_APPLICATION_CREDENTIALS`` names, what ``gcloud auth application-default login`` left
    behind, or the service account of the machine. A service whose endpoint is plain HTTP is an
    emulator: requests to it are not signed, unless an option says how.

    Attributes:
        project: The project of buckets, databases, topics and functions; that of the credentials
            when None.
        quota_project: The project that is charged for requests, where it is another one.
        anonymous: Send requests unsigned, for public buckets and emulators.
        credentials_file: Path of a key file, or of a configuration of workload identity.
        service_account_info: Content of a key file, as a mapping or as JSON.
        impersonate: Service account to act as; the credentials need the role Service Account Token
            Creator on it.
        signing_account: Service account that signs URLs over the IAM API, for credentials that have
            no key and do not know their own account.
        iam_endpoint: URL of the IAM credentials API.
        storage_endpoint: URL of Cloud Storage, in place of ``endpoint``.
        kms_key: Key of Cloud KMS that objects are encrypted with, in place of their bucket's:
            ``projects/…/locations/…/keyRings/…/cryptoKeys/…``.
        firestore_endpoint: URL of Firestore.
        firestore_database: Database whose collections are the tables.
        pubsub_endpoint: URL of Pub/Sub.
        tasks_endpoint: URL of Cloud Tasks.
        tasks_target: URL that Cloud Tasks posts messages to: where ``cloud.cloud_tasks.application()``
            is served.
        tasks_service_account: Service account whose ID token goes with each of them.
        tasks_audience: Whom that token is made for; the URL that they are posted to when None.
        tasks_deadline: Seconds (or a timedelta) that the application may take for one, 15 to 1800.
        functions_endpoint: URL of the API that describes functions.
    """

    provider_name: ClassVar[str] = "gcp"
    native_variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "region": ("GOOGLE_CLOUD_REGION", "CLOUDSDK_COMPUTE_REGION"),
    }

    project: str | None = text_option(
        "project of the resources",
        "GOOGLE_CLOUD_PROJECT",
        "GCLOUD_PROJECT",
        "CLOUDSDK_CORE_PROJECT",
    )
    quota_project: str | None = text_option("project that is charged", "GOOGLE_CLOUD_QUOTA_PROJECT")
    anonymous: bool = option(
        default=False, doc="send requests unsigned", parse=parse_bool, validator=is_flag
    )
    credentials_file: str | None = text_option("path of a file with credentials")
    service_account_info: Mapping[str, Any] | None = option(
        doc="content of a key file", secret=True, converter=_to_info, validator=_check_info
    )
    impersonate: str | None = text_option(
        "service account to act as", "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT"
    )
    signing_account: str | None = text_option("service account that signs URLs")
    iam_endpoint: str = _url(
        "URL of the IAM credentials API", default="https://iamcredentials.googleapis.com"
    )
    storage_endpoint: str | None = _url("URL of Cloud Storage", "STORAGE_EMULATOR_HOST")
    kms_key: str | None = text_option("key that objects are encrypted with")
    firestore_endpoint: str | None = _url("URL of Firestore", "FIRESTORE_EMULATOR_HOST")
    firestore_database: str = option(
        "(default)",
        doc="database of the tables",
        variables=("FIRESTORE_DATABASE",),
        validator=check_text,
    )
    pubsub_endpoint: str | None = _url("URL of Pub/Sub", "PUBSUB_EMULATOR_HOST")
    tasks_endpoint: str | None = _url("URL of Cloud Tasks", "CLOUD_TASKS_EMULATOR_HOST")
    tasks_target: str | None = option(
        doc="URL that messages are posted to", validator=_check_target
    )
    tasks_service_account: str | None = text_option("service account whose token goes with them")
    tasks_audience: str | None = text_option("whom that token is made for")
    tasks_deadline: float = option(
        600.0,
        doc="seconds that the application may take for a message",
        parse=float,
        converter=_to_deadline,
    )
    functions_endpoint: str | None = _url("URL of Cloud Functions")

    def __attrs_post_init__(self) -> None:
        check_url("endpoint", self.endpoint, example=EXAMPLE)

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
        chosen = [
            name for name in SOURCES if options.get(name) is not None and options[name] is not False
        ]
        if len(chosen) > 1:
            raise ConfigurationError(f"gcp: {' and '.join(chosen)} exclude each other")
        unset: dict[str, Any] = {}
        if chosen:
            unset = {name: False if name == "anonymous" else None for name in SOURCES}
        if options.get("endpoint") is not None:
            unset["storage_endpoint"] = None
        return super().load({**unset, **options}, environ, also_known=also_known)

    def url(self, service: ServiceName) -> str:
        """URL of a service, without a slash at its end.

        Args:
            service: Which.
        """
        chosen = {
            "storage": self.storage_endpoint or self.endpoint,
            "firestore": self.firestore_endpoint,
            "pubsub": self.pubsub_endpoint,
            "tasks": self.tasks_endpoint,
            "functions": self.functions_endpoint,
        }
        return (chosen[service] or DEFAULT_URLS[service]).rstrip("/")
