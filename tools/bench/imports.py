"""What importing costs, in fresh processes: core on top of anyio and attrs, and finding providers."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from cloudkit.core import installed_providers

from tools.bench.report import Row, print_rows

ROUNDS = 9
COMMAND = Path(sys.executable).with_name("cloudkit")
BASE = "import anyio, anyio.abc, anyio.lowlevel, attrs"
SDKS = ("boto3", "azure.storage", "azure.cosmos", "google.cloud", "oci")
TARGET = 0.060
TYPICAL = "from cloudkit.prelude import CloudKit, NotFoundError, ExponentialBackoff"
CONTRACTS = "from cloudkit.prelude import CloudKit, Key, Message, attr"


def _seconds(code: str) -> float:
    """Time inside the process, median of several, with everything in the disk cache."""
    program = (
        f"import time; {BASE}; began = time.perf_counter(); {code}; "
        "print(time.perf_counter() - began)"
    )
    times = [float(_output(program)) for _ in range(ROUNDS)]
    return statistics.median(times)


def _output(program: str) -> str:
    command = [sys.executable, "-c", program]
    # Users have compiled modules; a first run writes them.
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
    return done.stdout


def _loaded(code: str) -> list[str]:
    program = f"{code}; import sys; print(*sys.modules)"
    modules = _output(program).split()
    wanted = (*SDKS, "cloudkit.local", "cloudkit.aws", "cloudkit.azure", "cloudkit.gcp")
    return [name for name in (*wanted, "cloudkit.oracle") if name in modules]


def _cost_row(what: str, code: str, base: float, anyio: float) -> Row:
    cost = _seconds(code) - base
    target = f"below {TARGET * 1000:.0f} ms"
    return Row(what, f"{cost * 1000:.1f} ms", cost / anyio, target, cost < TARGET)


def _provider_row(name: str, base: float) -> Row:
    """Importing a provider, which must leave its SDK for the first call."""
    code = f"from cloudkit.prelude import CloudKit; CloudKit.{name}()"
    loaded = [sdk for sdk in _loaded(code) if sdk in SDKS]
    cost = _seconds(code) - base
    told = f"imports no SDK{': ' + ', '.join(loaded) if loaded else ''}"
    return Row(f"CloudKit.{name}()", f"{cost * 1000:.1f} ms", None, told, not loaded)


def _start_rows() -> list[Row]:
    """The command from its start to its end, beside a Python that does nothing."""
    if not COMMAND.exists():
        return [Row("cloudkit --help", "not installed")]
    bare = _process_seconds([sys.executable, "-c", "pass"])
    whole = _process_seconds([str(COMMAND), "--help"])
    return [
        Row("python -c pass, the process", f"{bare * 1000:.0f} ms"),
        Row("cloudkit --help, the process", f"{whole * 1000:.0f} ms", whole / bare),
    ]


def _process_seconds(command: list[str]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def run() -> bool:
    """Measure and print.

    Returns:
        Whether all targets were met.
    """
    base = _seconds("pass")
    whole = f"import time; began = time.perf_counter(); {BASE}; print(time.perf_counter() - began)"
    anyio = statistics.median(float(_output(whole)) for _ in range(ROUNDS))
    finding = "from cloudkit.prelude import CloudKit; CloudKit.providers()"
    extra = _loaded(finding)
    cost = _seconds(finding) - base
    rows = [
        Row("anyio and attrs themselves", f"{anyio * 1000:.1f} ms"),
        _cost_row("prelude: CloudKit", "from cloudkit.prelude import CloudKit", base, anyio),
        _cost_row("prelude: and an error, a policy", TYPICAL, base, anyio),
        _cost_row("prelude: and names of contracts", CONTRACTS, base, anyio),
        Row(
            "CloudKit.providers()",
            f"{cost * 1000:.1f} ms",
            cost / anyio,
            f"imports no provider and no SDK{': ' + ', '.join(extra) if extra else ''}",
            not extra,
        ),
    ]
    rows += [
        _provider_row(info.name, base) for info in installed_providers() if info.name != "local"
    ]
    rows += _start_rows()
    return print_rows("import, on top of anyio and attrs", rows)
