"""Signed URLs: what they allow, what they refuse, and the server behind them."""

from __future__ import annotations

import http.client
import socket
import threading
from urllib.parse import quote, urlsplit

import pytest
from anyio import to_thread
from cloudkit.local import LocalCloud

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["file", "memory"])
async def storage(request, tmp_path):
    path = tmp_path / "cloud" if request.param == "file" else None
    async with LocalCloud(path=path) as cloud:
        await cloud.storage.create_bucket("bucket")
        yield cloud.storage


def exchange(method, url, body=None, headers=None):
    parts = urlsplit(str(url))
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


async def ask(*args, **options):
    return await to_thread.run_sync(lambda: exchange(*args, **options))


@pytest.mark.parametrize(
    ("header", "status", "body", "content_range"),
    [
        (None, 200, b"0123456789", None),
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-30", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=5-500", 206, b"56789", "bytes 5-9/10"),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        (f"bytes={'9' * 5000}-", 200, b"0123456789", None),
    ],
)
async def test_ranges(storage, header, status, body, content_range):
    await storage.put_object("bucket", "key", b"0123456789", cache_control="no-store")
    url = await storage.presigned_get_url("bucket", "key")
    answer = await ask("GET", url, headers={"Range": header} if header else {})
    assert (answer[0], answer[2], answer[1]["Content-Range"]) == (status, body, content_range)
    assert answer[1]["Cache-Control"] == "no-store"


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=5-2", "bytes=-0"])
async def test_ranges_that_cannot_be_given(storage, header):
    await storage.put_object("bucket", "key", b"0123456789")
    url = await storage.presigned_get_url("bucket", "key")
    status, _, body = await ask("GET", url, headers={"Range": header})
    assert status == (400 if header == "bytes=5-2" else 416)
    assert body


async def test_head_gives_the_headers_only(storage):
    stored = await storage.put_object("bucket", "key.txt", b"0123456789")
    url = await storage.presigned_get_url("bucket", "key.txt")
    status, headers, body = await ask("HEAD", url)
    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == "10"
    assert headers["Content-Type"] == "text/plain"
    assert headers["ETag"] == f'"{stored.etag}"'


async def test_what_is_missing_is_not_found(storage):
    url = await storage.presigned_get_url("bucket", "missing")
    status, _, body = await ask("GET", url)
    assert status == 404
    assert b"missing" in body


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("key=a", "key=b"),
        ("method=GET", "method=PUT"),
        ("/bucket?", "/tekcub?"),
        ("signature=", "signature=0"),
    ],
)
async def test_a_changed_url_is_forbidden(storage, old, new):
    await storage.put_object("bucket", "a", b"")
    url = str(await storage.presigned_get_url("bucket", "a"))
    assert old in url
    status, _, body = await ask("GET", url.replace(old, new))
    assert (status, b"signature" in body) == (403, True)


@pytest.mark.parametrize(
    "target", ["/", "/bucket", "/bucket?key=%ff", "/bucket?key=a&key=b", "//x"]
)
async def test_an_unsigned_url_is_forbidden(storage, target):
    origin = str(await storage.presigned_get_url("bucket", "a")).partition("/bucket")[0]
    assert (await ask("GET", origin + target))[0] == 403


async def test_a_longer_life_cannot_be_asked_for(storage):
    url = str(await storage.presigned_get_url("bucket", "a"))
    expires = url.partition("expires=")[2].partition("&")[0]
    assert (await ask("GET", url.replace(expires, str(int(expires) + 1))))[0] == 403


async def test_a_put_stores_body_and_headers(storage):
    link = await storage.presigned_put_url("bucket", "new", content_type="text/css")
    headers = {**link.headers, "Content-Language": "de"}
    status, answer, _ = await ask("PUT", link, b"body {}", headers)
    assert status == 200
    info = await storage.head_object("bucket", "new")
    assert answer["ETag"] == f'"{info.etag}"'
    assert (info.content_type, info.attributes.content_language) == ("text/css", "de")
    assert await storage.get_object("bucket", "new") == b"body {}"


async def test_a_put_of_another_type_is_forbidden_and_the_reason_arrives(storage):
    link = await storage.presigned_put_url("bucket", "new", content_type="text/css")
    status, _, body = await ask("PUT", link, bytes(3_000_000), {"Content-Type": "text/html"})
    assert status == 403
    assert b"text/css" in body
    assert not await storage.object_exists("bucket", "new")


async def test_a_put_in_chunks(storage):
    link = await storage.presigned_put_url("bucket", "new")
    status, _, _ = await ask("PUT", link, iter([b"one, ", b"two, ", b"x" * 600_000]))
    assert status == 200
    assert await storage.get_object("bucket", "new") == b"one, two, " + b"x" * 600_000


