"""The contract of the command line: what each command prints, and how it ends."""

# ruff: noqa: E501 - one row of a table is one line

from __future__ import annotations

import json
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import bot.chat
from bot.catalogs import Catalogs
from bot.settings import ROOT
from flows import FLOWS
from flows.core.knowledge import Knowledge
from tests.lotse import MUSTERSTADT, Lotse, environment, in_process, program

KEYS = {"kind", "text", "choices", "article", "language", "notice", "notices", "crisis"}
LANGUAGES = ("de", "en", "ar", "uk")
SOFA = {
    "de": "Wohin mit meinem alten Sofa?",
    "en": "Where can I get rid of my old sofa?",
    "ar": "أين أرمي الأريكة القديمة؟",
    "uk": "Куди подіти старий диван?",
}


@pytest.fixture
def magdeburg(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    knowledge: Knowledge,
    catalogs: Catalogs,
) -> Lotse:
    """The command line as it is released; its knowledge is loaded once for all tests."""
    monkeypatch.setattr(bot.chat, "load", lambda settings, trying: (knowledge, catalogs))
    return in_process(tmp_path, monkeypatch, capsys)


@pytest.fixture
def lotse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lotse:
    """The command line over a small town made for tests."""
    made = in_process(tmp_path, monkeypatch, capsys)
    for name, value in MUSTERSTADT.items():
        monkeypatch.setenv(name, value)
    return made


# ---- chat ----


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_question_for_the_sofa_is_answered_at_once_in_each_language(magdeburg: Lotse, language: str) -> None:
    said = magdeburg("chat", "--lang", language, "--json", typed=SOFA[language] + "\n")
    assert said.code == 0
    answer = said.messages[-1]
    assert answer["article"] == "waste.bulky"
    assert answer["language"] == language
    assert answer["crisis"] is False
    assert "human" in [choice["id"] for choice in answer["choices"]]


def test_every_object_of_a_chat_has_every_key(lotse: Lotse) -> None:
    typed = "#human\n#yes\nHallo\n/desk note x\n/desk close\nSofa\nxqzt wrgl\n#topic:waste\n#language:ar\n/desk claim"
    said = lotse("chat", "--json", "--lang", "de", typed=typed)
    assert said.code == 0
    assert len(said.messages) > 5
    for message in said.messages:
        assert set(message) == KEYS
        assert all(set(choice) == {"id", "label"} for choice in message["choices"])
        assert message["notice"] in (None, "fallback", "outdated", "draft")
        assert (message["notice"] is None) == (message["notices"] == [])
    for line in said.desk:
        assert set(line) == {"kind", "case", "event", "text"}
        assert line["event"] in ("opened", "message", "note", "closed")
    assert "no open case" in said.err


def test_without_a_language_the_languages_come_first_and_the_question_is_answered_after_the_choice(
    magdeburg: Lotse,
) -> None:
    said = magdeburg("chat", "--json", typed=f"{SOFA['de']}\n#language:de\n")
    first, last = said.messages[0], said.messages[-1]
    assert [choice["id"] for choice in first["choices"]][:4] == [f"language:{code}" for code in LANGUAGES]
    assert [choice["label"] for choice in first["choices"]][:4] == ["Deutsch", "English", "العربية", "Українська"]
    assert all(message["article"] is None for message in said.messages[:-1])
    assert last["article"] == "waste.bulky"
    assert last["language"] == "de"


@pytest.mark.parametrize("typed", ["3", "٣", "۳", "العربية", "#language:ar"])
def test_a_number_in_any_digits_a_label_and_an_id_pick_the_same_choice(lotse: Lotse, typed: str) -> None:
    said = lotse("chat", "--json", typed=f"{typed}\n")
    assert said.messages[-1]["language"] == "ar"


