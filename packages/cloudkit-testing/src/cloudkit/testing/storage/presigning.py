"""Links that work without credentials, for a while and for one thing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cloudkit.api.storage import ObjectStorage
from cloudkit.common import ValidationError, utc_now
from cloudkit.testing.outcome import behaviour
from cloudkit.testing.storage.suite import StorageSuite
from cloudkit.testing.storage.transports import exchange, pattern


class PresigningBehaviours(StorageSuite):
    """Presigned URLs, used by a plain HTTP client."""

    __test__ = False

    @behaviour("storage.presigned_get")
    async def test_anybody_reads_with_a_link(self, storage: ObjectStorage, bucket: str) -> None:
        data = pattern(100_000)
        await storage.put_object(bucket, "a b/ü.txt", data)
        link = await storage.presigned_get_url(bucket, "a b/ü.txt", expires_in=60)
        assert link.method == "GET"
        answer = await exchange("GET", link.url, headers=link.headers)
        assert answer.status == 200
        assert answer.body == data
        assert answer.headers["content-type"].startswith("text/plain")

    @behaviour("storage.presigned_put")
    async def test_anybody_writes_with_a_link(self, storage: ObjectStorage, bucket: str) -> None:
        link = await storage.presigned_put_url(bucket, "key", expires_in=60)
        assert link.method == "PUT"
        data = pattern(100_000)
        answer = await exchange("PUT", link.url, data, link.headers)
        assert answer.ok
        assert await storage.get_object(bucket, "key") == data

    @behaviour("storage.presigned_get")
    async def test_a_link_says_when_it_expires(self, storage: ObjectStorage, bucket: str) -> None:
        before = utc_now()
        link = await storage.presigned_get_url(bucket, "key", expires_in=timedelta(minutes=10))
        after = utc_now()
        second = timedelta(seconds=1)  # services keep whole seconds
        assert before - second <= link.expires_at - timedelta(minutes=10) <= after + second
        assert link.url not in repr(link), "a link is a secret"

    @behaviour("storage.presigned_get")
    async def test_a_link_to_nothing_is_not_found(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        link = await storage.presigned_get_url(bucket, "missing")
        assert (await exchange("GET", link.url, headers=link.headers)).status == 404

    @behaviour("storage.presigned_get")
    async def test_a_link_to_read_does_not_write(self, storage: ObjectStorage, bucket: str) -> None:
        await storage.put_object(bucket, "key", b"kept")
        link = await storage.presigned_get_url(bucket, "key")
        for method in ("PUT", "DELETE", "POST"):
            body = None if method == "DELETE" else b"changed"
            answer = await exchange(method, link.url, body, link.headers)
            assert answer.status >= 400
        assert await storage.get_object(bucket, "key") == b"kept"

    @behaviour("storage.presigned_put")
    async def test_a_link_to_write_does_not_read_or_delete(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        await storage.put_object(bucket, "key", b"not for all")
        link = await storage.presigned_put_url(bucket, "key")
        for method in ("GET", "DELETE"):
            answer = await exchange(method, link.url, headers=link.headers)
            assert answer.status >= 400
            assert b"not for all" not in answer.body
        assert await storage.get_object(bucket, "key") == b"not for all"

    @behaviour("storage.presigned_get")
    async def test_a_link_that_was_changed_is_refused(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        await storage.put_object(bucket, "public", b"public")
        await storage.put_object(bucket, "secret", b"not for all")
        link = await storage.presigned_get_url(bucket, "public")
        assert (await exchange("GET", link.url, headers=link.headers)).body == b"public"
        assert "public" in link.url
        # Whatever character is changed, the signature no longer fits.
        for url in (link.url.replace("public", "secret"), *_tampered(link.url)):
            answer = await exchange("GET", url, headers=link.headers)
            assert 400 <= answer.status < 500
            assert b"not for all" not in answer.body

    @behaviour("storage.presigned_get", "storage.presigned_put")
    async def test_an_expired_link_is_refused(self, storage: ObjectStorage, bucket: str) -> None:
        await storage.put_object(bucket, "key", b"kept")
        get = await storage.presigned_get_url(bucket, "key", expires_in=1)
        put = await storage.presigned_put_url(bucket, "key", expires_in=1)

        async def get_refused() -> bool:
            return (await exchange("GET", get.url, headers=get.headers)).status in {400, 401, 403}

        await self.eventually(get_refused)
        await self.eventually(lambda: utc_now() > put.expires_at + timedelta(seconds=1))
        answer = await exchange("PUT", put.url, b"changed", put.headers)
        assert answer.status in {400, 401, 403}
        assert await storage.get_object(bucket, "key") == b"kept"

    @behaviour("storage.presigned_get", "storage.presigned_put")
    @pytest.mark.parametrize("expires_in", [-1, 0, 0.5, "too long", "60", float("nan")])
    async def test_an_expiry_that_cannot_be_is_refused(
        self, storage: ObjectStorage, bucket: str, expires_in: float | str
    ) -> None:
        if expires_in == "too long":
            expires_in = storage.capabilities.max_presign_seconds + 1
        with pytest.raises(ValidationError):
            await storage.presigned_get_url(bucket, "key", expires_in=expires_in)  # type: ignore[arg-type]
        with pytest.raises(ValidationError):
            await storage.presigned_put_url(bucket, "key", expires_in=expires_in)  # type: ignore[arg-type]

    @behaviour("storage.presigned_put", "storage.presigned_content_type")
    async def test_a_link_to_write_is_bound_to_its_content_type(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        link = await storage.presigned_put_url(bucket, "key", content_type="image/png")
        assert "image/png" in link.headers.values(), "the link names the header to send"
        wrong = {
            name: value.replace("image/png", "text/html") for name, value in link.headers.items()
        }
        answer = await exchange("PUT", link.url, b"<script>", wrong)
        assert 400 <= answer.status < 500
        assert not await storage.object_exists(bucket, "key")
        assert (await exchange("PUT", link.url, b"png", link.headers)).ok
        assert (await storage.head_object(bucket, "key")).content_type == "image/png"


def _tampered(url: str) -> list[str]:
    """The URL with the last character of each argument of its query changed."""
    base, _, query = url.partition("?")
    arguments = query.split("&")
    changed = []
    for index, argument in enumerate(arguments):
        if argument.partition("=")[2]:
            # Where it is hexadecimal, a and A are the same.
            other = argument[:-1] + ("A" if argument[-1] not in "aA" else "B")
            others = [*arguments[:index], other, *arguments[index + 1 :]]
            changed.append(f"{base}?{'&'.join(others)}")
    return changed
