"""Service Bus without a server: where the namespace is, filters, messages, errors of AMQP."""

from __future__ import annotations

import socket
import ssl
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from socket import gaierror
from types import SimpleNamespace
from typing import Any

import pytest
from azure.servicebus._pyamqp._decode import decode_payload
from azure.servicebus._pyamqp.error import (
    AMQPConnectionError,
    AMQPLinkError,
    ErrorCondition,
    MessageSendFailed,
    TokenAuthFailure,
)
from azure.servicebus._pyamqp.message import Message as AmqpMessage
from azure.servicebus._pyamqp.message import Properties
from cloudkit.api.messaging import Message, OutgoingMessage, Receive, Source
from cloudkit.azure.clients import ClientSettings
from cloudkit.azure.conditions import from_connecting
from cloudkit.azure.config import AzureConfig
from cloudkit.azure.errors import translate
from cloudkit.azure.service_bus.connections import Connection
from cloudkit.azure.service_bus.filters import MAX_CHARACTERS, from_rules, to_sql
from cloudkit.azure.service_bus.known import Known
from cloudkit.azure.service_bus.links import Delivery
from cloudkit.azure.service_bus.messages import copy, decode, encode, encoded
from cloudkit.azure.service_bus.place import ROOT_POLICY, Place, make_place
from cloudkit.azure.service_bus.queue import ServiceBusMessageQueue
from cloudkit.azure.service_bus.sending import _runs
from cloudkit.azure.service_bus.sessions import Sessions
from cloudkit.azure.service_bus.sweeping import redrive
from cloudkit.common import (
    AccountKeyCredentials,
    CloudError,
    ConfigurationError,
    ConnectionFailedError,
    ConnectionStringCredentials,
    Credentials,
    DnsError,
    InvalidCredentialsError,
    NetworkError,
    NotFoundError,
    PayloadTooLargeError,
    PreconditionFailedError,
    RateLimitedError,
    SharedAccessSignatureCredentials,
    TlsError,
    ValidationError,
)
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,9}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
HOST = "name.servicebus.windows.net"


def settings(credentials: Credentials | None, **options: Any) -> ClientSettings:
    config = AzureConfig.load(options, {})
    return ClientSettings(config, credentials, None, "tests", {})


def place_of(text: str) -> Place:
    return make_place(settings(ConnectionStringCredentials(connection_string=text)))


def test_a_connection_string_says_where_and_how() -> None:
    place = place_of(
        f"Endpoint=sb://{HOST}/;SharedAccessKeyName=mine;SharedAccessKey=abc=;EntityPath=q"
    )
    assert (place.host, place.secure) == (HOST, True)
    assert (place.policy, place.key, place.signature) == ("mine", "abc=", None)
    local = place_of("Endpoint=sb://localhost:5672;SharedAccessKey=k;UseDevelopmentEmulator=true")
    assert (local.host, local.secure, local.policy) == ("localhost:5672", False, ROOT_POLICY)
    signed = place_of(
        f"Endpoint=sb://{HOST};SharedAccessSignature=SharedAccessSignature sr=a&sig=b"
    )
    assert signed.access("any").token == "SharedAccessSignature sr=a&sig=b"


@pytest.mark.parametrize("text", ["nonsense", "SharedAccessKey=secret", f"Endpoint=sb://{HOST}"])
def test_a_connection_string_that_says_too_little_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        place_of(text)
    assert "secret" not in str(caught.value)


def test_without_a_namespace_there_is_no_client() -> None:
    with pytest.raises(ConfigurationError, match="service_bus_namespace"):
        make_place(settings(AccountKeyCredentials(key="k")))


def test_no_secret_shows() -> None:
    made = [
        settings(AccountKeyCredentials(key="secret"), service_bus_namespace=HOST),
        settings(SharedAccessSignatureCredentials(signature="secret"), service_bus_namespace=HOST),
    ]
    assert all("secret" not in repr(make_place(one)) for one in made)


def test_a_signature_covers_its_resource() -> None:
    place = make_place(settings(AccountKeyCredentials(key="k"), service_bus_namespace=HOST))
    token = place.access(f"sb://{HOST}/queue").token
    assert token.startswith("SharedAccessSignature sr=sb%3A%2F%2Fname")
    assert token != place.access(f"sb://{HOST}/other").token


@given(st.dictionaries(NAMES, st.lists(TEXTS, min_size=1, max_size=3).map(tuple), max_size=3))
def test_a_filter_is_read_as_it_was_written(wanted: Mapping[str, tuple[str, ...]]) -> None:
    rule = SimpleNamespace(filter=SimpleNamespace(sql_expression=to_sql(wanted)))
    assert from_rules([rule]) == wanted


def test_rules_of_others_are_read_as_far_as_they_can_be_said() -> None:
    def rule(**fields: Any) -> Any:
        return SimpleNamespace(filter=SimpleNamespace(**fields))

    assert from_rules([rule(properties={"a": "b"}, label=None)]) == {"a": ("b",)}
    assert from_rules([rule(sql_expression="1=1")]) == {}
    assert from_rules([rule(sql_expression="user.[a] IN ('b') OR c > 2")]) == {}
    assert from_rules([rule(sql_expression="a = 'b'"), rule(sql_expression="1=1")]) == {}