def test_where_a_number_is_asked_for_a_bare_number_is_the_answer_and_picks_nothing(magdeburg: Lotse) -> None:
    for age in ("1", "١"):
        said = magdeburg("chat", "--json", "--lang", "de", typed=f"#topic:school\n#school.start:duty\n{age}\n")
        ids = [choice["id"] for choice in said.messages[-1]["choices"]]
        assert any(id.startswith("school.younger:") for id in ids), ids


def test_staff_in_the_terminal_claim_answer_note_and_close(magdeburg: Lotse) -> None:
    typed = "\n".join(
        [
            "Ich habe einen schweren Brief",
            "#human",
            "#yes",
            "Er ist vom Amt",
            "/desk claim",
            "/desk note nur für uns",
            "/desk reply Kommen Sie am Dienstag",
            "/desk close",
            "Wohin mit meinem alten Sofa?",
        ]
    )
    said = magdeburg("chat", "--json", "--lang", "de", typed=typed)
    assert said.code == 0
    assert [line["event"] for line in said.desk] == ["opened", "message", "note", "message", "closed"]
    assert len({line["case"] for line in said.desk}) == 1
    opened, copied, note, _, _ = said.desk
    assert "Ich habe einen schweren Brief" in opened["text"], "what was typed before is not typed again"
    assert copied["text"] == "Er ist vom Amt"
    assert "nur für uns" in note["text"]
    texts = [message["text"] for message in said.messages]
    assert not any("nur für uns" in text for text in texts), "a note never reaches the person"
    assert sum("Kommen Sie am Dienstag" in text for text in texts) == 1
    assert said.messages[-1]["article"] == "waste.bulky", "after closing the bot is back"


def test_the_last_line_counts_without_an_end_of_line_and_nothing_typed_is_no_error(magdeburg: Lotse) -> None:
    assert magdeburg("chat", "--json", "--lang", "de", typed=SOFA["de"]).messages[-1]["article"] == "waste.bulky"
    assert magdeburg("chat", "--json", "--lang", "de").code == 0
    assert magdeburg("chat", "--json", "--lang", "de", typed="\n\n   \n\x00\n").code == 0


def test_a_kept_conversation_goes_on_in_another_run_and_others_are_thrown_away(lotse: Lotse, tmp_path: Path) -> None:
    lotse("chat", "--json", "--keep", "a", typed="#language:ar\n#human\n#yes\nمرحبا\n")
    again = lotse("chat", "--json", "--keep", "a", typed="/desk reply Ja\n/desk close\n")
    assert [line["event"] for line in again.desk] == ["message", "closed"], "what was shown is not shown again"
    assert {message["language"] for message in again.messages} == {"ar"}
    lotse("chat", "--json", typed="#language:ar\n")
    assert [path.name for path in sorted((tmp_path / "data" / "chats").glob("*.db"))] == ["a.db"]
    assert lotse("chat", "--keep", "../a").code == 2


def test_a_reader_who_leaves_and_a_press_of_ctrl_c_end_the_chat_quietly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot", "chat", "--json"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment(tmp_path, MUSTERSTADT),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as chat:
        assert chat.stdout is not None
        assert chat.stderr is not None
        assert json.loads(chat.stdout.readline())["kind"] == "message"
        chat.send_signal(signal.SIGINT)
        assert chat.wait(timeout=60) == 130
        assert b"Traceback" not in chat.stderr.read()


# ---- ask ----


def test_ask_tells_decision_and_hits_best_first(magdeburg: Lotse) -> None:
    said = magdeburg("ask", "--lang", "ar", SOFA["ar"], "--json")
    (answer,) = said.lines
    assert set(answer) == {"decision", "hits"}
    assert answer["decision"] == "answer"
    assert answer["hits"][0]["id"] == "waste.bulky"
    assert all(set(hit) == {"id", "score", "language"} for hit in answer["hits"])
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)


