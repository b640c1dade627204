"""``invoke``: functions."""

from pathlib import Path

import pytest

MODULE = """
import logging

def shout(payload: bytes) -> bytes:
    logging.warning("shouting")
    return payload.upper()

def fail(payload: bytes) -> bytes:
    raise ValueError("not today")
"""


@pytest.fixture
def functions(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cli_functions.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CLOUD_FUNCTIONS", "shout=cli_functions:shout,fail=cli_functions:fail")


def test_a_function_answers(cli, functions) -> None:
    assert cli("invoke", "local:shout", "hello").out == "HELLO"
    row = cli("invoke", "local:shout", "hello", "--json").row
    assert (row["ok"], row["payload"], row["error"]) == (True, "HELLO", None)


def test_a_function_fails(cli, functions) -> None:
    assert "not today" in cli("invoke", "local:fail", code=9).err
    row = cli("invoke", "local:fail", "--json", code=9).row
    assert row["ok"] is False
    assert "not today" in row["error"]


def test_the_log_of_a_function(cli, functions) -> None:
    ended = cli("invoke", "local:shout", "hello", "--logs")
    assert ended.out == "HELLO"
    assert "shouting" in ended.err


def test_a_function_in_the_background(cli, functions) -> None:
    assert cli("invoke", "local:shout", "hello", "--async", "--json").row["request_id"]


def test_a_function_that_is_missing(cli, functions) -> None:
    assert "nothing" in cli("invoke", "local:nothing", code=3).err


def test_what_the_provider_cannot_do(cli, functions) -> None:
    assert "versions" in cli("invoke", "local:shout", "--qualifier", "v1", code=7).err
