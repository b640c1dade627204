"""The command as a whole: how it starts, how it ends, profiles, providers, the doctor, the demo."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cloudkit.cli.exits import Exit, exit_of, hint_of
from cloudkit.common import errors
from cloudkit.core import ProviderType, __version__

COMMAND = Path(sys.executable).with_name("cloudkit")
SDKS = ("boto3", "botocore", "azure.storage", "azure.core", "google.cloud", "google.auth", "oci")


def test_help_imports_neither_an_sdk_nor_what_it_does_not_need() -> None:
    program = (
        "import sys; from cloudkit.cli import main; main(['--help']); "
        "print('MODULES', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    loaded = set(done.stdout.rpartition("MODULES")[2].split())
    assert not loaded & {*SDKS, "anyio", "asyncio", "rich", "cloudkit.api", "cloudkit.facade"}
    assert "cp" in done.stdout


def test_the_version(cli) -> None:
    assert cli("--version").out == f"cloudkit {__version__}\n"


def test_every_command_has_help_and_json(cli) -> None:
    listed = cli("--help").out.partition("Commands:")[2]
    names = [line.split()[0] for line in listed.splitlines() if re.match(r"  \w", line)]
    assert len(names) >= 16
    for name in names:
        assert "--json" in cli(name, "--help").out


def test_nothing_and_nonsense(cli) -> None:
    assert "Usage" in cli(code=2).err
    ended = cli("nonsense", code=2)
    assert len(ended.err.splitlines()) == 1
    assert json.loads(cli("nonsense", "--json", code=2).err)["exit"] == 2


def test_every_error_has_an_exit_code() -> None:
    kinds = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.CloudError)
    ]
    codes = {kind.__name__: exit_of(kind("message")) for kind in kinds}
    assert codes["ProviderNotInstalledError"] == Exit.NOT_INSTALLED == 6
    assert codes["ExpiredCredentialsError"] == codes["PermissionDeniedError"] == Exit.DENIED == 4
    assert codes["PreconditionFailedError"] == codes["AlreadyExistsError"] == Exit.CONFLICT == 5
    assert codes["DnsError"] == codes["RateLimitedError"] == Exit.UNREACHABLE == 8
    failed = {name for name, code in codes.items() if code == Exit.FAILED}
    assert failed == {
        "CloudError",
        "ClientClosedError",
        "IntegrityError",
        "ProviderError",
        "SerializationError",
    }


def test_tracebacks_only_when_asked_for(cli) -> None:
    assert "Traceback" not in cli("ls", "local://nothing", code=3).err
    assert "Traceback" in cli("--debug", "ls", "local://nothing", code=3).err


def test_the_cause_and_the_cure_stand_in_one_line(cli) -> None:
    line = cli("ls", "nobody:photos", code=6).err
    assert len(line.splitlines()) == 1
    assert "there is no provider 'nobody'" in line
    assert "Installed: " in line


def test_the_cure_is_said_to_somebody_at_a_shell(cli) -> None:
    cli("mb", "local://photos")
    assert (
        "Make it with 'cloudkit queue create'." in cli("queue", "send", "local:a", "x", code=3).err
    )
    hint = json.loads(cli("kv", "get", "local:a", "x", "--json", code=3).err)["hint"]
    assert hint == "Make it with 'cloudkit kv create'."
    error = errors.ValidationError("no order", hint="Make it with create_queue(..., fifo=True).")
    assert hint_of(error) == "Make it with 'cloudkit queue create --fifo'."


def test_a_scheme_without_slashes(cli) -> None:
    assert "s3://" in cli("ls", "s3:photos", code=2).err


def test_help_keeps_its_lines_and_fits_a_terminal(cli) -> None:
    text = cli("--help").out
    assert "\\b" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "..." not in text.partition("Commands:")[2]


def test_a_folder_that_is_missing_is_not_made_by_reading(cli, tmp_path) -> None:
    assert "mb" in cli("ls", f"local://{tmp_path}/nothing", code=3).err
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    "arguments", [("cp", "-", "local://photos/a"), ("kv", "put", "local:a", "b", "-")]
)
def test_without_standard_input(cli, arguments: tuple[str, ...]) -> None:
    cli("mb", "local://photos")
    command = ["sh", "-c", '"$@" <&-', "sh", COMMAND, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("standard input is closed")) == (2, 1), done


def test_without_a_folder(cli, monkeypatch) -> None:
    monkeypatch.delenv("CLOUD_PATH")
    assert "CLOUD_PATH" in cli("mb", "local://photos", code=2).err


def test_options(cli, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("CLOUD_PATH")
    cli("mb", "local://photos", "-o", f"path={tmp_path}/given")
    assert (tmp_path / "given").is_dir()
    cli("ls", "local://", "-o", f"path={tmp_path}/given", "-o", "nonsense=1", code=2)
    cli("ls", "local://", "-o", "nonsense", code=2)


def test_profiles(cli, tmp_path) -> None:
    text = f'[profiles.prod]\nprovider = "local"\npath = "{tmp_path}/prod"\n'
    Path("cloudkit.toml").write_text(text)
    assert cli("mb", "prod:photos").out == "made prod:photos\n"
    assert cli("ls", "prod:", "--json").row["url"] == "prod:photos"
    assert (tmp_path / "prod").is_dir()
    Path("cloudkit.toml").write_text("[profiles")
    assert "TOML" in cli("ls", "prod:", code=2).err


def test_who_reads_may_go_away(folder) -> None:
    process = subprocess.Popen(
        [COMMAND, "capabilities", "local"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 141, said
    assert said == b""


@pytest.mark.parametrize(
    "arguments", [("cp", "-r", "--json"), ("cp", "-r", "-n"), ("rm", "-r"), ("cp", "-")]
)
def test_who_reads_results_may_go_away(cli, folder, tmp_path, arguments: tuple[str, ...]) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(3):
        (source / str(number)).write_bytes(b"x" * 100_000)
    cli("mb", "local://photos")
    cli("cp", "-r", source, "local://photos")
    ends = {"cp": (source, "local://photos"), "rm": ("local://photos",)}[arguments[0]]
    if arguments == ("cp", "-"):
        arguments, ends = ("cp", "local://photos/0"), ("-",)
    process = subprocess.Popen(
        [COMMAND, *arguments, *map(str, ends)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (141, b"")


def test_what_is_behind_two_dashes_is_no_option(cli) -> None:
    cli("queue", "create", "local:orders")
    sent = cli("queue", "send", "local:orders", "--", "--json").out
    assert "{" not in sent
    assert cli("queue", "receive", "local:orders").out == "--json\n"


def test_providers(cli) -> None:
    rows = {row["provider"]: row for row in cli("providers", "--json").rows}
    assert {kind.value for kind in ProviderType} <= rows.keys()
    assert rows["local"]["version"] == __version__


def test_capabilities(cli) -> None:
    rows = cli("capabilities", "local", "queue", "--json").rows
    assert {row["contract"] for row in rows} == {"queue"}
    found = {row["capability"]: row["value"] for row in rows}
    assert found["fifo"] is True
    assert found["max_message_bytes"] == 262144
    assert "qualifiers\tno" in cli("capabilities", "local", "functions").out


def test_the_doctor_on_a_provider_that_is_well(cli) -> None:
    cli("mb", "local://photos")
    rows = {row["check"]: row for row in cli("doctor", "local://photos", "--json").rows}
    assert {row["status"] for row in rows.values()} == {"ok"}
    assert rows["credentials"]["detail"] == "none are needed"
    assert "storage.list_buckets" in rows
    assert "objects of photos" in rows


def test_the_doctor_on_what_is_missing(cli) -> None:
    cli("doctor", "local://nothing", code=3)
    assert "no provider" in cli("doctor", "nobody", code=6).out


def test_the_doctor_tells_where_secrets_are_and_not_what(cli, monkeypatch) -> None:
    pytest.importorskip("cloudkit.aws", reason="the provider of AWS is not installed")
    for name in [*os.environ]:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
    options = ("-o", "region=eu-west-1", "-o", "endpoint=http://127.0.0.1:9", "--timeout", "9")
    ended = cli("doctor", "aws", *options, "--json", code=8)
    rows = {row["check"]: row for row in ended.rows}
    assert rows["credentials"]["detail"] == "variable AWS_ACCESS_KEY_ID"
    assert rows["endpoint"]["status"] == "no answer"
    assert rows["endpoint"]["detail"] == "http://127.0.0.1:9, region eu-west-1"
    assert rows["storage.list_buckets"]["status"] == "no answer"
    assert ended.err == ""
    assert "the-secret" not in ended.out + ended.err
    assert "the-key" not in ended.out + ended.err


def test_the_doctor_on_what_nobody_has_set_up(cli, monkeypatch, tmp_path) -> None:
    pytest.importorskip("cloudkit.aws", reason="the provider of AWS is not installed")
    for name in [*os.environ]:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    rows = {row["check"]: row for row in cli("doctor", "aws", "--json", code=4).rows}
    assert rows["credentials"]["status"] == "denied"
    assert rows["endpoint"]["status"] == "not asked"


def test_the_demo(cli, folder) -> None:
    rows = cli("demo", "--json").rows
    contracts = [row["contract"] for row in rows]
    assert contracts == ["storage", "kv", "queue", "pubsub", "functions"]
    assert "HELLO" in rows[-1]["what"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_a_shell(cli, shell: str) -> None:
    assert "_CLOUDKIT_COMPLETE" in cli("completion", shell).out


def test_completion_knows_commands_schemes_and_profiles(folder) -> None:
    Path("cloudkit.toml").write_text('[profiles.prod]\nprovider = "local"\n')

    def complete(words: str, position: int) -> set[str]:
        environ = {**os.environ, "_CLOUDKIT_COMPLETE": "bash_complete"}
        environ |= {"COMP_WORDS": words, "COMP_CWORD": str(position)}
        done = subprocess.run(
            [COMMAND], check=False, capture_output=True, text=True, env=environ, timeout=60
        )
        return {line.partition(",")[2] for line in done.stdout.splitlines()}

    assert {"cp", "cat", "capabilities", "completion"} == complete("cloudkit c", 1)
    assert {"s3://", "prod:"} <= complete("cloudkit ls ", 2)
    assert complete("cloudkit ls p", 2) == {"prod:"}
    assert {"prod", "local"} <= complete("cloudkit doctor ", 2)
