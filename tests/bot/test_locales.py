"""The bot's voice: complete in every language, and what is missing is told before anybody hears of it."""

# ruff: noqa: E501 - one row of a table is one line

from __future__ import annotations

from pathlib import Path

import pytest

from bot import voice
from bot.catalogs import Catalogs
from bot.errors import ContentError
from bot.languages import LANGUAGES, VOICED, from_platform
from bot.settings import ROOT

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: {plural}\\n"\n\n'
PLURAL = {
    "de": "nplurals=2; plural=(n != 1);",
    "uk": "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);",
}
SOUND = {
    "pot": 'msgid "a.hello"\nmsgstr ""\n\nmsgid "a.ok.label"\nmsgstr ""\n\nmsgid "a.wait"\nmsgid_plural "a.wait"\nmsgstr[0] ""\nmsgstr[1] ""\n',
    "de": 'msgid "a.hello"\nmsgstr "Hallo {name}"\n\nmsgid "a.ok.label"\nmsgstr "Gut"\n\nmsgid "a.wait"\nmsgid_plural "a.wait"\nmsgstr[0] "{count} Tag"\nmsgstr[1] "{count} Tage"\n',
    "uk": 'msgid "a.hello"\nmsgstr "Вітаю, {name}"\n\nmsgid "a.ok.label"\nmsgstr "Добре"\n\nmsgid "a.wait"\nmsgid_plural "a.wait"\nmsgstr[0] "{count} день"\nmsgstr[1] "{count} дні"\nmsgstr[2] "{count} днів"\n',
}  # fmt: skip


def written(folder: Path, changed: dict[str, tuple[str, str]] | None = None) -> Path:
    """A folder of catalogues, with these changes to the sound ones."""
    for name, text in SOUND.items():
        old, new = (changed or {}).get(name, ("", ""))
        assert old in text
        path = folder / "bot.pot" if name == "pot" else folder / name / "LC_MESSAGES" / "bot.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = HEAD.format(plural=PLURAL.get(name, PLURAL["de"]))
        path.write_text(head + (text.replace(old, new, 1) if old else text), encoding="utf-8")
    return folder


def test_the_voice_is_complete_in_every_language():
    assert [str(problem) for problem in voice.problems()] == []


def test_every_phrase_the_code_says_is_found_with_its_key_written_out():
    uses, problems = voice.used_keys()
    assert problems == []
    keys = {use.key for use in uses}
    assert {"render.sources", "render.unit.month"} <= keys
    assert keys == set(Catalogs.load(ROOT / "locales").keys)


def test_sound_catalogues_load(tmp_path: Path):
    loaded = Catalogs.load(written(tmp_path), ("de", "uk"))
    assert loaded.problems() == []
    assert loaded.languages == ("de", "uk")


BROKEN = {
    "a missing key": ({"uk": ('msgid "a.hello"\nmsgstr "Вітаю, {name}"\n\n', "")}, "uk", 0, "the phrase a.hello is missing"),
    "an empty sentence": ({"uk": ("Вітаю, {name}", "")}, "uk", 6, "the phrase a.hello is not translated"),
    "a guess of the update": ({"uk": ('msgid "a.hello"', '#, fuzzy\nmsgid "a.hello"')}, "uk", 7, "the phrase a.hello is not translated"),
    "another value": ({"uk": ("{name}", "{nam}")}, "uk", 6, "differs from de in its values: {nam}, {name}"),
    "a lost value": ({"uk": (", {name}", "")}, "uk", 6, "differs from de in its values: {name}"),
    "a brace alone": ({"uk": ("{name}", "{name} {")}, "uk", 6, "has a brace that is no value"),
    "a missing plural form": ({"uk": ('msgstr[2] "{count} днів"\n', "")}, "uk", 12, "the phrase a.wait needs 3 plural forms"),
    "an empty plural form": ({"uk": ("{count} днів", "")}, "uk", 12, "the phrase a.wait needs 3 plural forms"),
    "no plural at all": ({"de": ('msgid_plural "a.wait"\nmsgstr[0] "{count} Tag"\nmsgstr[1] "{count} Tage"\n', 'msgstr "{count} Tage"\n')}, "de", 12, "has plural forms in the code or here, not in both"),
    "a label too long": ({"de": ('"Gut"', f'"{"Gut" * 17}"')}, "de", 9, "the label a.ok.label has 51 characters, 48 fit on a phone"),
}  # fmt: skip


