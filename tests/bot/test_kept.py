"""What is kept of content between starts: used only for what it was made from, and never trusted blindly."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bot import kept, whole
from bot.errors import ContentError
from bot.settings import Settings
from flows.core.search import find

SMALL = Path(__file__).resolve().parent.parent / "knowledge" / "small"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = shutil.copytree(SMALL, tmp_path / "knowledge")
    return Settings(_env_file=None, knowledge_dir=folder, town="musterstadt", data_dir=tmp_path / "data")  # type: ignore[call-arg]


def read_count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    times = [0]
    real = whole.read_content

    def counted(*arguments: object) -> object:
        times[0] += 1
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(whole, "read_content", counted)
    return times


def test_unchanged_content_is_read_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    times = read_count(monkeypatch)
    first, _ = whole.load(settings, trying=True)
    second, _ = whole.load(settings, trying=True)
    assert times == [1]
    assert second == first


def test_a_changed_file_is_read_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    times = read_count(monkeypatch)
    whole.load(settings, trying=True)
    text = settings.knowledge / "articles" / "waste" / "bulky" / "de.md"
    text.write_text(text.read_text(encoding="utf-8").replace("# ", "# Neu: ", 1), encoding="utf-8")
    changed, _ = whole.load(settings, trying=True)
    assert times == [2]
    assert changed.articles["waste.bulky"].texts["de"].title.startswith("Neu: ")


def test_content_with_an_error_is_never_kept(settings: Settings) -> None:
    (settings.knowledge / "words.toml").write_text("[words", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ContentError):
            whole.load(settings, trying=True)


@pytest.mark.parametrize("harm", ["cut short", "not ours alone", "of something else"])
def test_a_kept_file_that_is_not_sound_is_not_used(settings: Settings, harm: str) -> None:
    knowledge, _ = whole.load(settings, trying=True)
    made_from = kept.digest(settings.knowledge, settings.town)
    (path,) = Path(os.environ["XDG_CACHE_HOME"]).rglob("knowledge.pickle")
    if harm == "cut short":
        path.write_bytes(path.read_bytes()[:100])
    elif harm == "not ours alone":
        path.chmod(0o666)
    else:
        path.write_bytes(bytes(32) + path.read_bytes()[32:])
    assert kept.read_knowledge(made_from) is None
    assert whole.load(settings, trying=True)[0] == knowledge


def test_kept_indexes_find_what_new_ones_find(settings: Settings) -> None:
    knowledge, _ = whole.load(settings, trying=True)
    whole.warm(settings, knowledge)
    again, _ = whole.load(settings, trying=True)
    for question in ("Wohin mit dem alten Sofa", "أين أرمي الأريكة"):
        assert find(again, question, "de") == find(knowledge, question, "de")
