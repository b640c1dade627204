"""What is sent arrives as it is: bodies, attributes, JSON."""

from __future__ import annotations

from typing import Any

import pytest
from cloudkit.common import PayloadTooLargeError, SerializationError, ValidationError
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.messaging.samples import (
    BODIES,
    KIB,
    NAMES,
    NOT_BODIES,
    NOT_NAMES,
    STRANGE_TEXTS,
    VALUES,
)
from cloudkit.testing.messaging.suite import MessagingSuite, Watched
from cloudkit.testing.outcome import behaviour

_LARGEST = 4 * KIB * KIB  # where the limit is higher, moving so much proves nothing


class BodyBehaviours(MessagingSuite):
    """Bodies and attributes arrive byte for byte, or are refused."""

    __test__ = False

    @pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
    async def test_a_body_arrives_byte_for_byte(self, channel: Channel, body: bytes) -> None:
        await channel.send(body)
        assert (await self.receive_one(channel)).body == body

    async def test_bodies_do_not_mix(self, channel: Channel) -> None:
        for body in BODIES.values():
            await channel.send(body)
        received = await self.take_bodies(channel, len(BODIES))
        assert sorted(received) == sorted(BODIES.values())

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview], ids=lambda kind: kind.__name__)
    async def test_a_body_is_taken_in_any_form_of_bytes(self, channel: Channel, kind: Any) -> None:
        await channel.send(kind(b"\x00body\xff"))
        message = await self.receive_one(channel)
        assert type(message.body) is bytes
        assert message.body == b"\x00body\xff"

    async def test_a_text_is_sent_as_utf_8(self, channel: Channel) -> None:
        await channel.send("Grüße 😀")
        message = await self.receive_one(channel)
        assert message.body == "Grüße 😀".encode()
        assert message.text() == "Grüße 😀"

    async def test_a_body_that_is_no_text_is_not_read_as_one(self, channel: Channel) -> None:
        await channel.send(b"\xff")
        message = await self.receive_one(channel)
        with pytest.raises(SerializationError):
            message.text()
        with pytest.raises(SerializationError):
            message.json()

    @pytest.mark.parametrize("value", VALUES, ids=ascii)
    async def test_a_value_is_sent_as_json(self, channel: Channel, value: Any) -> None:
        await channel.send_json(value)
        assert (await self.receive_one(channel)).json() == value

    async def test_what_json_cannot_say_is_refused_before_sending(self, unsent: Watched) -> None:
        for value in (b"bytes", {1, 2}, float("nan"), ...):
            with pytest.raises(SerializationError):
                await unsent.channel.send_json(value)

    @pytest.mark.parametrize("body", NOT_BODIES, ids=ascii)
    async def test_what_is_no_body_is_refused_before_sending(
        self, unsent: Watched, body: Any
    ) -> None:
        with pytest.raises(ValidationError):
            await unsent.channel.send(body)
        with pytest.raises(ValidationError):
            await unsent.channel.send_batch([b"good", body])

    async def test_a_large_body_arrives_byte_for_byte(self, channel: Channel) -> None:
        size = min(200 * KIB, channel.limits.max_message_bytes)
        body = (bytes(range(251)) * (size // 251 + 1))[:size]
        await channel.send(body)
        assert (await self.receive_one(channel)).body == body

    async def test_a_body_as_large_as_the_limit_arrives(self, channel: Channel) -> None:
        size = min(channel.limits.max_message_bytes, _LARGEST)
        await channel.send(b"\xff" * size)
        assert (await self.receive_one(channel)).body == b"\xff" * size

    async def test_a_body_above_the_limit_is_refused_before_sending(self, unsent: Watched) -> None:
        limit = min(unsent.channel.limits.max_message_bytes, _LARGEST)
        self.restrict(unsent.channel.contract, max_message_bytes=limit)
        with pytest.raises(PayloadTooLargeError) as caught:
            await unsent.channel.send(bytes(limit + 1))
        assert f"{limit:,}" in str(caught.value)

    @behaviour("attributes")
    async def test_attributes_count_as_part_of_the_size(self, unsent: Watched) -> None:
        limit = min(unsent.channel.limits.max_message_bytes, _LARGEST)
        self.restrict(unsent.channel.contract, max_message_bytes=limit)
        with pytest.raises(PayloadTooLargeError):
            await unsent.channel.send(bytes(limit - 10), attributes={"name": "ä" * 4})

    @behaviour("attributes")
    async def test_strange_values_of_attributes_arrive_as_they_are(self, channel: Channel) -> None:
        at_once = min(channel.limits.max_attributes, 10)
        sent: dict[bytes, dict[str, str]] = {}
        for start in range(0, len(STRANGE_TEXTS), at_once):
            texts = STRANGE_TEXTS[start : start + at_once]
            attributes = {f"a{number}": value for number, value in enumerate(texts)}
            sent[f"from {start}".encode()] = attributes
            await channel.send(f"from {start}", attributes=attributes)
        for message in await self.receive_some(channel, len(sent)):
            assert dict(message.attributes) == sent[message.body]

    @behaviour("attributes")
    async def test_names_of_attributes_arrive_as_they_are(self, channel: Channel) -> None:
        names = NAMES[: channel.limits.max_attributes]
        await channel.send(b"body", attributes={name: name for name in names})
        message = await self.receive_one(channel)
        assert dict(message.attributes) == {name: name for name in names}

    @behaviour("attributes")
    async def test_as_many_attributes_as_the_limit_allows_arrive(self, channel: Channel) -> None:
        attributes = {
            f"name{n}": f"value{n}" for n in range(min(channel.limits.max_attributes, 100))
        }
        await channel.send(b"", attributes=attributes)
        message = await self.receive_one(channel)
        assert message.body == b""
        assert dict(message.attributes) == attributes

    async def test_a_message_without_attributes_has_none(self, channel: Channel) -> None:
        await channel.send(b"body")
        assert dict((await self.receive_one(channel)).attributes) == {}

    @behaviour("attributes")
    @pytest.mark.parametrize("name", NOT_NAMES, ids=ascii)
    async def test_what_is_no_name_of_an_attribute_is_refused_before_sending(
        self, unsent: Watched, name: Any
    ) -> None:
        with pytest.raises(ValidationError):
            await unsent.channel.send(b"body", attributes={name: "value"})

    @behaviour("attributes")
    @pytest.mark.parametrize("value", [None, 1, b"bytes", ["a"], "\ud800"], ids=ascii)
    async def test_what_is_no_value_of_an_attribute_is_refused_before_sending(
        self, unsent: Watched, value: Any
    ) -> None:
        with pytest.raises(ValidationError):
            await unsent.channel.send(b"body", attributes={"name": value})

    @behaviour("attributes")
    async def test_too_many_attributes_are_refused_before_sending(self, unsent: Watched) -> None:
        self.restrict(unsent.channel.contract, max_attributes=5)
        with pytest.raises(ValidationError) as caught:
            await unsent.channel.send(b"", attributes={f"a{n}": "v" for n in range(6)})
        assert "5" in str(caught.value)