async def test_a_put_that_breaks_off_stores_nothing(storage):
    link = await storage.presigned_put_url("bucket", "new")

    def break_off():
        parts = urlsplit(str(link))
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.putrequest("PUT", f"{parts.path}?{parts.query}")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"only this")
        connection.sock.shutdown(1)
        response = connection.getresponse()
        connection.close()
        return response.status

    assert await to_thread.run_sync(break_off) == 400
    assert not await storage.object_exists("bucket", "new")


async def raw(url, request):
    """What the server says to bytes that no client library would send, until it hangs up."""

    def talk():
        parts = urlsplit(str(url))
        target = f"{parts.path}?{parts.query}".encode()
        with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
            connection.sendall(request.replace(b"TARGET", target))
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            return answer

    return await to_thread.run_sync(talk)


@pytest.mark.parametrize("length", [b"-1", b"two", b"1_0", b"", b"9" * 5000])
async def test_a_put_whose_length_is_no_number_stores_nothing(storage, length):
    link = await storage.presigned_put_url("bucket", "new")
    request = b"PUT TARGET HTTP/1.1\r\nHost: x\r\nContent-Length: %b\r\n\r\nbody" % length
    answer = await raw(link, request)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1  # the body is no next request
    assert not await storage.object_exists("bucket", "new")


@pytest.mark.parametrize("size", [b"-4", b"0x4", b"4_0", b""])
async def test_a_chunk_whose_size_is_no_number_stores_nothing(storage, size):
    link = await storage.presigned_put_url("bucket", "new")
    head = b"PUT TARGET HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await raw(link, head + size + b"\r\nbody\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert not await storage.object_exists("bucket", "new")


async def test_the_body_of_a_get_is_no_next_request(storage):
    await storage.put_object("bucket", "key", b"content")
    link = await storage.presigned_get_url("bucket", "key")
    answer = await raw(link, b"GET TARGET HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\ncontent")


async def test_a_client_that_keeps_no_connections_is_hung_up_on(storage):
    link = await storage.presigned_get_url("bucket", "missing")
    answer = await raw(link, b"GET TARGET HTTP/1.0\r\n\r\n")
    assert b" 404 " in answer


async def test_several_requests_on_one_connection(storage):
    await storage.put_object("bucket", "key", b"content")
    url = urlsplit(str(await storage.presigned_get_url("bucket", "key")))

    def several():
        connection = http.client.HTTPConnection(url.netloc, timeout=10)
        answers = []
        for _ in range(5):
            connection.request("GET", f"{url.path}?{url.query}")
            answers.append(connection.getresponse().read())
        connection.close()
        return answers

    assert await to_thread.run_sync(several) == [b"content"] * 5


async def test_the_url_works_while_the_event_loop_is_busy(storage):
    await storage.put_object("bucket", "key", b"content")
    url = await storage.presigned_get_url("bucket", "key")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(exchange("GET", url)))
    thread.start()
    thread.join(10)  # the event loop stands still here
    assert answers[0][2] == b"content"


async def test_closing_stops_the_server(tmp_path):
    async with LocalCloud(path=tmp_path / "cloud") as cloud:
        await cloud.storage.create_bucket("bucket")
        url = await cloud.storage.presigned_get_url("bucket", "key")
        parts = urlsplit(str(url))
        idle = http.client.HTTPConnection(parts.netloc, timeout=10)
        await to_thread.run_sync(idle.connect)
        assert (await ask("GET", url))[0] == 404
    with pytest.raises(ConnectionError):
        await ask("GET", url)
    assert await to_thread.run_sync(idle.sock.recv, 1) == b""
    idle.close()


async def test_the_secret_is_kept_and_private(tmp_path):
    folder = tmp_path / "cloud"
    signatures = set()
    for _ in range(2):
        async with LocalCloud(path=folder) as cloud:
            await cloud.storage.presigned_get_url("bucket", "key")
            signatures.add((folder / "secret").read_bytes())
    assert len(signatures) == 1
    assert (folder / "secret").stat().st_mode & 0o777 == 0o600


async def test_strange_keys_go_through_a_url(storage):
    for key in ("../..", ".", "a/../b", "/", "//", "%2e", "a+b c&d=e?f#g", "é😀", "\n\0\x7f"):
        await storage.put_object("bucket", key, quote(key).encode())
        url = await storage.presigned_get_url("bucket", key)
        assert (await ask("GET", url))[2] == quote(key).encode()