def test_a_filter_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValidationError, match="1,024"):
        to_sql({"a": ("x" * MAX_CHARACTERS,)})


@given(
    st.binary(max_size=40),
    st.dictionaries(NAMES, st.text(st.characters(exclude_categories=["Cs"]), max_size=8)),
)
def test_a_message_is_read_as_it_was_written(body: bytes, attributes: dict[str, str]) -> None:
    message = OutgoingMessage(body=body, attributes=attributes, group="g", dedup_id="d")
    wire = decode_payload(memoryview(encoded(encode(message, sessions=True))))
    token = uuid.uuid4()
    found = decode(Delivery(1, token.bytes_le, wire), Source("queue", "q"))
    assert (found.body, dict(found.attributes)) == (body, attributes)
    assert (found.group, found.dedup_id, found.id) == ("g", "d", "d")
    assert (found.lease, found.receive_count) == (str(token), 1)


def test_names_that_were_made_up_do_not_show_and_cannot_be_given() -> None:
    wire = encode(OutgoingMessage(body=b""), sessions=True)
    found = decode(Delivery(1, bytes(16), wire), Source("queue", "q"))
    assert (found.group, found.dedup_id) == (None, None)
    assert found.id
    with pytest.raises(ValidationError):
        encode(OutgoingMessage(body=b"", group="cloudkit-none-x"), sessions=True)


def test_attributes_that_are_too_large_are_refused() -> None:
    with pytest.raises(PayloadTooLargeError):
        encode(OutgoingMessage(body=b"", attributes={"a": "x" * 70_000}), sessions=False)


def test_the_reason_of_a_dead_letter_is_none_of_its_attributes() -> None:
    message = OutgoingMessage(body=b"", attributes={"DeadLetterReason": "why", "a": "b"})
    delivery = Delivery(1, bytes(16), encode(message, sessions=False))
    dead = decode(delivery, Source("queue", "q", dead_letters=True))
    assert (dead.dead_letter_reason, dict(dead.attributes)) == ("why", {"a": "b"})
    alive = decode(delivery, Source("queue", "q"))
    assert alive.attributes["DeadLetterReason"] == "why"


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ({b"name": b"value", 7: [{b"in": None}]}, b'{"name": "value", "7": [{"in": null}]}'),
        ([b"text", 1], b'["text", 1]'),
        (b"\xff", b"\xff"),
    ],
)
def test_values_of_amqp_are_read(value: Any, body: bytes) -> None:
    delivery = Delivery(1, bytes(16), AmqpMessage(value=value))
    assert decode(delivery, Source("queue", "q")).body == body


def test_what_kind_a_queue_is_may_be_found_out_by_two_at_once() -> None:
    tried = []
    leases: Any = object.__new__(ServiceBusMessageQueue)
    client: Any = SimpleNamespace(known=Known())

    def receive(*_: Any, **how: Any) -> list[Message]:
        tried.append(how)
        if len(tried) == 1:
            client.known.sessions["q"] = True  # by the other one
            raise AMQPLinkError(ErrorCondition.NotAllowed)
        return []

    leases._receive_at = receive
    op = Receive(source=Source("queue", "q"))
    assert leases._receive_from(client, op, threading.Event()) == []
    assert tried == [{"sessions": False}, {"sessions": True}]
    assert client.known.sessions["q"]


def test_a_lost_answer_to_an_acknowledgement_of_several_is_no_failure() -> None:
    leases: Any = object.__new__(ServiceBusMessageQueue)
    client: Any = SimpleNamespace(known=Known(), sessions=SimpleNamespace(find=lambda token: None))
    source = Source("queue", "q")
    messages = [Message(id=i, body=b"", source=source, lease=i) for i in ("a", "b")]
    gone: Any = AMQPLinkError(b"com.microsoft:message-lock-lost")
    gone.answered = True
    answers = [ConnectionResetError("lost"), gone, gone, gone]

    def settle(*_: Any) -> None:
        raise answers.pop(0)

    leases._settle_all = settle
    with pytest.raises(ConnectionResetError):
        leases._complete(client, source, messages)
    assert [result.ok for result in leases._complete(client, source, messages)] == [True, True]


def test_a_dead_letter_goes_back_without_the_end_of_its_time() -> None:
    ended = Properties(message_id="id", creation_time=1, absolute_expiry_time=2, subject="kept")
    again: Any = copy(AmqpMessage(properties=ended, data=[b"body"]), sessions=False).properties
    assert (again.creation_time, again.absolute_expiry_time) == (None, None)
    assert again.subject == "kept"
    assert again.message_id != "id"


