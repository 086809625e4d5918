"""A second town is a folder: a fictional one runs through the same flows, as far as its articles go, with one code."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
from pathlib import Path

import pytest

from bot.catalogs import Catalogs
from bot.content import load_knowledge, read_content
from bot.settings import ROOT
from flows import FLOWS
from flows.core import inspect
from flows.core.knowledge import Knowledge
from flows.core.search import build_index
from tests.flows.test_transcripts import DANGER, LANGUAGES, QUESTIONS, STORIES, play
from tests.lotse import SMALL, Lotse, in_process
from tests.talk import Talk

TOWN = "musterstadt"
DAY = dt.date(2026, 11, 24)


def in_the_making(folder: Path) -> Path:
    """A copy of the small town that says of itself that it is not finished."""
    made = Path(shutil.copytree(SMALL, folder / "knowledge"))
    town = made / "towns" / TOWN / "town.toml"
    town.write_text("unfinished = true\n" + town.read_text(encoding="utf-8"), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return in_the_making(tmp_path_factory.mktemp("second"))


@pytest.fixture(scope="module")
def musterstadt(folder: Path) -> Knowledge:
    loaded = load_knowledge(folder, TOWN)
    return dataclasses.replace(loaded, index=build_index(loaded))


def choices(talk: Talk, *steps: str) -> list[str]:
    """The ids offered after the last of these presses."""
    said = []
    for step in steps:
        said = talk.presses(step)
    return [button.id for message in said for button in message.choices]


# ---- the flows ----


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", STORIES)
def test_every_conversation_of_the_first_town_can_be_had_in_the_second(
    name: str, language: str, musterstadt: Knowledge, catalogs: Catalogs
) -> None:
    said = play(STORIES[name], language, musterstadt, catalogs)
    assert len(said.splitlines()) > len(STORIES[name])
    assert "Magdeburg" not in said
    assert "{" not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_way_to_bulky_waste_is_the_same_and_ends_at_this_towns_door(
    language: str, musterstadt: Knowledge, catalogs: Catalogs
) -> None:
    said = play(STORIES["waste-bulky"], language, musterstadt, catalogs)
    assert "Am Hafen 3" in said
    assert "Wertstoffhof Musterstadt" in said.rsplit("\n> ", 1)[1]
    found = Talk(musterstadt, catalogs)
    found.presses(f"language:{language}")
    assert "03999 5404717" in found.writes(QUESTIONS[language][0])[-1].text


def test_an_option_whose_article_is_missing_is_not_offered(musterstadt: Knowledge, catalogs: Catalogs) -> None:
    talk = Talk(musterstadt, catalogs)
    talk.presses("language:de")
    assert choices(talk, "topic:waste") == ["waste.start:bulky", "waste.start:where", "human", "menu"]
    assert choices(talk, "waste.start:where") == ["waste.where:bulky", "back", "human", "menu"]
    assert choices(talk, "waste.where:bulky") == ["waste.bulky:pick-up", "back", "human", "menu"]
    assert choices(talk, "topic:noise") == ["noise.start:quiet", "human", "menu"]


def test_a_flow_with_nothing_to_offer_is_not_entered_by_button_or_by_name(
    musterstadt: Knowledge, catalogs: Catalogs
) -> None:
    for enter in ("topic:school", "topic:jobcenter"):
        talk = Talk(musterstadt, catalogs)
        talk.presses("language:de")
        offered = choices(talk, enter)
        assert talk.conversation.flow not in FLOWS
        assert offered == ["menu", "human"]
    knowledge = dataclasses.replace(musterstadt, words={**musterstadt.words, "topic:school": ("schule",)})
    talk = Talk(knowledge, catalogs)
    talk.presses("language:de")
    talk.writes("Schule")
    assert talk.conversation.flow not in FLOWS, "the word is a question like any other"


def test_a_button_of_another_release_whose_article_is_missing_says_so(
    musterstadt: Knowledge, catalogs: Catalogs
) -> None:
    talk = Talk(musterstadt, catalogs)
    talk.presses("language:de")
    for pressed in ("school.start:duty", "school.age:of-age", "jobcenter.letter:decision", "waste.start:yard"):
        offered = choices(talk, pressed)
        assert "human" in offered, pressed
    talk.presses("school.start:duty")
    assert "human" in [button.id for message in talk.writes("7") for button in message.choices]


def test_in_the_first_town_everything_is_offered(knowledge: Knowledge) -> None:
    assert not knowledge.town.unfinished
    assert inspect.lacking(FLOWS, knowledge) == []
    for flow in FLOWS.values():
        for node in flow.nodes:
            assert all(inspect.is_open(FLOWS, flow.name, to, knowledge) for to in node.targets)


# ---- the check ----


def sentences(folder: Path, town: str) -> dict[str, str]:
    """What `lotse check` says of the town's content: sentence → severity."""
    return {problem.sentence: problem.severity for problem in read_content(folder, town, DAY)[1]}


