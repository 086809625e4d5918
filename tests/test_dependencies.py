"""What is imported is declared, what is declared is imported, and nothing is imported before it is needed."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot.settings import ROOT
from tests.lotse import MUSTERSTADT, environment

OURS = {"bot", "db", "flows"}


def name_of(requirement: str) -> str:
    """The distribution a requirement names, in its normal form."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def declared(extra: str = "") -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {name_of(requirement) for requirement in requirements}


def imported() -> dict[str, set[str]]:
    """Distribution → the files of ours that import it; a module that is not installed here stands for itself."""
    owners = importlib.metadata.packages_distributions()
    found: dict[str, set[str]] = {}
    for folder in sorted(OURS):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module]
                for top in {name.split(".")[0] for name in names} - OURS - set(sys.stdlib_module_names):
                    for owner in owners.get(top, [top]):
                        found.setdefault(name_of(owner), set()).add(path.relative_to(ROOT).as_posix())
    return found


def test_every_library_that_is_imported_is_declared() -> None:
    undeclared = {name: files for name, files in imported().items() if name not in declared()}
    for name in set(undeclared) & declared("bench"):
        assert all(file.startswith("bot/bench/") for file in undeclared.pop(name)), name
    assert undeclared == {}


def test_every_library_that_is_declared_is_imported() -> None:
    assert declared() - set(imported()) == set()


def test_every_module_of_the_core_can_be_the_first_to_be_imported() -> None:
    modules = [
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        for path in sorted((ROOT / "flows").rglob("*.py"))
    ]
    script = (
        "import importlib, sys\n"
        f"for name in {modules!r}:\n"
        "    for seen in [m for m in sys.modules if m.split('.')[0] == 'flows']:\n"
        "        del sys.modules[seen]\n"
        "    importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("label", "arguments", "never"),
    [
        ("a conversation", ["chat", "--lang", "de"], ("telegram", "nio", "alembic", "aiohttp", "asyncpg", "PIL")),
        ("a question", ["ask", "Sofa"], ("telegram", "nio", "alembic", "aiohttp", "sqlalchemy", "PIL")),
        ("the members", ["member", "list"], ("telegram", "nio", "aiohttp", "asyncpg")),
    ],
)  # fmt: skip
def test_a_command_imports_no_channel_that_is_not_configured(
    label: str, arguments: list[str], never: tuple[str, ...], tmp_path: Path
) -> None:
    script = (
        "import sys\n"
        "from bot.cli import run\n"
        f"code = run({arguments!r})\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input="Wohin mit dem Sofa?\n",
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        env=environment(tmp_path, MUSTERSTADT),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stderr.split()) & set(never) == set(), label