def test_dead_letters_go_back_while_they_are_leased(monkeypatch: pytest.MonkeyPatch) -> None:
    """With leases of five seconds, and exchanges of a tenth of a second."""
    dead, now, ends = list(range(40)), 0.0, dict[int, float]()

    def take(client: Any, path: str, count: int, *_: Any) -> list[Any]:
        ends.update(dict.fromkeys(dead[:count], now + 5))
        return dead[:count]

    def send_back(*_: Any) -> None:
        nonlocal now
        now += 0.1

    def settle(client: Any, path: str, deliveries: list[int], status: str) -> None:
        nonlocal now
        now += 0.1
        for delivery in deliveries:
            assert now < ends[delivery], "the lease has ended, and its copy is sent already"
            dead.remove(delivery)

    for name, double in (("take", take), ("_send_back", send_back), ("_settle", settle)):
        monkeypatch.setattr(f"cloudkit.azure.service_bus.sweeping.{name}", double)
    client: Any = None
    assert redrive(client, "q", 35) == 35
    assert redrive(client, "q", None) == 5


def test_news_are_seen_on_a_socket_with_a_high_number() -> None:
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= 1100:
        pytest.skip("this process may not open so many files")
    near, far = socket.socketpair()
    high = socket.socket(fileno=duplicate(near.fileno(), 1050))
    connection: Any = object.__new__(Connection)
    connection._amqp = SimpleNamespace(_transport=SimpleNamespace(sock=high), _error=None)
    with near, far, high:
        assert not connection._has_news()
        far.send(b"news")
        assert connection._has_news()


def duplicate(number: int, least: int) -> int:
    import fcntl

    return fcntl.fcntl(number, fcntl.F_DUPFD, least)


def test_what_was_refused_is_not_done() -> None:
    leases: Any = object.__new__(ServiceBusMessageQueue)
    client: Any = SimpleNamespace(known=Known(), sessions=SimpleNamespace(find=lambda token: None))
    source = Source("queue", "q")
    message = Message(id="a", body=b"", source=source, lease="a")
    answers = [b"com.microsoft:server-busy", b"com.microsoft:message-lock-lost"]

    def settle(*_: Any) -> None:
        raise AMQPLinkError(answers.pop(0))

    leases._settle_all = settle
    for kind in (RateLimitedError, PreconditionFailedError):
        assert isinstance(leases._complete(client, source, [message])[0].error, kind)


def test_a_session_that_was_let_go_of_settles_nothing() -> None:
    pool: Any = None
    held: Any = SimpleNamespace(lock=threading.Lock(), leases={})
    with pytest.raises(PreconditionFailedError):
        Sessions(pool).settle(held, "token", "accepted")


def test_leases_that_have_ended_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudkit.azure.service_bus.known.REMEMBERED", 10)
    known, source = Known(), Source("queue", "q")
    for number in range(100):
        ended = datetime.now(UTC) + timedelta(hours=1 if number % 10 == 0 else -1)
        message = Message(id="", body=b"", source=source, lease=str(number), leased_until=ended)
        known.lease("q", message)
    assert len(known._leases["q"]) < 50
    assert known.leased("q") == 10


@given(st.dictionaries(st.integers(0, 50), st.integers(1, 1000)))
def test_transfers_hold_all_messages_and_no_more_than_fits(sizes: dict[int, int]) -> None:
    runs = list(_runs(sizes, 2000))
    assert [index for run in runs for index in run] == list(sizes)
    assert all(len(run) == 1 or sum(sizes[i] + 8 for i in run) + 512 <= 2000 for run in runs)


@pytest.mark.parametrize(
    ("condition", "kind"),
    [
        (b"com.microsoft:message-lock-lost", PreconditionFailedError),
        (ErrorCondition.NotFound, NotFoundError),
        (b"com.microsoft:server-busy", RateLimitedError),
        (ErrorCondition.SocketError, NetworkError),
        (b"something:new", NetworkError),
    ],
)
def test_conditions_of_links(condition: Any, kind: type[CloudError]) -> None:
    text = b"What happened. TrackingId:abc_G1, SystemTracker:x, Timestamp:y"
    error = translate(AMQPLinkError(condition, description=text))
    assert error is not None
    assert type(error) is kind
    assert (str(error.message), error.request_id) == ("What happened.", "abc_G1")


def test_other_errors_of_amqp() -> None:
    rejected = MessageSendFailed(ErrorCondition.LinkMessageSizeExceeded, description="large")
    assert isinstance(translate(rejected), PayloadTooLargeError)
    assert isinstance(translate(TokenAuthFailure(401, b"no")), InvalidCredentialsError)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (gaierror("unknown"), DnsError),
        (ssl.SSLError("wrong"), TlsError),
        (ConnectionRefusedError("refused"), ConnectionFailedError),
    ],
)
def test_connections_that_are_not_made(reason: Exception, kind: type[CloudError]) -> None:
    error = from_connecting(AMQPConnectionError(ErrorCondition.SocketError, error=reason))
    assert type(error) is kind
    assert error.unprocessed or kind is TlsError


def test_old_acknowledgements_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudkit.azure.service_bus.known.REMEMBERED", 2)
    known = Known()
    for token in ("a", "b", "c"):
        known.complete(token)
    assert [known.is_complete(token) for token in ("a", "b", "c")] == [False, True, True]