@pytest.mark.parametrize("label", BROKEN)
def test_what_is_wrong_with_a_catalogue_is_told_with_its_line(label: str, tmp_path: Path):
    changed, language, line, sentence = BROKEN[label]
    with pytest.raises(ContentError) as raised:
        Catalogs.load(written(tmp_path, changed), ("de", "uk"))
    found = [(p.path.parent.parent.name, p.line, p.sentence) for p in raised.value.problems]
    assert any(where == language and n == line and sentence in s for where, n, s in found), found


def test_a_phrase_nobody_says_any_more_is_only_a_warning(tmp_path: Path):
    folder = written(tmp_path, {"pot": ('msgid "a.hello"\nmsgstr ""\n\n', "")})
    problems = Catalogs.load(folder, ("de", "uk")).problems()
    assert {(p.severity, p.sentence) for p in problems} == {("warning", "nothing says the phrase a.hello any more")}


def test_a_missing_catalogue_is_refused(tmp_path: Path):
    folder = written(tmp_path)
    with pytest.raises(ContentError, match="the catalogue is missing"):
        Catalogs.load(folder, ("de", "uk", "ar"))


def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path):
    path = written(tmp_path) / "uk" / "LC_MESSAGES" / "bot.po"
    path.write_text(path.read_text(encoding="utf-8") + "\nmsgid broken\n", encoding="utf-8")
    with pytest.raises(ContentError, match="not a gettext catalogue"):
        Catalogs.load(tmp_path, ("de", "uk"))


def test_arabic_plural_forms_are_those_of_its_grammar():
    loaded = Catalogs.load(ROOT / "locales")
    from flows.core.phrases import counted

    forms = [loaded.text("ar", counted("render.unit.year", n)) for n in (1, 2, 3, 10, 11, 99, 100, 103)]
    bare = [form.replace("\u2068", "").replace("\u2069", "").replace("\u00a0", " ") for form in forms]
    assert bare == ["سنة واحدة", "سنتان", "3 سنوات", "10 سنوات", "11 سنة", "99 سنة", "100 سنة", "103 سنوات"]


def test_a_key_put_together_while_running_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "flows").mkdir()
    code = 'phrase("a.b")\ncounted("a.c", 3)\nphrase("a.d" if x else "a.e")\nphrase(f"a.{x}")\nsay(Title(phrase("a.f", n=phrase("a.g"))))\n'
    (tmp_path / "flows" / "x.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(voice, "ROOT", tmp_path)
    uses, problems = voice.used_keys()
    assert [(use.key, use.line, use.plural) for use in uses] == [
        ("a.b", 1, False), ("a.c", 2, True), ("a.d", 3, False), ("a.e", 3, False), ("a.f", 5, False), ("a.g", 5, False),
    ]  # fmt: skip
    assert [(problem.line, problem.sentence) for problem in problems] == [
        (4, "phrase() needs its key written out, so that it can be found")
    ]


def test_updating_brings_new_phrases_in_empty_and_takes_old_ones_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "x.py").write_text('phrase("a.hello", name="x")\ncounted("a.new", 3)\n', encoding="utf-8")
    folder = written(tmp_path / "locales")
    monkeypatch.setattr(voice, "ROOT", tmp_path)
    monkeypatch.setattr(voice, "VOICED", ("de", "uk"))
    monkeypatch.setattr(voice, "data_folder", lambda name: tmp_path / name)
    assert [path.name for path in voice.update()] == ["bot.pot", "bot.po", "bot.po"]
    assert voice.update() == [], "a second time nothing changes"
    text = (folder / "uk" / "LC_MESSAGES" / "bot.po").read_text(encoding="utf-8")
    assert "Вітаю, {name}" in text
    assert "a.wait" not in text
    assert 'msgid_plural "a.new"' in text
    problems = [p.sentence for p in voice.problems(Catalogs.read(folder, ("de", "uk"))[0])]
    assert problems == ["the phrase a.new is not translated"] * 2


# ---- the table of languages ----


def test_what_a_platform_calls_a_language_leads_to_ours():
    assert from_platform("de-AT") == "de"
    assert from_platform("ku") == "kmr"
    assert from_platform("sr_Latn") == "sr"
    assert from_platform("UK") == "uk"
    assert from_platform("ti") is None
    assert from_platform(None) is None


def test_every_language_has_a_name_and_a_locale_that_formats():
    from babel import Locale

    for language in LANGUAGES.values():
        assert Locale.parse(language.locale).text_direction == language.direction
    assert set(VOICED) == {path.parent.parent.name for path in (ROOT / "locales").glob("*/LC_MESSAGES/bot.po")}
