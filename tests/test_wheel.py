"""The wheel, installed into a new environment and run in an empty folder: nothing of the checkout is there.

The environment sees this one's libraries through a `.pth` file; a `.pth` file found that way is not followed, so
the editable install stays out of sight.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from bot.settings import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it would be released."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


class Installed:
    """Lotse in an environment of its own, with a home of its own, in an empty folder."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.home, self.empty = folder / "home", folder / "empty"
        for made in (self.home, self.empty):
            made.mkdir()
        place = folder / "env"
        venv.create(place, with_pip=False, symlinks=True)
        self.python = place / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet"]
        offline = ["--no-deps", "--no-index", "--disable-pip-version-check"]
        subprocess.run([*pip, *offline, str(wheel)], check=True, capture_output=True)
        packages = next((place / "lib").glob("python*/site-packages"))
        (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
        self.lotse = place / "bin" / "lotse"
        kept = ("LOTSE_", "PYTHON", "XDG_", "VIRTUAL_ENV")
        self.environment = {n: v for n, v in os.environ.items() if not n.startswith(kept)} | {"HOME": str(self.home)}

    def run(self, *command: str | Path, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command],
            input=typed,
            capture_output=True,
            encoding="utf-8",
            cwd=self.empty,
            env=self.environment,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"), wheel)


def test_the_wheel_holds_all_that_is_spoken_shown_and_migrated_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, inside in (("knowledge", "bot/_data/knowledge"), ("locales", "bot/_data/locales")):
        for path in (ROOT / folder).rglob("*.md" if folder == "knowledge" else "*.po"):
            assert f"{inside}/{path.relative_to(ROOT / folder).as_posix()}" in names
    for folder in ("bot/web/templates", "bot/web/static", "db/migrations"):
        for path in (ROOT / folder).rglob("*.*"):
            if path.suffix != ".pyc":
                assert path.relative_to(ROOT).as_posix() in names
    assert not [name for name in names if name.startswith(("tests/", "docs/", "data/"))]


def test_lotse_works_from_the_wheel_in_an_empty_folder(installed: Installed) -> None:
    where = installed.run(
        installed.python, "-c", "import bot, flows, db; print(bot.__file__, flows.__file__, db.__file__)"
    )
    assert str(ROOT) not in where.stdout, "the checkout is out of sight"
    assert installed.run(installed.lotse, "--version").stdout.startswith("lotse 0.")
    typed = "Wohin mit meinem alten Sofa?\n"
    chat = installed.run(installed.lotse, "chat", "--lang", "de", "--json", "--keep", "a", typed=typed)
    assert chat.returncode == 0, chat.stderr
    assert json.loads(chat.stdout.splitlines()[-1])["article"] == "waste.bulky"
    assert chat.stderr == ""
    kept = [path.name for path in installed.home.rglob("*") if path.is_file()]
    assert "a.db" in kept, "what is kept lands in the user's data folder"
    assert "secret.key" in kept
    assert list(installed.empty.iterdir()) == []


def test_check_from_the_wheel_looks_at_all_of_it_and_is_clean(installed: Installed) -> None:
    check = installed.run(installed.lotse, "check", "--json")
    rows = json.loads(check.stdout)
    assert [row for row in rows if row["severity"] == "error"] == []
    assert check.returncode == 0
    update = installed.run(installed.lotse, "translations", "update")
    assert update.returncode == 2
    assert "checkout" in update.stderr


def test_the_web_chat_is_served_from_the_wheel(installed: Installed) -> None:
    with subprocess.Popen(
        [installed.lotse, "run"],
        cwd=installed.empty,
        env={**installed.environment, "LOTSE_PORT": "0"},
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as running:
        assert running.stderr is not None
        try:
            ready = next(line for line in running.stderr if "is ready" in line)
            url = next(word for word in ready.split() if word.startswith("http://127.0.0.1:"))
            for path in ("/", "/static/chat.js", "/static/lotse.css", "/chat/strings.json", "/healthz"):
                with urllib.request.urlopen(url + path, timeout=60) as answer:
                    assert answer.status == 200
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=60) == 0
