"""The servers of Google Cloud, and clients of them that are not ours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from emulators import firestore
from emulators.certificates import make_certificate
from emulators.cloud_storage import cloud_storage
from emulators.google import create_service_account
from emulators.google.front import signed_front
from emulators.process import Server
from gcp.wire import Wire, wire_to
from google.auth.transport.requests import Request
from google.cloud.storage import Client  # type: ignore[import-untyped]
from google.oauth2 import service_account

PROJECT = "tests"
SCOPE = "https://www.googleapis.com/auth/devstorage.full_control"
_numbers = count(1)


@pytest.fixture(scope="session")
def gcs() -> Iterator[Server]:
    """The double of Cloud Storage."""
    with cloud_storage() as server:
        yield server


@pytest.fixture(scope="session")
def firestore_server() -> Iterator[Server]:
    """Firestore's emulator; not run on a machine that does not have it."""
    missing = firestore.missing()
    if missing is not None:
        pytest.skip(f"not run: {missing}")
    with firestore.firestore() as server:
        yield server


@pytest.fixture(scope="session")
def front_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Certificate and key of fronts."""
    return make_certificate(tmp_path_factory.mktemp("front"))


@pytest.fixture(scope="session")
def _tokens() -> set[str]:
    return set()


@pytest.fixture
def front_tokens(_tokens: set[str]) -> Iterator[set[str]]:
    """The tokens that fronts let through in this test: none but those that it adds."""
    yield _tokens
    _tokens.clear()


@pytest.fixture(scope="session")
def firestore_front(
    firestore_server: Server, front_files: tuple[Path, Path], _tokens: set[str]
) -> Iterator[str]:
    """URL of Firestore behind TLS and a check of tokens."""
    with signed_front(firestore_server.url, *front_files, _tokens) as url:
        yield url


@pytest.fixture
def trusted_front(front_files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients trust the certificate of fronts."""
    make, root = grpc.ssl_channel_credentials, front_files[0].read_bytes()
    monkeypatch.setattr(grpc, "ssl_channel_credentials", lambda: make(root_certificates=root))


@pytest.fixture(scope="session")
def key_file(gcs: Server) -> dict[str, Any]:
    """The key file of a service account of the double."""
    return create_service_account(gcs.url, PROJECT, "tester")


@pytest.fixture(scope="session")
def gcs_client(gcs: Server, key_file: dict[str, Any]) -> Iterator[Any]:
    """Google's client with the service account."""
    credentials = service_account.Credentials.from_service_account_info(key_file)
    client = Client(
        project=PROJECT, credentials=credentials, client_options={"api_endpoint": gcs.url}
    )
    yield client
    client.close()


@pytest.fixture(scope="session")
def token(key_file: dict[str, Any]) -> str:
    """An access token of the service account."""
    credentials = service_account.Credentials.from_service_account_info(key_file, scopes=[SCOPE])
    request = Request()
    credentials.refresh(request)
    request.session.close()
    assert isinstance(credentials.token, str)
    return credentials.token


@pytest.fixture
def wire(gcs: Server, token: str) -> Iterator[Wire]:
    """Plain HTTP with a token."""
    with wire_to(gcs.url, token) as connection:
        yield connection


@pytest.fixture
def stranger(gcs: Server) -> Iterator[Wire]:
    """Plain HTTP without a token."""
    with wire_to(gcs.url) as connection:
        yield connection


@pytest.fixture
def bucket(gcs_client: Any) -> Any:
    """A new bucket."""
    return gcs_client.create_bucket(f"bucket-{next(_numbers)}")
