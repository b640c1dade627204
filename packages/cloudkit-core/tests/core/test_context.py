from __future__ import annotations

import logging

import anyio
import anyio.lowlevel
import pytest
from cloudkit.common import (
    ClientClosedError,
    CloudConfig,
    ConfigurationError,
    Region,
    TokenCredentials,
)
from cloudkit.core import CloudContext
from cloudkit.core.context import CLIENT_OPTIONS, CloudOptions
from cloudkit.spi import (
    ExponentialBackoff,
    InMemoryMetrics,
    Interceptor,
    NoMetrics,
    NoRetry,
    StandardLogger,
    StaticAuthProvider,
)

pytestmark = pytest.mark.anyio


def make(**options):
    return CloudContext.from_options("acme", CloudConfig, options)


def test_defaults():
    context = make()
    assert context.provider == "acme"
    assert context.auth is None
    assert isinstance(context.retry, ExponentialBackoff)
    assert isinstance(context.metrics, NoMetrics)
    assert isinstance(context.logger, StandardLogger)
    assert context.interceptors == ()
    assert not context.closed


def test_extensions_and_settings_find_their_places():
    auth, metrics = StaticAuthProvider(TokenCredentials(token="t")), InMemoryMetrics()
    retry, interceptor = NoRetry(), Interceptor()
    context = make(
        auth=auth,
        retry=retry,
        metrics=metrics,
        interceptors=[interceptor],
        region="eu-west-1",
        max_concurrency=3,
    )
    assert (context.auth, context.retry, context.metrics) == (auth, retry, metrics)
    assert context.interceptors == (interceptor,)
    assert context.config.region == Region("eu-west-1")
    assert context.threads.limit == 3


async def test_bare_credentials_are_a_source_of_credentials():
    credentials = TokenCredentials(token="t")
    context = make(auth=credentials)
    assert context.auth is not None
    assert await context.auth.get_credentials() is credentials


def test_none_stands_for_the_default():
    context = make(auth=None, retry=None, metrics=None, logger=None, interceptors=None)
    assert isinstance(context.retry, ExponentialBackoff)


def test_a_logger_of_the_standard_library_will_do(caplog):
    logger = make(logger=logging.getLogger("acme.cloud")).logger
    assert isinstance(logger, StandardLogger)
    logger.log(logging.WARNING, "happened", count=3)
    assert caplog.record_tuples == [("acme.cloud", logging.WARNING, "happened count=3")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"retry": "none"}, "retry must be RetryPolicy, not str"),
        ({"retry": NoRetry}, "retry must be RetryPolicy, not the class NoRetry"),
        ({"auth": "s3cret"}, "auth must be AuthProvider or Credentials, not str"),
        ({"metrics": 7}, "metrics must be MetricsCollector, not int"),
        ({"logger": print}, "logger must be Logger, not builtin_function_or_method"),
        ({"interceptors": Interceptor()}, "interceptors must be a list of Interceptor"),
        ({"interceptors": "x"}, "interceptors must be a list of Interceptor, not str"),
        ({"interceptors": [Interceptor(), 7]}, r"interceptors\[1\] must be Interceptor, not int"),
    ],
)
def test_an_extension_of_the_wrong_type(options, message):
    with pytest.raises(ConfigurationError, match=f"acme: {message}") as caught:
        make(**options)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"), [("regoin", "region"), ("intercepters", "interceptors")]
)
def test_a_misspelt_option_gets_the_right_name(name, meant):
    with pytest.raises(ConfigurationError, match=f"did you mean '{meant}'"):
        make(**{name: 1})


def test_the_typed_options_are_those_that_are_taken():
    from attrs import fields_dict

    assert set(CloudOptions.__annotations__) == {*fields_dict(CloudConfig), *CLIENT_OPTIONS}


async def test_run_sync():
    context = make()
    assert await context.run_sync(int, "7") == 7
    await context.aclose()
    with pytest.raises(ClientClosedError):
        await context.run_sync(int)


async def test_closing_runs_what_was_registered_once_the_last_first():
    context, order = make(), []

    async def close(name):
        assert context.closed
        await anyio.lowlevel.checkpoint()
        order.append(name)

    context.on_close(lambda: close("first"))
    context.on_close(lambda: close("second"))
    await context.aclose()
    await context.aclose()
    assert order == ["second", "first"]


async def test_a_close_that_fails_does_not_keep_the_others_open():
    context, order = make(), []

    async def close():
        order.append("closed")

    async def fail():
        raise OSError("boom")

    context.on_close(close)
    context.on_close(fail)
    with pytest.raises(OSError, match="boom"):
        await context.aclose()
    assert order == ["closed"]
    with pytest.raises(ClientClosedError):
        await context.run_sync(int)


async def test_a_cancelled_task_still_closes():
    context, order = make(), []

    async def close():
        await anyio.lowlevel.checkpoint()
        order.append("closed")

    context.on_close(close)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await context.aclose()
    assert order == ["closed"]


def test_a_close_that_hangs_does_not_hang_the_program(in_virtual_time):
    async def main():
        context = make()
        context.on_close(anyio.sleep_forever)
        start = anyio.current_time()
        await context.aclose()
        return anyio.current_time() - start

    assert in_virtual_time(main) == pytest.approx(10)


def test_its_repr_shows_no_secret():
    context = make(auth=TokenCredentials(token="s3cret"))
    assert "s3cret" not in repr(context)