def test_ask_refuses_a_language_nobody_has_heard_of(lotse: Lotse) -> None:
    said = lotse("ask", "Sofa", "--lang", "xx", "--json")
    assert (said.code, said.out) == (2, "")
    assert "--lang xx" in said.err
    assert lotse("ask", "Sofa", "--lang", "fa", "--json").code == 0


# ---- evaluate ----

FIGURES = {"n", "hit@1", "hit@3", "hit@5", "mrr", "choose", "refusal", "refused_good", "crisis_recall", "false_crisis"}
QUESTIONS = (
    {"id": "q1", "lang": "de", "text": "Wohin mit dem alten Sofa?", "expect": ["waste.bulky"], "kind": "plain"},
    {"id": "q2", "lang": "ar", "text": "أين أرمي الكنبة القديمة", "expect": ["waste.bulky"], "kind": "plain"},
    {"id": "q3", "lang": "de", "text": "Wohin mit dem alten Sofa?", "expect": ["noise.quiet-hours"], "kind": "typo"},
    {"id": "q4", "lang": "de", "text": "zzz qqq xxx", "expect": [], "kind": "offtopic", "split": "dev"},
    {
        "id": "q5",
        "lang": "de",
        "text": "Wie hoch ist der Mount Everest?",
        "expect": ["waste.bulky"],
        "kind": "unanswerable",
    },
)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in QUESTIONS), encoding="utf-8")
    return path


def test_evaluate_gives_each_figure_for_all_by_language_and_by_kind(lotse: Lotse, questions: Path) -> None:
    said = lotse("evaluate", str(questions), "--json")
    assert said.code == 0
    (report,) = said.lines
    assert set(report) == {"total", "by_language", "by_kind", "ms", "index"}
    assert set(report["ms"]) == {"median", "p99"}
    assert set(report["by_language"]) == {"de", "ar"}
    assert set(report["by_kind"]) == {"plain", "typo", "offtopic", "unanswerable"}
    for group in (report["total"], *report["by_language"].values(), *report["by_kind"].values()):
        assert set(group) == FIGURES
    assert report["total"]["n"] == 5
    assert report["total"]["hit@1"] == pytest.approx(2 / 3, abs=0.001), "the unanswerable line is left out"
    assert report["total"]["refusal"] == 1
    assert report["total"]["crisis_recall"] is None, "null where there is no such line"
    assert report["by_language"]["ar"]["refusal"] is None
    assert report["by_kind"]["offtopic"]["hit@1"] is None
    assert report["by_kind"]["plain"]["mrr"] == 1


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (("--lang", "ar"), 1),
        (("--kind", "typo,offtopic"), 2),
        (("--topic", "noise"), 2),
        (("--split", "dev"), 1),
        (("--misspell",), 5),
    ],
)
def test_evaluate_counts_only_the_lines_asked_for(
    lotse: Lotse, questions: Path, options: tuple[str, ...], left: int
) -> None:
    (report,) = lotse("evaluate", str(questions), "--json", *options).lines
    assert report["total"]["n"] == left


def test_evaluate_lists_the_misses_beside_the_figures(lotse: Lotse, questions: Path) -> None:
    said = lotse("evaluate", str(questions), "--errors", "--json")
    assert len(said.lines) == 1
    missed, confused = said.err.splitlines()
    assert missed.startswith("q3 ")
    assert confused == "confused 1 ×: noise.quiet-hours → waste.bulky"
    table = lotse("evaluate", str(questions))
    assert "hit@1" in table.out
    assert table.err == ""


@pytest.mark.parametrize(
    ("label", "line"),
    [
        ("not JSON", "{"),
        ("not an object", "[]"),
        ("no text", '{"id": "x", "lang": "de", "expect": []}'),
        ("a text that is none", '{"id": "x", "lang": "de", "text": 5, "expect": []}'),
        ("one id in place of a list", '{"id": "x", "lang": "de", "text": "Sofa", "expect": "waste.bulky"}'),
    ],
)
def test_evaluate_names_file_and_line_of_what_it_cannot_read(
    lotse: Lotse, questions: Path, label: str, line: str
) -> None:
    questions.write_text(questions.read_text(encoding="utf-8") + "\n" + line + "\n", encoding="utf-8")
    said = lotse("evaluate", str(questions), "--json")
    assert (said.code, said.out) == (2, ""), label
    assert f"{questions}:6: " in said.err


