"""Translators without Git: what goes out in a sheet comes back checked, and nothing else changes."""

# ruff: noqa: E501 - one row of a table is one line

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook

from bot.content import digest, load_knowledge
from bot.content.sheet_files import FORMATS, read, write
from bot.settings import ROOT
from tests.lotse import SMALL, Lotse, Outcome, in_process

BULKY = Path("articles/waste/bulky")
AR, DE, EN, UK = (BULKY / f"{language}.md" for language in ("ar", "de", "en", "uk"))
QUIET = Path("towns/musterstadt/articles/noise/quiet-hours")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL, tmp_path / "knowledge"))


@pytest.fixture
def lotse(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lotse:
    """The command line over a copy of the small town, in an empty folder."""
    made = in_process(tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("LOTSE_KNOWLEDGE_DIR", str(folder))
    monkeypatch.setenv("LOTSE_TOWN", "musterstadt")
    return made


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def changed(before: dict[str, bytes], folder: Path) -> set[str]:
    after = tree(folder)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def export(lotse: Lotse, language: str, *more: str) -> list[dict[str, str]]:
    """The rows of a csv sheet, made in the current folder."""
    said = lotse("translations", "export", "--lang", language, "--format", "csv", "--output", "sheet.csv", *more)
    assert said.code == 0, said.err
    with open("sheet.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def bring(lotse: Lotse, rows: list[dict[str, str]], *more: str) -> Outcome:
    """Import these rows as a csv sheet."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    Path("back.csv").write_bytes(buffer.getvalue().encode("utf-8"))
    return lotse("translations", "import", "back.csv", *more)


def row(rows: list[dict[str, str]], id: str) -> dict[str, str]:
    return next(each for each in rows if each["id"] == id)


# ---- there and back ----


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("language", ["ar", "uk", "en", "de", "tr"])
def test_a_round_trip_without_change_leaves_every_byte_as_it_was(
    lotse: Lotse, folder: Path, language: str, format: str
) -> None:
    windows = (folder / EN).read_bytes().replace(b"\n", b"\r\n")
    (folder / EN).write_bytes(windows)
    before = tree(folder)
    assert lotse("translations", "export", "--lang", language, "--format", format).code == 0
    said = lotse("translations", "import", f"lotse-{language}.{format}")
    assert (said.code, said.err) == (0, "")
    assert "0 texts written, 2 unchanged" in said.out
    assert changed(before, folder) == set()


@pytest.mark.parametrize("language", ["ar", "fa", "uk"])
def test_the_released_texts_go_out_and_come_back_as_they_are(lotse: Lotse, language: str) -> None:
    released = {"LOTSE_KNOWLEDGE_DIR": str(ROOT / "knowledge"), "LOTSE_TOWN": "magdeburg"}
    lotse("translations", "export", "--lang", language, "--format", "csv", "--topic", "waste,crisis", **released)
    said = lotse("translations", "import", f"lotse-{language}.csv", "--dry-run", **released)
    assert said.code == 0, said.err
    assert said.out.startswith("0 texts would change")


def test_a_sheet_holds_german_the_present_text_the_state_and_the_context(lotse: Lotse) -> None:
    rows = export(lotse, "uk")
    assert [each["id"] for each in rows[:3]] == [
        "uk:noise.quiet-hours/title",
        "uk:noise.quiet-hours/asks",
        "uk:noise.quiet-hours/first-view",
    ]
    assert {each["state"] for each in rows} == {"missing", "reviewed"}
    view = row(rows, "uk:waste.bulky/first-view")
    assert view["german"].startswith("Große Möbel gehören nicht in die Tonne.")
    assert view["text"].startswith("Великі меблі")
    assert "\n" not in view["text"], "a paragraph is one line"
    assert view["context"] == ("First view, 30 to 150 words; {{term:sperrmuell}} = Sperrmüll = великогабаритні відходи")
    assert row(rows, "uk:waste.bulky#documents")["text"].split("\n")[0] == "- посвідчення особи"
    assert row(rows, "uk:waste.bulky#documents/heading")["text"] == "Що потрібно"


def test_a_sheet_can_be_of_some_articles_only(lotse: Lotse) -> None:
    assert {each["id"].split("/")[0].split("#")[0] for each in export(lotse, "uk", "--state", "missing")} == {
        "uk:noise.quiet-hours"
    }
    assert all("waste.bulky" in each["id"] for each in export(lotse, "uk", "--topic", "waste"))
    assert all("waste.bulky" in each["id"] for each in export(lotse, "uk", "--article", "waste.bulky"))
    assert lotse("translations", "export", "--lang", "xx").code == 2
    assert lotse("translations", "export", "--lang", "uk", "--article", "waste.nothing").code == 2
    assert lotse("translations", "export", "--lang", "uk", "--state", "finished").code == 2


@pytest.mark.parametrize("format", FORMATS)
def test_a_changed_piece_takes_its_own_place_and_no_other(lotse: Lotse, folder: Path, format: str) -> None:
    before = tree(folder)
    export(lotse, "ar")
    rows = read(Path("sheet.csv"))
    rows = [type(each)(**{**vars(each), "text": each.text.replace("بطاقة الهوية", "بطاقة هويتك")}) for each in rows]
    Path(f"back.{format}").write_bytes(write(rows, "ar", format))
    assert lotse("translations", "import", f"back.{format}").code == 0
    assert changed(before, folder) == {AR.as_posix()}
    old, new = before[AR.as_posix()].decode().split("\n"), (folder / AR).read_text(encoding="utf-8").split("\n")
    assert [(a, b) for a, b in zip(old, new, strict=True) if a != b] == [("- بطاقة الهوية", "- بطاقة هويتك")]


def test_a_new_text_comes_from_a_sheet_as_a_whole(lotse: Lotse, folder: Path) -> None:
    rows = export(lotse, "uk", "--state", "missing")
    row(rows, "uk:noise.quiet-hours/title")["text"] = "Години тиші"
    partly = bring(lotse, rows)
    assert partly.code == 1
    assert "uk:noise.quiet-hours: a new text must be whole; still empty: /asks, /first-view" in partly.err
    row(rows, "uk:noise.quiet-hours/asks")["text"] = (
        "коли має бути тихо\nнічна тиша\n\nшум уночі\nсусіди шумлять\nгучна музика"
    )
    row(rows, "uk:noise.quiet-hours/first-view")["text"] = (
        "Уночі має бути тихо: {{hours:noise.night}}. Тоді інші можуть спати. Спершу спокійно поговоріть із сусідами. "
        "Часто вони не знають, що їх чути. Якщо не допоможе, телефонуйте міській варті: {{phone:watch}}. Вона приїде "
        "і поговорить з усіма в будинку ({{as_of:2025-05}})."
    )
    assert bring(lotse, rows, "--reviewer", "Оксана", "--on", "2026-11-24").code == 0
    text = load_knowledge(folder, "musterstadt").articles["noise.quiet-hours"].texts["uk"]
    assert (text.title, len(text.asks), text.outdated) == ("Години тиші", 5, False)
    assert (text.reviewed, text.reviewer, str(text.reviewed_on)) == (True, "Оксана", "2026-11-24")
    assert lotse("check").out.count("quiet-hours/uk.md") == 0


# ---- who has read it ----


def test_a_review_is_written_for_the_texts_that_changed_and_for_all_only_when_said(lotse: Lotse, folder: Path) -> None:
    rows = export(lotse, "ar")
    row(rows, "ar:waste.bulky/title")["text"] = "النفايات الضخمة: التخلص من الأثاث"
    assert bring(lotse, rows, "--reviewer", 'Samira "Sam"', "--on", "2026-11-24").code == 0
    articles = load_knowledge(folder, "musterstadt").articles
    assert articles["waste.bulky"].texts["ar"].reviewer == 'Samira "Sam"'
    assert not articles["noise.quiet-hours"].texts["ar"].reviewed
    assert bring(lotse, export(lotse, "ar"), "--reviewer", "Samira", "--all").code == 0
    assert all(article.texts["ar"].reviewed for article in load_knowledge(folder, "musterstadt").articles.values())
    assert bring(lotse, rows, "--all").code == 2
    assert bring(lotse, rows, "--reviewer", " ").code == 2


def test_a_reviewed_text_that_is_changed_without_a_name_is_a_draft_again(lotse: Lotse, folder: Path) -> None:
    rows = export(lotse, "uk", "--topic", "waste")
    row(rows, "uk:waste.bulky#documents/heading")["text"] = "Що вам потрібно"
    assert bring(lotse, rows).code == 0
    text = load_knowledge(folder, "musterstadt").articles["waste.bulky"].texts["uk"]
    assert (text.reviewed, text.reviewer, text.reviewed_on) == (False, None, None)
    assert "reviewer" not in (folder / UK).read_text(encoding="utf-8")


def test_nobody_has_reviewed_a_text_of_which_the_sheet_holds_a_part(lotse: Lotse, folder: Path) -> None:
    before = tree(folder)
    rows = [row(export(lotse, "ar"), "ar:waste.bulky/title")]
    rows[0]["text"] = "النفايات الضخمة"
    refused = bring(lotse, rows, "--reviewer", "Samira")
    assert refused.code == 1
    assert "only a part of this text" in refused.err
    assert changed(before, folder) == set()
    assert bring(lotse, rows).code == 0, "a correction alone may come in parts"


def test_the_german_text_itself_can_be_reviewed_by_sheet(lotse: Lotse, folder: Path) -> None:
    assert bring(lotse, export(lotse, "de"), "--reviewer", "Anna", "--all").code == 0
    article = load_knowledge(folder, "musterstadt").articles["waste.bulky"]
    assert article.texts["de"].reviewer == "Anna"
    assert not any(text.outdated for text in article.texts.values())
    rows = export(lotse, "de")
    changed_fact = row(rows, "de:waste.bulky/first-view")
    changed_fact["text"] = changed_fact["text"].replace("{{phone:yard}}", "{{phone:watch}}")
    refused = bring(lotse, rows)
    assert refused.code == 1
    assert "de:waste.bulky: ar.md:6: the first view cites other facts" in refused.err


# ---- while others work ----


def test_a_translation_of_a_german_text_that_changed_meanwhile_is_taken_and_outdated(
    lotse: Lotse, folder: Path
) -> None:
    rows = export(lotse, "ar")
    german = (folder / DE).read_text(encoding="utf-8")
    (folder / DE).write_text(german.replace("Ab 14 Jahren", "Ab 16 Jahren"), encoding="utf-8")
    row(rows, "ar:waste.bulky/title")["text"] = "النفايات الضخمة"
    said = bring(lotse, rows)
    assert said.code == 0
    assert "the German text has changed since this sheet was made" in said.err
    text = load_knowledge(folder, "musterstadt").articles["waste.bulky"].texts["ar"]
    assert text.title == "النفايات الضخمة"
    assert text.outdated
    again = export(lotse, "ar")
    assert row(again, "ar:waste.bulky/title")["state"] == "outdated"
    row(again, "ar:waste.bulky/title")["text"] = "النفايات الكبيرة"
    assert bring(lotse, again).code == 0
    assert not load_knowledge(folder, "musterstadt").articles["waste.bulky"].texts["ar"].outdated


def test_a_sheet_made_before_a_minor_change_brings_a_text_that_is_current(lotse: Lotse, folder: Path) -> None:
    rows = export(lotse, "ar")
    german = (folder / DE).read_text(encoding="utf-8")
    (folder / DE).write_text(german.replace("Möbel loswerden", "Möbel, loswerden"), encoding="utf-8")
    said = lotse("translations", "minor", "waste.bulky")
    assert (said.code, "still current: ar, en, uk" in said.out) == (0, True)
    row(rows, "ar:waste.bulky/title")["text"] = "النفايات الضخمة"
    assert bring(lotse, rows).code == 0
    assert not load_knowledge(folder, "musterstadt").articles["waste.bulky"].texts["ar"].outdated
    nothing = lotse("translations", "minor", "waste.bulky")
    assert (nothing.code, "no translation is outdated" in nothing.err) == (1, True)


def test_a_piece_that_somebody_else_changed_meanwhile_is_not_overwritten(lotse: Lotse, folder: Path) -> None:
    rows = export(lotse, "en")
    english = (folder / EN).read_text(encoding="utf-8")
    (folder / EN).write_text(english.replace("1. your ID", "1. your passport"), encoding="utf-8")
    untouched = bring(lotse, rows)
    assert (untouched.code, "0 texts written" in untouched.out) == (0, True), "a row nobody touched changes nothing"
    row(rows, "en:waste.bulky#documents")["text"] = "1. an ID card\n2. the [form](https://musterstadt.example/formular)"
    refused = bring(lotse, rows)
    assert refused.code == 1
    assert "en:waste.bulky#documents: en.md has changed since this sheet was made: export again" in refused.err
    assert "your passport" in (folder / EN).read_text(encoding="utf-8")


# ---- what is wrong ----

Change = Callable[[dict[str, str]], object]
WRONG: dict[str, tuple[str, Change, str]] = {
    "a fact left out": ("first-view", lambda r: r.update(text=r["text"].replace("{{phone:yard}}", "")), "missing here: {{phone:yard}}"),
    "a fact mistyped": ("first-view", lambda r: r.update(text=r["text"].replace("{{phone:yard}}", "{{phone:yard}")), "a cited fact is written {{kind:id}}"),
    "a fact that is not there": ("first-view", lambda r: r.update(text=r["text"] + " {{phone:nowhere}}"), "there is no such office"),
    "a phone number typed": ("first-view", lambda r: r.update(text=r["text"] + " 03999 123456"), "looks like a phone number"),
    "an official word left out": ("first-view", lambda r: r.update(text=r["text"].replace("({{term:sperrmuell}})", "")), "the official word {{term:sperrmuell}} of de.md is not used here"),
    "a link to http": ("#documents", lambda r: r.update(text=r["text"].replace("https:", "http:")), "a link begins with https://"),
    "a heading in a section": ("#documents", lambda r: r.update(text=r["text"] + "\n\n## Noch etwas {#more}\n\nx"), "the sections must be those of de.md"),
    "a heading of two lines": ("#documents/heading", lambda r: r.update(text="a\n\nb"), "a title or heading is one line"),
    "an emptied text": ("#documents", lambda r: r.update(text=" "), "the text was emptied"),
    "too few questions": ("asks", lambda r: r.update(text="eine\nzwei"), "asks has 2 questions"),
    "a German cell changed": ("title", lambda r: r.update(german="Müll"), "the German column was changed"),
    "a stamp lost": ("title", lambda r: r.update(stamp=""), "the stamp is missing"),
    "an unknown language": ("title", lambda r: r.update(id="xx:waste.bulky/title"), "names no language we know"),
    "an unknown article": ("title", lambda r: r.update(id="ar:waste.nothing/title"), "there is no article “waste.nothing”"),
    "an unknown section": ("#documents", lambda r: r.update(id="ar:waste.bulky#papers"), "has no such piece"),
    "a row twice": ("title", lambda r: r.update(id="ar:waste.bulky#documents"), "is there twice"),
}  # fmt: skip


@pytest.mark.parametrize("label", WRONG)
def test_what_is_wrong_is_told_with_its_row_and_nothing_is_written(lotse: Lotse, folder: Path, label: str) -> None:
    piece, change, sentence = WRONG[label]
    rows = export(lotse, "ar")
    wanted = row(rows, f"ar:waste.bulky{'' if piece.startswith('#') else '/'}{piece}")
    number = rows.index(wanted) + 2
    change(wanted)
    row(rows, "ar:noise.quiet-hours/title")["text"] = "وقت الهدوء"
    before = tree(folder)
    refused = bring(lotse, rows)
    assert (refused.code, refused.out) == (1, "")
    line = next((each for each in refused.err.splitlines() if sentence in each), refused.err)
    assert sentence in line
    if label not in ("an official word left out", "a row twice", "a heading in a section"):
        assert f"back.csv: error: row {number}: " in line, "the row is named"
    assert changed(before, folder) == set(), "not even the sound texts"


def test_everything_wrong_in_a_sheet_is_told_at_once(lotse: Lotse) -> None:
    rows = export(lotse, "ar")
    row(rows, "ar:waste.bulky#cost")["text"] += " 03999 123456 {{phone:nowhere}}"
    row(rows, "ar:noise.quiet-hours/first-view")["text"] = "قصير"
    refused = bring(lotse, rows)
    for sentence in ("phone number", "no such office", "the first view has 1 words", "nothing was written"):
        assert sentence in refused.err


def test_an_official_word_typed_by_hand_is_told_and_taken(lotse: Lotse, folder: Path) -> None:
    rows = export(lotse, "ar")
    row(rows, "ar:waste.bulky#documents")["text"] += " (Sperrmüll)"
    said = bring(lotse, rows)
    assert said.code == 0
    assert "(Sperrmüll) is typed by hand: write ({{term:sperrmuell}})" in said.err


FILES: dict[str, tuple[str, bytes, str]] = {
    "no such file": ("sheet.csv", b"", "No such file"),
    "another ending": ("sheet.doc", b"x", "must end with one of .po, .xlsx, .csv"),
    "no columns of ours": ("sheet.csv", b"a,b\n1,2\n", "missing: id, german, text, stamp"),
    "not UTF-8": ("sheet.csv", b"id,german,text,stamp\n\xe4\n", "not UTF-8"),
    "nothing in it": ("sheet.csv", b"\n", "the file is empty"),
    "no spreadsheet": ("sheet.xlsx", b"x", "not an xlsx file"),
    "no po file": ("sheet.po", b"msgid\nhello", "not a po file"),
    "a po file of something else": ("sheet.po", b'msgid "a"\nmsgstr "b"\n', "must come back as they were"),
}


@pytest.mark.parametrize("label", FILES)
def test_a_file_that_is_no_sheet_is_refused_in_a_sentence(lotse: Lotse, label: str) -> None:
    name, content, sentence = FILES[label]
    if label != "no such file":
        Path(name).write_bytes(content)
    refused = lotse("translations", "import", name)
    assert (refused.code, refused.out) == (1, "")
    assert sentence in refused.err
    assert name in refused.err


def test_a_sheet_saved_with_semicolons_and_windows_line_ends_is_read(lotse: Lotse, folder: Path) -> None:
    rows = export(lotse, "ar")
    row(rows, "ar:waste.bulky#documents")["text"] = (
        "- بطاقة هويتك\r\n- [الاستمارة](https://musterstadt.example/formular)\r\n"
    )
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=";")
    writer.writerow(["stamp", "note", "id", "text", "german"])
    writer.writerows([each["stamp"], "", each["id"], each["text"], each["german"]] for each in rows)
    Path("back.csv").write_bytes(buffer.getvalue().encode("utf-8-sig"))
    assert lotse("translations", "import", "back.csv").code == 0
    assert "- بطاقة هويتك\n- [الاستمارة]" in (folder / AR).read_text(encoding="utf-8")


def test_no_cell_of_a_spreadsheet_is_a_formula(lotse: Lotse, folder: Path) -> None:
    text = (folder / EN).read_text(encoding="utf-8")
    (folder / EN).write_text(text.replace("# Bulky waste:", "# =1+1 Bulky waste:"), encoding="utf-8")
    lotse("translations", "export", "--lang", "en")
    book = load_workbook("lotse-en.xlsx")
    cells = [cell for line in book["en"].rows for cell in line]
    assert {cell.data_type for cell in cells} == {"s"} | {cell.data_type for cell in cells if cell.value is None}
    assert any(str(cell.value).startswith("=1+1") for cell in cells)


# ---- status ----


def test_the_status_lists_what_is_overdue_and_what_is_not_in_force(lotse: Lotse) -> None:
    today = lotse("translations", "status", "--on", "2026-11-24").out
    assert "overdue" not in today
    assert "not in force" not in today
    later = lotse("translations", "status", "--on", "2028-01-01").out
    assert "overdue (2)" in later
    assert "2027-05-31  waste.bulky" in later
    assert "Team Muster" in later
    assert "not in force (1)" in later
    assert "  waste.bulky.fee" in later


def test_the_status_of_one_language_names_each_article(lotse: Lotse) -> None:
    said = lotse("translations", "status", "--lang", "uk").out
    assert "reviewed (1)\n  waste.bulky\n" in said
    assert "missing (1)\n  noise.quiet-hours\n" in said
    (found,) = lotse("translations", "status", "--json", "--on", "2028-01-01").lines
    assert found["languages"]["uk"] == {"missing": 1, "draft": 0, "outdated": 0, "reviewed": 1}
    assert [each["id"] for each in found["overdue"]] == ["noise.quiet-hours", "waste.bulky"]
    assert found["expired"] == ["waste.bulky.fee"]
    assert lotse("translations", "status", "--lang", "xx").code == 2


def test_the_stamp_of_a_piece_does_not_see_line_breaks() -> None:
    assert digest("a\nb") == digest("a b")
