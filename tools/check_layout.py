"""Checks that the repository keeps its folder plan.

    python -m tools.check_layout [folder]

Reports every breach, one a line, and exits with 1 when there is one. Distributions that come later
need no change here: what is checked follows from the folders that are found.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tools.release import ReleaseError, current_version

ROOT = Path(__file__).resolve().parent.parent

TOP_LEVEL = frozenset(
    {
        ".ci",
        ".editorconfig",
        ".git",
        ".gitattributes",
        ".github",
        ".gitignore",
        ".importlinter",
        ".mypy.ini",
        ".pytest.ini",
        ".ruff.toml",
        "LICENSE",
        "README.md",
        "docs",
        "hatch.toml",
        "packages",
        "tests-integration",
        "tools",
    }
)
# What tools leave behind, and .gitignore names.
LEFTOVERS = re.compile(r"\.\w+_cache|\.cache|\.hypothesis|\.venv|\.coverage|dist|__pycache__")
CONTRACTS = ("functions", "kv", "pubsub", "queue", "storage")
CONTRACT_ROOMS = ("contract.py", "hooks.py", "models.py", "operations.py")
PROVIDER_ROOMS = ("capabilities.py", "cloud.py", "config.py", "errors.py")
SDK_ROOMS = ("auth.py", "clients.py", "native.py", "sources.py")
# Providers that stand on no SDK, and so have no clients and no credentials.
WITHOUT_SDK = frozenset({"local"})
VAGUE_NAMES = frozenset({"helper", "helpers", "misc", "util", "utils"})
VERSION_PATH = "../cloudkit-core/src/cloudkit/core/_version.py"

Check = Callable[[Path], Iterator[str]]


def check(root: Path) -> list[str]:
    """All breaches of the plan in a repository, each with the path it is about."""
    return [problem for one in CHECKS for problem in one(root)]


def top_level(root: Path) -> Iterator[str]:
    """The top level is fixed, and has no pyproject.toml: it would take the place of hatch.toml."""
    for path in sorted(root.iterdir()):
        if path.name not in TOP_LEVEL and not LEFTOVERS.fullmatch(path.name):
            yield f"{path.name}: is not part of the top level"
    for name in ("LICENSE", "README.md", "hatch.toml"):
        if not (root / name).is_file():
            yield f"{name}: is missing"


def namespace(root: Path) -> Iterator[str]:
    """Nobody owns the namespace, and everything in it is typed."""
    for source in sorted(root.glob("packages/*/src")):
        for stray in _children(source):
            if stray.name != "cloudkit":
                yield f"{stray.relative_to(root)}: only the namespace cloudkit belongs here"
        for child in _children(source / "cloudkit"):
            yield from _namespace_child(root, child)


def _namespace_child(root: Path, child: Path) -> Iterator[str]:
    where = child.relative_to(root)
    if child.name == "__init__.py":
        yield f"{where}: hides every other distribution of the namespace"
    elif child.is_file():
        yield f"{where}: only packages belong in the namespace"
    else:
        for name in ("__init__.py", "py.typed"):
            if not (child / name).is_file():
                yield f"{where / name}: is missing"


def distributions(root: Path) -> Iterator[str]:
    """Each distribution has its papers, the version of all, and pins its siblings to it."""
    licence = _bytes(root / "LICENSE")
    for folder in _children(root / "packages"):
        where = folder.relative_to(root)
        for name in ("LICENSE", "README.md", "pyproject.toml"):
            if not _bytes(folder / name):
                yield f"{where / name}: is missing or empty"
        path = folder / "LICENSE"
        if path.is_symlink() or _bytes(path) not in {b"", licence}:
            yield f"{where / 'LICENSE'}: is not a copy of the LICENSE at the top"
        if (folder / "pyproject.toml").is_file():
            for problem in _metadata(root, folder):
                yield f"{where / 'pyproject.toml'}: {problem}"


def _metadata(root: Path, folder: Path) -> Iterator[str]:
    tables = tomllib.loads((folder / "pyproject.toml").read_text())
    project: dict[str, Any] = tables.get("project", {})
    if project.get("name") != folder.name:
        yield f"the name is {project.get('name')!r}, the folder's is {folder.name!r}"
    if tables.get("tool", {}).get("hatch", {}).get("version", {}).get("path") != VERSION_PATH:
        yield f"the version does not come from {VERSION_PATH}"
    try:
        version = current_version(root)
    except (OSError, ReleaseError) as error:
        yield str(error)
        return
    dependencies: list[str] = project.get("dependencies", [])
    for dependency in dependencies:
        if dependency.startswith("cloudkit-") and not dependency.endswith(f"=={version}"):
            yield f"{dependency} does not pin the version of all, {version}"


def contract_rooms(root: Path) -> Iterator[str]:
    """Each contract has the same rooms."""
    api = Path("packages/cloudkit-core/src/cloudkit/api")
    for contract in CONTRACTS:
        yield from _missing(root, api / contract, CONTRACT_ROOMS)


def provider_rooms(root: Path) -> Iterator[str]:
    """Each provider has the same rooms, and knows no other provider."""
    providers = _providers(root)
    for name, folder in providers.items():
        rooms = PROVIDER_ROOMS if name in WITHOUT_SDK else (*PROVIDER_ROOMS, *SDK_ROOMS)
        yield from _missing(root, folder.relative_to(root), rooms)
        others = {f"cloudkit.{other}" for other in providers if other != name}
        for path in sorted(folder.rglob("*.py")):
            for module in _imports(ast.parse(path.read_text())):
                if ".".join(module.split(".")[:2]) in others:
                    yield f"{path.relative_to(root)}: imports {module}, another provider"


def core_imports(root: Path) -> Iterator[str]:
    """The core imports no other distribution; the facade names them for the type checker only."""
    source = root / "packages/cloudkit-core/src/cloudkit"
    others = _packages(root) - {f"cloudkit.{path.name}" for path in _children(source)}
    for path in sorted(source.rglob("*.py")):
        tree = ast.parse(path.read_text())
        if path.relative_to(source).parts[0] in {"facade", "prelude"}:
            tree = _running_code(tree)
        for module in _imports(tree):
            if ".".join(module.split(".")[:2]) in others:
                yield f"{path.relative_to(root)}: imports {module}, another distribution"


def modules(root: Path) -> Iterator[str]:
    """Modules have names that say something, and ``__init__`` only re-exports."""
    for path in sorted([*root.glob("packages/*/src/**/*.py"), *root.glob("tools/**/*.py")]):
        where = path.relative_to(root)
        if path.stem in VAGUE_NAMES:
            yield f"{where}: the name says nothing of what it holds"
        if path.name == "__init__.py":
            yield from (f"{where}:{line}: {fault}" for line, fault in _beyond_exports(path))


def reference_pages(root: Path) -> Iterator[str]:
    """Every public package has a page in the reference."""
    pages = "\n".join(page.read_text() for page in root.glob("docs/content/reference/*.md"))
    shown = set(re.findall(r"^::: (\S+)", pages, re.MULTILINE))
    for folder in sorted(root.glob("packages/*/src/cloudkit/*/")):
        if (folder / "__init__.py").is_file() and f"cloudkit.{folder.name}" not in shown:
            yield f"docs/content/reference: no page holds '::: cloudkit.{folder.name}'"


CHECKS: tuple[Check, ...] = (
    top_level,
    namespace,
    distributions,
    contract_rooms,
    provider_rooms,
    core_imports,
    modules,
    reference_pages,
)


def _children(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not LEFTOVERS.fullmatch(path.name))


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _missing(root: Path, folder: Path, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if not (root / folder / name).is_file():
            yield f"{folder / name}: is missing"


def _packages(root: Path) -> set[str]:
    return {f"cloudkit.{folder.name}" for folder in root.glob("packages/*/src/cloudkit/*/")}


def _providers(root: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(root.glob("packages/*/pyproject.toml")):
        points = tomllib.loads(path.read_text()).get("project", {}).get("entry-points", {})
        for name in points.get("cloudkit.providers", {}):
            found[name] = path.parent / "src" / "cloudkit" / name
    return found


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from cloudkit import local` names the module only together with what it imports.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _running_code(tree: ast.Module) -> ast.Module:
    body = [node for node in tree.body if not _for_type_checkers(node)]
    return ast.Module(body=body, type_ignores=[])


def _for_type_checkers(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _beyond_exports(path: Path) -> Iterator[tuple[int, str]]:
    tree = ast.parse(path.read_text())
    exports = False
    for position, node in enumerate(tree.body):
        exports = exports or _is_all(node)
        docstring = position == 0 and isinstance(node, ast.Expr) and ast.get_docstring(tree)
        imports = isinstance(node, ast.Import | ast.ImportFrom) or _for_type_checkers(node)
        allowed = _is_all(node) or _is_lazy_export(node) or _is_rewrite_mark(node)
        if not (docstring or imports or allowed):
            yield node.lineno, "an __init__ holds a docstring, imports and __all__ only"
    if tree.body and not exports and any(isinstance(node, ast.ImportFrom) for node in tree.body):
        yield 1, "re-exports without __all__"


def _is_all(node: ast.stmt) -> bool:
    match node:
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.AnnAssign(target=ast.Name(id="__all__")):
            return True
        case _:
            return False


def _is_lazy_export(node: ast.stmt) -> bool:
    """Names that are imported when they are asked for, where start-up time counts."""
    match node:
        case ast.FunctionDef(name="__getattr__" | "__dir__"):
            return True
        case ast.Assign(targets=[ast.Name(id="_HOMES")]):
            return True
        case _:
            return False


def _is_rewrite_mark(node: ast.stmt) -> bool:
    """What pytest must be told before the assertions of a package are imported."""
    match node:
        case ast.Expr(value=ast.Call(func=function)):
            return ast.unparse(function) == "pytest.register_assert_rewrite"
        case _:
            return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a folder, by default this repository; returns the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    problems = check(Path(given[0]).resolve() if given else ROOT)
    for problem in problems:
        print(problem)
    print(f"Problems: {len(problems)}" if problems else "The folder plan is kept.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