def test_what_a_town_in_the_making_lacks_is_told_as_warnings(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lotse: Lotse = in_process(tmp_path, monkeypatch, capsys)
    said = lotse("check", LOTSE_KNOWLEDGE_DIR=str(folder), LOTSE_TOWN=TOWN)
    assert said.code == 0
    assert "waste.py: warning: the flow waste shows waste.fines, which this town lacks" in said.out
    assert "school.py: warning: the flow school has nothing to offer and is not entered" in said.out
    assert "the flow noise has nothing to offer" not in said.out
    assert "\n0 errors, " in said.out


def test_an_article_for_all_towns_waits_for_the_offices_and_facts_it_cites(tmp_path: Path) -> None:
    folder = in_the_making(tmp_path)
    town = folder / "towns" / TOWN
    directory = (town / "directory.toml").read_text(encoding="utf-8")
    (town / "directory.toml").write_text(directory.replace('id = "yard"', 'id = "depot"'), encoding="utf-8")
    toml = (town / "town.toml").read_text(encoding="utf-8")
    (town / "town.toml").write_text(toml.replace('office = "yard"\n', ""), encoding="utf-8")
    found = sentences(folder, TOWN)
    assert set(found.values()) == {"warning"}
    assert (
        "waste.bulky is not shown; it needs the office yard, {{address:yard}}, {{hours:yard}}, {{phone:yard}}" in found
    )
    assert "the topic waste has no article that can be shown, so the menu lacks it" in found
    knowledge = load_knowledge(folder, TOWN)
    assert list(knowledge.articles) == ["noise.quiet-hours"]
    assert knowledge.town.menu == ("noise",)
    (town / "town.toml").write_text(toml.replace("unfinished = true\n", ""), encoding="utf-8")
    assert sentences(folder, TOWN)["unknown office: yard"] == "error", "in a finished town it is an error"


def test_what_the_towns_own_files_say_wrongly_stays_an_error(tmp_path: Path) -> None:
    folder = in_the_making(tmp_path)
    own = folder / "towns" / TOWN / "articles" / "noise" / "quiet-hours" / "article.toml"
    own.write_text(own.read_text(encoding="utf-8").replace('"watch"', '"wacht"'), encoding="utf-8")
    assert sentences(folder, TOWN)["unknown office: wacht"] == "error"


# ---- a new town ----


@pytest.fixture
def lotse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lotse:
    return in_process(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("content", [SMALL, ROOT / "knowledge"], ids=["small", "released"])
@pytest.mark.parametrize(
    ("name", "id"), [("Neustadt", "neustadt"), ('Bad  "Süd" an der Müritz', "bad-sued-an-der-mueritz")]
)
def test_a_new_town_has_no_errors_and_everything_it_lacks_is_told(
    lotse: Lotse, tmp_path: Path, content: Path, name: str, id: str
) -> None:
    folder = Path(shutil.copytree(content, tmp_path / "knowledge"))
    made = lotse("new-town", name, LOTSE_KNOWLEDGE_DIR=str(folder))
    assert made.code == 0, made.err
    assert f"LOTSE_TOWN={id} lotse check" in made.out
    checked = lotse("check", LOTSE_KNOWLEDGE_DIR=str(folder), LOTSE_TOWN=id)
    assert checked.code == 0, checked.out
    assert "\n0 errors, " in checked.out
    for missing in (
        "no office is there yet", "no quarter is there yet", "no amount, deadline or time is there yet",
        "[operator] name is missing", "[operator] office is missing", "[staff] hours is missing",
        "subdivision is missing", "privacy.de.md: warning: is missing", "the flow waste shows waste.bulky",
    ):  # fmt: skip
        assert missing in checked.out, missing
    assert load_knowledge(folder, id).town.name == " ".join(name.split())


def test_the_examples_of_a_new_town_are_right(lotse: Lotse, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SMALL, tmp_path / "knowledge"))
    lotse("new-town", "Neustadt", LOTSE_KNOWLEDGE_DIR=str(folder))
    for path in (folder / "towns" / "neustadt").glob("*.toml"):
        if path.name == "town.toml":
            continue
        lines = path.read_text(encoding="utf-8").split("\n")
        example = [line.removeprefix("# ") if " = " in line or line.startswith("# [[") else line for line in lines]
        path.write_text("\n".join(example).replace('neighbours = ["Neustadt"]', "neighbours = []"), encoding="utf-8")
    knowledge, problems = read_content(folder, "neustadt", DAY)
    assert [str(problem) for problem in problems if problem.severity == "error"] == []
    assert knowledge is not None
    assert list(knowledge.offices) == ["town-hall"]
    assert [district.name for district in knowledge.districts] == ["Altstadt"]
    assert list(knowledge.amounts) + list(knowledge.deadlines) + list(knowledge.times) == [
        "waste.bulky.fee", "jobcenter.objection", "noise.night",
    ]  # fmt: skip


def test_a_town_that_is_there_or_cannot_be_named_is_refused(lotse: Lotse, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SMALL, tmp_path / "knowledge"))
    before = sorted(path.as_posix() for path in folder.rglob("*"))
    for name in ("Musterstadt", " ", "…"):
        refused = lotse("new-town", name, LOTSE_KNOWLEDGE_DIR=str(folder))
        assert (refused.code, refused.out) == (2, "")
        assert refused.err
    assert sorted(path.as_posix() for path in folder.rglob("*")) == before


def test_13_a_town_without_an_answer_to_danger_speaks_to_nobody_yet(lotse: Lotse, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ROOT / "knowledge", tmp_path / "knowledge"))
    town = {"LOTSE_KNOWLEDGE_DIR": str(folder), "LOTSE_TOWN": "neustadt", "LOTSE_PORT": "0"}
    lotse("new-town", "Neustadt", **town)
    refused = lotse("run", **town)
    assert (refused.code, refused.out) == (2, "")
    for article in ("crisis.violence", "crisis.suicide", "crisis.child", "crisis.homeless"):
        assert f"{article} is missing: before anybody is answered" in refused.err
    tried = lotse("chat", "--json", "--lang", "de", typed=f"{DANGER['de']}\n", **town)
    assert tried.code == 0
    assert "human" in [choice["id"] for choice in tried.messages[-1]["choices"]]
