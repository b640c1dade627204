"""What the conformance suite cannot see of local functions: how they are found, called and retried."""

from __future__ import annotations

import contextvars
import logging
import sys
import threading

import anyio
import pytest
from attrs import evolve
from cloudkit.common import ConfigurationError, NotFoundError, SerializationError, ValidationError
from cloudkit.local import LocalCloud
from cloudkit.local import calls as calls_module

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["file", "memory"])
async def cloud(request, tmp_path):
    options = {"path": tmp_path / "cloud"} if request.param == "file" else {}
    async with LocalCloud(**options) as cloud:
        yield cloud


async def until(condition) -> None:
    with anyio.fail_after(10):
        while not condition():  # noqa: ASYNC110  (the condition is set by other threads too)
            await anyio.sleep(0.01)


class Callable:
    async def __call__(self, payload: bytes) -> bytes:
        return b"async object"


@pytest.mark.parametrize(
    ("answer", "payload"),
    [
        (b"\x00\xff", b"\x00\xff"),
        (bytearray(b"x"), b"x"),
        ("Grüße", "Grüße".encode()),
        (None, b""),
        ({"a": [1, None]}, b'{"a":[1,null]}'),
        (0, b"0"),
        (False, b"false"),
    ],
)
async def test_what_a_function_may_return(cloud, answer, payload):
    cloud.functions.register("plain", lambda _: answer)

    @cloud.functions.function("async")
    async def answer_async(payload):
        return answer

    for name in ("plain", "async"):
        result = await cloud.functions.invoke(name)
        assert (result.payload, result.error) == (payload, None)
    assert (await answer_async(b"")) is answer  # the decorator leaves it as it is


@pytest.mark.parametrize("answer", [object(), float("nan"), {1, 2}])
async def test_what_it_may_not_return(cloud, answer):
    cloud.functions.register("f", lambda _: answer)
    result = await cloud.functions.invoke("f")
    assert result.error.kind == SerializationError.__name__


async def test_an_answer_that_is_too_large(cloud):
    cloud.functions.register("f", lambda _: b"x" * (6 * 2**20 + 1))
    result = await cloud.functions.invoke("f")
    assert result.error.kind == "PayloadTooLargeError"
    assert result.payload == b""


async def test_plain_functions_run_in_threads_and_async_ones_here(cloud):
    threads = []
    cloud.functions.register("plain", lambda _: threads.append(threading.current_thread()))

    @cloud.functions.function("async")
    async def here(payload):
        threads.append(threading.current_thread())

    await cloud.functions.invoke("plain")
    await cloud.functions.invoke("async")
    assert threads[0] is not threading.current_thread()
    assert threads[1] is threading.current_thread()


async def test_objects_and_functions_that_return_awaitables(cloud):
    cloud.functions.register("object", Callable())
    cloud.functions.register("lambda", lambda payload: Callable()(payload + b"!"))
    assert (await cloud.functions.invoke("object")).payload == b"async object"
    assert (await cloud.functions.invoke("lambda")).payload == b"async object"


@pytest.mark.parametrize("error", [ValueError, SystemExit, TimeoutError, KeyError])
async def test_a_failure_is_a_result(cloud, error):
    def plain(payload):
        raise error("why")

    async def coroutine(payload):
        raise error("why")

    for function in (plain, coroutine):
        cloud.functions.register("f", function)
        result = await cloud.functions.invoke("f")
        assert not result.ok
        assert result.error.kind == error.__name__
        assert result.error.message == str(error("why"))
        assert function.__name__ in result.error.trace
        assert "cloudkit/local" not in result.error.trace


async def test_cancelling_cancels_an_async_function(cloud):
    started, ended = anyio.Event(), anyio.Event()

    @cloud.functions.function("f")
    async def wait(payload):
        started.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cloud.functions.invoke, "f")
        await started.wait()
        tasks.cancel_scope.cancel()
    assert ended.is_set()


async def test_registering_again_replaces(cloud):
    cloud.functions.register("f", lambda _: b"old")
    cloud.functions.register("f", lambda _: b"new")
    assert (await cloud.functions.invoke("f")).payload == b"new"
    assert [info.name async for info in cloud.functions.list_functions()] == ["f"]


@pytest.mark.parametrize(("name", "function"), [("", len), ("a b", len), ("f", None), ("f", "x:y")])
async def test_wrong_registrations(cloud, name, function):
    with pytest.raises(ValidationError):
        cloud.functions.register(name, function)


async def test_functions_by_reference(tmp_path, monkeypatch):
    (tmp_path / "jobs_of_test.py").write_text(
        "class Jobs:\n    @staticmethod\n    def shout(payload):\n        return payload.upper()\n"
        "number = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    functions = {
        "shout": "jobs_of_test:Jobs.shout",
        "number": "jobs_of_test:number",
        "module": "no_such_module:f",
        "name": "jobs_of_test:nothing",
    }
    async with LocalCloud(functions=functions) as cloud:
        assert "jobs_of_test" not in sys.modules
        assert await cloud.functions.function_exists("shout")
        assert (await cloud.functions.invoke("shout", b"hi")).payload == b"HI"
        for name in ("number", "module", "name"):
            with pytest.raises(ConfigurationError, match=name):
                await cloud.functions.invoke(name)
    sys.modules.pop("jobs_of_test", None)


