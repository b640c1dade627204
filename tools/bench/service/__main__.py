"""The server: prints its URL, and serves until its standard input ends."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from typing import IO

from tools.bench.service.answers import PIECE, queue_url
from tools.bench.service.http import Connection

LARGEST = 256 * 1024 * 1024


def _content() -> IO[bytes]:
    content = tempfile.TemporaryFile()  # noqa: SIM115  (it lives as long as the process)
    for _ in range(LARGEST // len(PIECE)):
        content.write(PIECE)
    content.flush()
    return content


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    content = _content()
    answer = b""  # the port is known only when it listens
    server = await loop.create_server(lambda: Connection(content, answer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    answer = queue_url(port)
    print(f"http://127.0.0.1:{port}", flush=True)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
