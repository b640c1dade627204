"""Firestore's emulator, driven by Google's client: what the provider relies on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from emulators.process import Server
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

PROJECT = "raw"
DATABASE = f"projects/{PROJECT}/databases/(default)"
OWNER = (("authorization", "Bearer owner"),)
_numbers = itertools.count()

Fields = Mapping[str, Any]


@pytest.fixture(scope="module")
def api(firestore_server: Server) -> Iterator[FirestoreClient]:
    channel = grpc.insecure_channel(firestore_server.url.removeprefix("http://"))
    with FirestoreClient(transport=FirestoreGrpcTransport(channel=channel)) as client:
        yield client


@pytest.fixture
def collection() -> str:
    return f"{DATABASE}/documents/c{next(_numbers)}"


def update(name: str, fields: Fields | None = None, **more: Any) -> dict[str, Any]:
    return {"update": {"name": name, "fields": fields or {}}, **more}


def commit(api: FirestoreClient, *writes: Any, transaction: bytes = b"") -> Any:
    request = {"database": DATABASE, "writes": writes, "transaction": transaction}
    return api.commit(request=request, retry=None)


def text(value: str) -> dict[str, Any]:
    return {"string_value": value}


def nested(levels: int) -> dict[str, Any]:
    value = text("the innermost")
    for _ in range(levels):
        value = {"map_value": {"fields": {"a": value}}}
    return value


def test_a_write_that_changes_nothing_keeps_the_update_time(
    api: FirestoreClient, collection: str
) -> None:
    first, second, third = (
        commit(api, update(f"{collection}/a", {"x": text(value)})).write_results[0].update_time
        for value in "aab"
    )
    assert first == second
    assert third > second


def test_preconditions_are_refused_by_codes_of_their_own(
    api: FirestoreClient, collection: str
) -> None:
    there, missing = f"{collection}/a", f"{collection}/b"
    (result,) = commit(api, update(there)).write_results
    stale = {"update_time": {"seconds": 1}}
    for kind, write in (
        (exceptions.AlreadyExists, update(there, current_document={"exists": False})),
        (exceptions.NotFound, update(missing, current_document={"exists": True})),
        (exceptions.FailedPrecondition, update(there, current_document=stale)),
        (exceptions.FailedPrecondition, update(missing, current_document=stale)),
        (exceptions.FailedPrecondition, {"delete": there, "current_document": stale}),
    ):
        with pytest.raises(kind):
            commit(api, update(f"{collection}/other"), write)
    same = {"update_time": result.update_time}
    commit(api, update(there, {"x": text("new")}, current_document=same))
    found = api.batch_get_documents(
        request={"database": DATABASE, "documents": [there, f"{collection}/other"]}, retry=None
    )
    assert [bool(answer.found.name) for answer in found] == [True, False]


def test_texts_are_ordered_by_utf8_in_both_directions(
    api: FirestoreClient, collection: str
) -> None:
    values = ["Z", "a", "a/", "b", "ä", "\uffff", "\U00010000"]
    commit(api, *(update(f"{collection}/{n}", {"x": text(v)}) for n, v in enumerate(values[::-1])))
    for direction, expected in (("ASCENDING", values), ("DESCENDING", values[::-1])):
        query = {
            "from_": [{"collection_id": collection.rpartition("/")[2]}],
            "order_by": [{"field": {"field_path": "x"}, "direction": direction}],
        }
        request = {"parent": f"{DATABASE}/documents", "structured_query": query}
        answers = api.run_query(request=request, retry=None)
        raw = [types.RunQueryResponse.pb(answer).document.fields["x"] for answer in answers]
        assert [value.string_value for value in raw] == expected


@pytest.mark.parametrize(
    "name", ["..", ".", "__a__", "x" * 1501, "a/b"], ids=lambda n: ascii(n[:5])
)
def test_such_an_id_is_refused(api: FirestoreClient, collection: str, name: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        commit(api, update(f"{collection}/{name}"))


@pytest.mark.parametrize(
    "name", ["%2E", "a|b", "__a", "x" * 1500, "\uffff"], ids=lambda n: ascii(n[:3])
)
def test_such_an_id_is_taken(api: FirestoreClient, collection: str, name: str) -> None:
    commit(api, update(f"{collection}/{name}"))
    request = {"name": f"{collection}/{name}"}
    assert api.get_document(request=request, retry=None).name == request["name"]


def test_values_end_where_the_documentation_says(api: FirestoreClient, collection: str) -> None:
    name = f"{collection}/a"
    commit(api, update(name, {"x": nested(20)}))
    commit(api, update(name, {"x": text("x" * 1_048_487)}))
    array: dict[str, Any] = {"array_value": {"values": [{"array_value": {}}]}}
    for value in (nested(21), text("x" * 1_048_488), array):
        with pytest.raises(exceptions.InvalidArgument):
            commit(api, update(name, {"x": value}))
    with pytest.raises(exceptions.InvalidArgument, match="reserved"):
        commit(api, update(name, {"__a__": text("")}))


def test_writes_of_a_batch_have_outcomes_of_their_own(
    api: FirestoreClient, collection: str
) -> None:
    writes = [
        update(f"{collection}/a"),
        update(f"{collection}/b", current_document={"exists": True}),
        {"delete": f"{collection}/missing"},
    ]
    answer = api.batch_write(
        request={"database": DATABASE, "writes": writes}, metadata=OWNER, retry=None
    )
    assert [status.code for status in answer.status] == [0, grpc.StatusCode.NOT_FOUND.value[0], 0]


def test_a_transaction_keeps_others_from_what_it_has_read(
    api: FirestoreClient, collection: str
) -> None:
    name = f"{collection}/a"
    request = {
        "database": DATABASE,
        "documents": [name],
        "new_transaction": {"read_write": {}},
    }
    transaction = next(iter(api.batch_get_documents(request=request, retry=None))).transaction
    with pytest.raises(exceptions.Aborted):
        commit(api, update(name))
    commit(api, update(f"{collection}/b"), transaction=transaction)
    commit(api, update(name))


def test_the_usual_client_works_too(firestore_server: Server, monkeypatch: Any) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_server.url.removeprefix("http://"))
    client = firestore.Client(project=PROJECT, credentials=AnonymousCredentials())
    reference = client.collection("usual").document("a")
    reference.set({"n": 1})
    assert reference.get().to_dict() == {"n": 1}
    client.close()