def test_evaluate_with_nothing_left_is_wrong_use(lotse: Lotse, questions: Path, tmp_path: Path) -> None:
    assert lotse("evaluate", str(questions), "--lang", "tr").code == 2
    assert lotse("evaluate", str(tmp_path / "nowhere.jsonl")).code == 2


def test_an_outside_collection_is_searched_in_its_town_and_language_and_never_refused(
    lotse: Lotse, tmp_path: Path
) -> None:
    pages = (
        {"id": "a1", "lang": "de", "town": "a", "title": "Bücherei", "text": "Bücher leihen kann man in der Bücherei."},
        {"id": "b1", "lang": "de", "town": "b", "title": "Bücherei", "text": "Bücher leihen kann man in der Bücherei."},
        {"id": "a2", "lang": "de", "town": "a", "title": "Bad", "text": "Das Schwimmbad öffnet früh."},
        {"id": "e1", "lang": "en", "title": "Library", "text": "Borrow books in the library."},
    )
    asked = (
        {"id": "1", "lang": "de", "town": "b", "text": "Wo kann ich Bücher leihen?", "expect": ["b1"]},
        {"id": "2", "lang": "de", "town": "a", "text": "Wo kann ich Bücher leihen?", "expect": ["a1"]},
        {"id": "3", "lang": "en", "text": "Where can I borrow books?", "expect": ["e1"]},
        {"id": "4", "lang": "de", "town": "a", "text": "Schwimmen bei Regen und Sturm am Polarkreis", "expect": ["a2"]},
    )
    for name, rows in (("corpus", pages), ("asked", asked)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    said = lotse("evaluate", str(tmp_path / "asked.jsonl"), "--corpus", str(tmp_path / "corpus.jsonl"), "--json")
    (report,) = said.lines
    assert report["total"]["hit@1"] == 1
    assert report["total"]["refused_good"] == 0
    (tmp_path / "corpus.jsonl").write_text('{"id": "x", "lang": "de", "title": 3, "text": "x"}', encoding="utf-8")
    broken = lotse("evaluate", str(tmp_path / "asked.jsonl"), "--corpus", str(tmp_path / "corpus.jsonl"))
    assert broken.code == 2
    assert "corpus.jsonl:1: " in broken.err


# ---- check ----


def test_check_is_clean_for_the_released_town(magdeburg: Lotse) -> None:
    said = magdeburg("check", "--json")
    assert said.code == 0
    (rows,) = said.lines
    assert all(set(row) == {"path", "line", "severity", "sentence"} for row in rows)
    assert {row["severity"] for row in rows} <= {"warning"}


def test_check_names_each_problem_with_its_place_and_ends_with_1(lotse: Lotse) -> None:
    said = lotse("check")
    assert said.code == 1, "the small town has not the articles that the flows show"
    assert "school.py: error: school.start shows the article 'school.absence', which does not exist" in said.out
    assert "errors" in said.out.splitlines()[-1]


def test_check_judges_dates_as_on_the_day_asked_for(lotse: Lotse) -> None:
    def sentences(day: str) -> str:
        return " ".join(row["sentence"] for row in lotse("check", "--json", "--on", day).lines[0])

    assert "review_by" not in sentences("2026-11-24")
    assert "review_by 2027-05-31 has passed" in sentences("2028-01-01")
    wrong = lotse("check", "--on", "24.11.2026")
    assert wrong.code == 2
    assert "2026-11-24" in wrong.err


def test_check_draws_each_flow_and_no_other(lotse: Lotse) -> None:
    for flow in FLOWS:
        said = lotse("check", "--draw", flow)
        assert said.code == 0
        assert said.out.startswith("flowchart TD\n")
        assert f"{flow}_start" in said.out
    wrong = lotse("check", "--draw", "nothing")
    assert wrong.code == 2
    assert "waste" in wrong.err


# ---- what is refused ----


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nothing",),
        ("ask",),
        ("chat", "--lang"),
        ("chat", "--lang", "xx"),
        ("member",),
        ("db",),
        ("member", "add", "A", "--role", "king"),
        ("member", "add", " "),
        ("member", "add", "A\nB"),
        ("member", "add", "A\x1b[31m"),
        ("member", "add", "A" * 61),
        ("run", "--fast"),
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_2_and_says_so_on_stderr_alone(lotse: Lotse, arguments: tuple[str, ...]) -> None:
    said = lotse(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("name", "value", "arguments"),
    [
        ("LOTSE_PORT", "abc", ("chat",)),
        ("LOTSE_PORT", "99999", ("chat",)),
        ("LOTSE_LOG", "loud", ("check",)),
        ("LOTSE_TELEGRAM_MODE", "push", ("run",)),
        ("LOTSE_TELEGRAM_STAFF_CHAT", "staff", ("run",)),
        ("LOTSE_DATABASE_URL", "mysql://localhost/x", ("member", "list")),
        ("LOTSE_DATABASE_URL", "postgresql://127.0.0.1:1/x", ("member", "list")),
        ("LOTSE_DATABASE_URL", "postgresql://127.0.0.1:1/x", ("db", "upgrade")),
        ("LOTSE_SECRET_KEY", "secret", ("member", "list")),
        ("LOTSE_DATA_DIR", "/dev/null/data", ("member", "list")),
        ("LOTSE_DATA_DIR", "/dev/null/data", ("db", "restore", "copy.db")),
    ],
)
def test_17_a_setting_that_cannot_be_used_is_named(
    lotse: Lotse, name: str, value: str, arguments: tuple[str, ...]
) -> None:
    said = lotse(*arguments, **{name: value})
    assert (said.code, said.out) == (2, "")
    assert name in said.err
    assert "Traceback" not in said.err


def test_17_every_bad_setting_is_named_at_once(lotse: Lotse) -> None:
    said = lotse("chat", LOTSE_PORT="abc", LOTSE_LOG="loud")
    assert "LOTSE_PORT" in said.err
    assert "LOTSE_LOG" in said.err
    assert "abc" not in said.err, "a value may be a secret"


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


BREAK: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a source without its date": ("articles/school/duty/article.toml", lambda p: _append(p, '\n[[sources]]\nurl = "https://example.org"\n')),
    "an id that does not exist": ("articles/waste/bulky/article.toml", lambda p: _replace(p, "offices = [", 'offices = ["nowhere", ')),
    "an unknown language": ("town.toml", lambda p: _replace(p, 'languages = ["de"', 'languages = ["de", "xx"')),
    "an impossible date": ("articles/waste/fines/article.toml", lambda p: _replace(p, "review_by = 2", "review_by = 99-2")),
    "a phone number that was typed": ("articles/waste/sorting/en.md", lambda p: _append(p, "\nCall 0391 5404588.\n")),
}  # fmt: skip


