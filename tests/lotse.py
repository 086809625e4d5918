"""The command line for tests: in this process where that is enough, otherwise as a program of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.cli import run
from bot.settings import ROOT

SMALL = ROOT / "tests" / "knowledge" / "small"
MUSTERSTADT = {"LOTSE_KNOWLEDGE_DIR": str(SMALL), "LOTSE_TOWN": "musterstadt"}


@dataclass(frozen=True)
class Outcome:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON, one value a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What the person was told."""
        return [line for line in self.lines if line["kind"] == "message"]

    @property
    def desk(self) -> list[dict[str, Any]]:
        """What staff saw."""
        return [line for line in self.lines if line["kind"] == "desk"]


Lotse = Callable[..., Outcome]


def in_process(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lotse:
    """`lotse(*arguments, typed=…, **environment)` in an empty folder with a data folder of its own."""
    for name in [n for n in os.environ if n.startswith("LOTSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LOTSE_DATA_DIR", str(folder / "data"))
    empty = folder / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)

    def lotse(*arguments: str, typed: str = "", **environment: str) -> Outcome:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.StringIO(typed))
            try:
                code = run(arguments)
            except SystemExit as stopped:  # argparse
                code = int(stopped.code or 0)
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return lotse


def environment(folder: Path, more: Mapping[str, str] = {}) -> dict[str, str]:
    """An environment for a program of its own: nothing of ours but a data folder, and the checkout's code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOTSE_", "PYTHON"))}
    return {**kept, "LOTSE_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT), **more}


def program(
    *arguments: str, folder: Path, typed: str = "", more: Mapping[str, str] = {}, timeout: float = 120
) -> Outcome:
    """The same as a program of its own, for what cannot be seen from inside."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        input=typed,
        capture_output=True,
        encoding="utf-8",
        cwd=folder,
        env=environment(folder, more),
        timeout=timeout,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
