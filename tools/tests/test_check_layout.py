"""Each breach of the folder plan is seen."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import check_layout

CORE = Path("packages/cloudkit-core")
API = CORE / "src/cloudkit/api"
LOCAL = Path("packages/cloudkit-local")
AWS = Path("packages/cloudkit-aws")
EXPORTS = '"""It."""\n\nfrom cloudkit.common import CloudError\n\n__all__ = ["CloudError"]\n'
LAZY = '\n_HOMES = {"Page": "paging"}\n\n\ndef __getattr__(name):\n    return _HOMES[name]\n'


def put(path: str | Path, text: str = "") -> Callable[[Path], None]:
    def breach(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)

    return breach


def remove(path: str | Path) -> Callable[[Path], None]:
    return lambda root: (root / path).unlink()


def replace(path: str | Path, old: str, new: str) -> Callable[[Path], None]:
    def breach(root: Path) -> None:
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new))

    return breach


def link_licence(root: Path) -> None:
    licence = root / LOCAL / "LICENSE"
    licence.unlink()
    licence.symlink_to("../../LICENSE")


BREACHES = {
    "a root pyproject.toml": (put("pyproject.toml"), "pyproject.toml: is not part of the top"),
    "an unknown folder": (put("src/x.py"), "src: is not part of the top level"),
    "no hatch.toml": (remove("hatch.toml"), "hatch.toml: is missing"),
    "an owner of the namespace": (
        put(AWS / "src/cloudkit/__init__.py"),
        "packages/cloudkit-aws/src/cloudkit/__init__.py: hides every other distribution",
    ),
    "a module in the namespace": (
        put(AWS / "src/cloudkit/s3.py"),
        "packages/cloudkit-aws/src/cloudkit/s3.py: only packages belong in the namespace",
    ),
    "a second top-level package": (
        put(AWS / "src/awskit/__init__.py"),
        "packages/cloudkit-aws/src/awskit: only the namespace cloudkit belongs here",
    ),
    "an untyped package": (
        remove(CORE / "src/cloudkit/spi/py.typed"),
        "packages/cloudkit-core/src/cloudkit/spi/py.typed: is missing",
    ),
    "a package without __init__": (
        remove(CORE / "src/cloudkit/spi/__init__.py"),
        "packages/cloudkit-core/src/cloudkit/spi/__init__.py: is missing",
    ),
    "no LICENSE": (remove(LOCAL / "LICENSE"), "packages/cloudkit-local/LICENSE: is missing"),
    "another LICENSE": (
        put(LOCAL / "LICENSE", "MIT"),
        "packages/cloudkit-local/LICENSE: is not a copy of the LICENSE at the top",
    ),
    "a link as LICENSE": (link_licence, "packages/cloudkit-local/LICENSE: is not a copy"),
    "an empty README": (put(AWS / "README.md"), "packages/cloudkit-aws/README.md: is missing or"),
    "no metadata": (remove(AWS / "pyproject.toml"), "packages/cloudkit-aws/pyproject.toml: is"),
    "another name": (
        replace(AWS / "pyproject.toml", '"cloudkit-aws"', '"cloudkit-amazon"'),
        "packages/cloudkit-aws/pyproject.toml: the name is 'cloudkit-amazon'",
    ),
    "a version of its own": (
        replace(AWS / "pyproject.toml", "_version.py", "_other.py"),
        "packages/cloudkit-aws/pyproject.toml: the version does not come from",
    ),
    "a pin left behind": (
        replace(AWS / "pyproject.toml", "==1.2.3", "==1.2.2"),
        "packages/cloudkit-aws/pyproject.toml: cloudkit-core==1.2.2 does not pin the version",
    ),
    "a loose dependency": (
        replace(AWS / "pyproject.toml", "==1.2.3", ">=1"),
        "packages/cloudkit-aws/pyproject.toml: cloudkit-core>=1 does not pin the version",
    ),
    "two versions": (
        put(CORE / "src/cloudkit/core/_version.py", '__version__ = "1"\n__version__ = "2"\n'),
        "packages/cloudkit-aws/pyproject.toml: packages/cloudkit-core/src/cloudkit/core/_version",
    ),
    "a contract without hooks": (
        remove(API / "kv/hooks.py"),
        "packages/cloudkit-core/src/cloudkit/api/kv/hooks.py: is missing",
    ),
    "a provider without errors": (
        remove(LOCAL / "src/cloudkit/local/errors.py"),
        "packages/cloudkit-local/src/cloudkit/local/errors.py: is missing",
    ),
    "a cloud without auth": (
        remove(AWS / "src/cloudkit/aws/auth.py"),
        "packages/cloudkit-aws/src/cloudkit/aws/auth.py: is missing",
    ),
    "an SDK without its clients": (
        remove(AWS / "src/cloudkit/aws/clients.py"),
        "packages/cloudkit-aws/src/cloudkit/aws/clients.py: is missing",
    ),
    "a provider that uses another": (
        put(AWS / "src/cloudkit/aws/s3.py", "from cloudkit.local import LocalCloud\n"),
        "packages/cloudkit-aws/src/cloudkit/aws/s3.py: imports cloudkit.local.LocalCloud",
    ),
    "a provider that uses another by the namespace": (
        put(AWS / "src/cloudkit/aws/s3.py", "from cloudkit import local\n"),
        "packages/cloudkit-aws/src/cloudkit/aws/s3.py: imports cloudkit.local, another provider",
    ),
    "a facade that loads a provider": (
        put(CORE / "src/cloudkit/facade/cloudkit.py", "def f():\n    import cloudkit.aws.cloud\n"),
        "packages/cloudkit-core/src/cloudkit/facade/cloudkit.py: imports cloudkit.aws.cloud, an",
    ),
    "a contract that knows a provider": (
        put(API / "cloud.py", "if TYPE_CHECKING:\n    from cloudkit.aws import AwsCloud\n"),
        "packages/cloudkit-core/src/cloudkit/api/cloud.py: imports cloudkit.aws.AwsCloud, another",
    ),
    "a vague name": (
        put(AWS / "src/cloudkit/aws/utils.py"),
        "packages/cloudkit-aws/src/cloudkit/aws/utils.py: the name says nothing",
    ),
    "code in an __init__": (
        put(API / "__init__.py", EXPORTS + "\n\ndef f():\n    return 1\n"),
        "packages/cloudkit-core/src/cloudkit/api/__init__.py:8: an __init__ holds",
    ),
    "exports without __all__": (
        put(API / "__init__.py", "from cloudkit.common import CloudError\n"),
        "packages/cloudkit-core/src/cloudkit/api/__init__.py:1: re-exports without __all__",
    ),
    "a package without a reference page": (
        remove("docs/content/reference/aws.md"),
        "docs/content/reference: no page holds '::: cloudkit.aws'",
    ),
}


def test_a_plan_that_is_kept(repository: Path) -> None:
    assert check_layout.check(repository) == []


def test_this_repository_keeps_the_plan() -> None:
    assert check_layout.check(check_layout.ROOT) == []


@pytest.mark.parametrize(("breach", "report"), BREACHES.values(), ids=BREACHES)
def test_each_breach_is_reported(
    repository: Path, breach: Callable[[Path], None], report: str
) -> None:
    breach(repository)
    assert any(problem.startswith(report) for problem in check_layout.check(repository))


@pytest.mark.parametrize(
    "harmless",
    [
        put(API / "__init__.py", EXPORTS),
        put(API / "__init__.py", EXPORTS + LAZY),
        put(
            API / "__init__.py", 'import pytest\n\npytest.register_assert_rewrite("cloudkit.api")\n'
        ),
        put(CORE / "src/cloudkit/__pycache__/x.pyc"),
        put(".ruff_cache/CACHEDIR.TAG"),
        put(AWS / "tests/test_s3.py", "def test_it(): ..."),
        put(
            CORE / "src/cloudkit/facade/cloudkit.py",
            "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import cloudkit.aws\n",
        ),
    ],
)
def test_what_breaks_nothing(repository: Path, harmless: Callable[[Path], None]) -> None:
    harmless(repository)
    assert check_layout.check(repository) == []


def test_the_command_reports_and_fails(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_layout.main([str(repository)]) == 0
    assert capsys.readouterr().out == "The folder plan is kept.\n"
    (repository / "setup.py").touch()
    assert check_layout.main([str(repository)]) == 1
    assert capsys.readouterr().out == "setup.py: is not part of the top level\nProblems: 1\n"