async def test_lists_come_in_pages(cloud):
    for name in "cab":
        cloud.functions.register(name, len)
    pages = [page async for page in cloud.functions.list_functions(page_size=2).pages()]
    assert [[info.name for info in page.items] for page in pages] == [["a", "b"], ["c"]]


# Logs


async def test_the_log_is_that_of_the_call(cloud, capsys):
    logger = logging.getLogger("jobs")
    both = anyio.Event()
    begun = []

    @cloud.functions.function("f")
    async def work(payload):
        begun.append(payload)
        if len(begun) == 2:
            both.set()
        await both.wait()
        logger.warning("logged %s", payload.decode())
        print("printed", payload.decode())

    cloud.functions.register("plain", lambda payload: print("in a thread"))
    logs = {}

    async def invoke(name):
        result = await cloud.functions.invoke("f", name, logs=True)
        logs[name] = result.logs

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(invoke, "one")
        tasks.start_soon(invoke, "two")
    for name, other in (("one", "two"), ("two", "one")):
        assert f"WARNING jobs logged {name}\n" in logs[name]
        assert f"printed {name}\n" in logs[name]
        assert other not in logs[name]
    assert (await cloud.functions.invoke("plain", logs=True)).logs == "in a thread\n"
    assert "printed one" in capsys.readouterr().out  # it still goes where it always goes


async def test_a_long_log_keeps_its_end_and_nothing_stays_behind(cloud):
    before = (list(logging.getLogger().handlers), sys.stdout)
    cloud.functions.register("f", lambda _: [print("line", number) for number in range(3000)])
    result = await cloud.functions.invoke("f", logs=True)
    assert len(result.logs) <= 4096
    assert result.logs.endswith("line 2999\n")
    assert (list(logging.getLogger().handlers), sys.stdout) == before


# Calls that nobody waits for


async def test_calls_are_made_in_the_background(cloud):
    made = []
    ready = anyio.Event()

    @cloud.functions.function("f")
    async def note(payload):
        await ready.wait()
        made.append(payload)

    ids = {(await cloud.functions.invoke_async("f", str(n))).request_id for n in range(30)}
    assert len(ids) == 30
    assert made == []
    ready.set()
    await until(lambda: len(made) == 30)
    assert {int(payload) for payload in made} == set(range(30))


async def test_a_call_that_fails_is_made_three_times(cloud, monkeypatch, caplog):
    options = evolve(calls_module._OPTIONS, retry_delay=0.01)
    monkeypatch.setattr(calls_module, "_OPTIONS", options)
    made = []

    def fail(payload):
        made.append(payload)
        if payload == b"bad" or made.count(payload) < 3:
            raise ValueError("on purpose")

    cloud.functions.register("f", fail)
    await cloud.functions.invoke_async("f", b"bad")
    await cloud.functions.invoke_async("f", b"good")
    await until(lambda: len(made) == 6)
    await until(lambda: "given up after 3 attempts" in caplog.text)
    assert made.count(b"bad") == made.count(b"good") == 3


async def test_a_call_of_a_function_that_is_missing(cloud):
    with pytest.raises(NotFoundError, match="'f'"):
        await cloud.functions.invoke_async("f")


async def test_closing_lets_calls_end(tmp_path):
    made = []
    begun = anyio.Event()
    async with LocalCloud(path=tmp_path) as cloud:

        @cloud.functions.function("f")
        async def work(payload):
            begun.set()
            await anyio.sleep(0.1)
            made.append(payload)

        await cloud.functions.invoke_async("f", b"x")
        await begun.wait()
    assert made == [b"x"]


async def test_calls_that_were_left_are_made_by_the_next_process(tmp_path):
    made = []
    async with LocalCloud(path=tmp_path) as first:
        first.functions.register("f", lambda _: None)
        first.functions._calls._fleet.start = lambda **_: None  # as if it were killed at once
        await first.functions.invoke_async("f", b"left")
    async with LocalCloud(path=tmp_path) as second:
        second.functions.register("other", lambda _: None)
        assert await second.functions.function_exists("other")
        second.functions.register("f", made.append)
        assert await second.functions.function_exists("f")
        await until(lambda: made == [b"left"])


context = contextvars.ContextVar("context", default="outside")


async def test_plain_functions_see_the_callers_context(cloud):
    cloud.functions.register("f", lambda _: context.get())
    token = context.set("inside")
    try:
        assert (await cloud.functions.invoke("f")).payload == b"inside"
    finally:
        context.reset(token)


async def test_functions_that_never_end_hold_up_nothing_else(tmp_path):
    release, running = threading.Event(), []

    def hang(payload):
        running.append(payload)
        release.wait(60)

    options = {"timeout": 20, "max_concurrency": 2, "functions": {"hang": hang}}
    async with LocalCloud(path=tmp_path / "cloud", **options) as cloud:
        await cloud.kv.create_table("table")
        await cloud.storage.create_bucket("bucket")
        try:
            for number in (1, 2):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(cloud.functions.invoke, "hang")
                    await until(lambda number=number: len(running) == number)
                    tasks.cancel_scope.cancel()
            assert await cloud.kv.get("table", "key") is None
            assert await cloud.storage.bucket_exists("bucket")
        finally:
            release.set()