def test_17_broken_content_is_refused_with_every_problem_and_its_place(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ROOT / "knowledge", tmp_path / "knowledge"))
    for place, change in BREAK.values():
        change(next(path for path in folder.rglob(Path(place).name) if path.as_posix().endswith(place)))
    refused = program("run", folder=tmp_path, more={"LOTSE_KNOWLEDGE_DIR": str(folder), "LOTSE_PORT": "0"})
    assert (refused.code, refused.out) == (2, "")
    errors = [line for line in refused.err.splitlines() if ": error: " in line]
    for label, (place, _) in BREAK.items():
        assert any(place in line.split(": error: ")[0] for line in errors), f"{label}: {refused.err}"
    assert "Traceback" not in refused.err
    assert not (tmp_path / "data" / "lotse.db").exists()


def test_17_flows_without_their_articles_are_refused_too(tmp_path: Path) -> None:
    refused = program("run", folder=tmp_path, more={**MUSTERSTADT, "LOTSE_PORT": "0"})
    assert refused.code == 2
    assert "school.start shows the article 'school.absence'" in refused.err
    assert "waste.start shows the article 'waste.fines'" in refused.err


def test_one_lotse_runs_in_a_data_folder_and_stops_as_told(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "run"],
        cwd=tmp_path,
        env=environment(tmp_path, {"LOTSE_PORT": "0"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as running:
        assert running.stderr is not None
        assert running.stdout is not None
        try:
            ready = next(line for line in running.stderr if "is ready" in line)
            assert "http://127.0.0.1:" in ready
            beside = program("member", "add", "Anna", folder=tmp_path)
            assert beside.code == 0, "short commands may write beside it"
            restored = program("db", "restore", "copy.db", folder=tmp_path)
            assert restored.code == 2, "not while it is used"
            assert f"pid {running.pid}" in restored.err
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=60) == 0
        rest = running.stderr.read()
        assert "/desk/enter#" not in ready + rest, "a one-time link goes to a terminal only"
        assert running.stdout.read() == ""


# ---- members, database, doctor ----


def test_members_are_added_listed_and_removed_by_name(lotse: Lotse) -> None:
    added = lotse("member", "add", "Anna", "--languages", "de,ar", "--wake")
    assert added.code == 0
    code = next(line.split()[1] for line in added.out.splitlines() if line.strip().startswith("/join "))
    assert len(code) >= 16, "80 bits in base32"
    assert lotse("member", "list").out == "Anna · member · de ar · web desk only · is woken\n"
    assert lotse("member", "code", "Anna").out != added.out
    assert lotse("member", "add", "Anna").code == 1
    assert lotse("member", "remove", "Anna").code == 0
    assert lotse("member", "list").out == ""
    for arguments in (("member", "remove", "Anna"), ("member", "code", "Anna"), ("desk-link", "Anna")):
        said = lotse(*arguments)
        assert (said.code, said.out) == (1, "")
        assert "Anna" in said.err


def test_a_desk_link_is_for_a_member_and_carries_its_token_in_the_fragment(lotse: Lotse) -> None:
    lotse("member", "add", "Anna")
    links = {lotse("desk-link", "Anna", LOTSE_PUBLIC_URL="https://lotse.example/").out.split()[-1] for _ in range(2)}
    assert len(links) == 2
    assert all(link.startswith("https://lotse.example/desk/enter#") and len(link.split("#")[1]) >= 43 for link in links)


def test_a_backup_says_where_the_key_is_and_that_it_belongs_elsewhere(lotse: Lotse, tmp_path: Path) -> None:
    lotse("member", "add", "Anna")
    copy = tmp_path / "copy.db"
    said = lotse("db", "backup", str(copy))
    assert said.code == 0
    assert str(tmp_path / "data" / "secret.key") in said.out
    assert "another place" in said.out
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert b"Anna" not in copy.read_bytes(), "the copy is sealed"
    lotse("member", "remove", "Anna")
    assert lotse("db", "restore", str(copy)).code == 0
    assert lotse("member", "list").out.startswith("Anna")
    environment_key = lotse("db", "backup", str(tmp_path / "second.db"), LOTSE_SECRET_KEY="0" * 64)
    assert "LOTSE_SECRET_KEY" in environment_key.out


def test_the_database_that_is_used_is_the_one_copied_and_put_back(lotse: Lotse, tmp_path: Path) -> None:
    elsewhere = {"LOTSE_DATABASE_URL": f"sqlite:///{tmp_path / 'elsewhere.db'}"}
    assert lotse("db", "upgrade", **elsewhere).code == 0, "also as the first command of all"
    assert lotse("member", "add", "Anna", **elsewhere).code == 0
    lotse("member", "add", "Bert")
    copy = str(tmp_path / "copy.db")
    assert lotse("db", "backup", copy, **elsewhere).code == 0
    lotse("member", "remove", "Anna", **elsewhere)
    assert lotse("db", "restore", copy, **elsewhere).code == 0
    assert lotse("member", "list", **elsewhere).out.startswith("Anna")
    assert lotse("member", "list").out.startswith("Bert")


def test_a_copy_that_cannot_be_made_or_put_back_is_said_in_a_sentence(lotse: Lotse, tmp_path: Path) -> None:
    lotse("member", "add", "Anna")
    copy, junk = tmp_path / "copy.db", tmp_path / "junk.db"
    junk.write_text("no database")
    assert lotse("db", "backup", str(copy)).code == 0
    for arguments, word in (
        (("backup", str(copy)), "copy.db is already there"),
        (("backup", str(tmp_path / "no" / "copy.db")), "does not exist"),
        (("restore", str(tmp_path / "missing.db")), "does not exist"),
        (("restore", str(junk)), "nothing was changed"),
    ):
        said = lotse("db", *arguments)
        assert (said.code, said.out) == (1, ""), arguments
        assert word in said.err
    refused = lotse("db", "backup", str(tmp_path / "x.db"), LOTSE_DATABASE_URL="postgresql://localhost/x")
    assert refused.code == 2
    assert "pg_dump" in refused.err
    assert lotse("member", "list").out.startswith("Anna")


def test_another_key_than_the_databases_is_told_at_once(lotse: Lotse, tmp_path: Path) -> None:
    lotse("member", "add", "Anna")
    said = lotse("member", "list", LOTSE_SECRET_KEY="0" * 64)
    assert (said.code, said.out) == (2, "")
    assert "another key" in said.err
    (tmp_path / "data" / "secret.key").unlink()
    lost = lotse("member", "list")
    assert lost.code == 2
    assert "secret.key is missing" in lost.err


def test_doctor_looks_at_everything_and_says_how_to_mend_it(magdeburg: Lotse, tmp_path: Path) -> None:
    magdeburg("member", "list", **MUSTERSTADT)
    said = magdeburg("doctor", "--json")
    (looks,) = said.lines
    assert all(set(look) == {"what", "fine", "say"} for look in looks)
    assert {"data folder", "key file", "knowledge", "clock", "database", "staff", "telegram"} <= {
        look["what"] for look in looks
    }
    assert said.code == 0, looks
    (tmp_path / "data" / "secret.key").chmod(0o644)
    readable = magdeburg("doctor", LOTSE_HOST="0.0.0.0", **MUSTERSTADT)
    assert readable.code == 1
    assert "chmod 600" in readable.out
    assert "privacy" in readable.out
    assert "LOTSE_PUBLIC_URL" in readable.out
    away = magdeburg("doctor", LOTSE_DATABASE_URL="postgresql://user:hidden@127.0.0.1:1/x", **MUSTERSTADT)
    assert away.code == 1
    assert "LOTSE_DATABASE_URL" in away.out
    assert "hidden" not in away.out


def test_the_state_of_the_texts_is_one_line_a_language(lotse: Lotse) -> None:
    said = lotse("translations", "status")
    assert [line.split() for line in said.out.splitlines()[1:]] == [
        ["de", "0", "2", "0", "0"],
        ["en", "0", "1", "0", "1"],
        ["ar", "0", "2", "0", "0"],
        ["uk", "1", "0", "0", "1"],
    ]


def test_the_version_is_said(lotse: Lotse) -> None:
    assert lotse("--version").out.startswith("lotse ")
