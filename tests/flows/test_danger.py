"""Words of danger: what brings the numbers first, and the harmless neighbours that must not."""

# ruff: noqa: E501 - one row of a table is one line

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.core.conversation import Conversation
from flows.core.danger import build_alarm, danger
from flows.core.effects import SendMessage
from flows.core.engine import step
from flows.core.events import Address, MessageReceived
from flows.core.knowledge import Finding, Hit, Knowledge
from flows.core.phrases import OfficeView
from flows.core.search import find
from tests.talk import NOON

ALARM = build_alarm(
    {
        "de": {
            "crisis.violence": ["mann schlägt mich", "werde bedroht"],
            "crisis.suicide": ["will sterben", "umbring*"],
            "crisis.child": ["schlägt mein kind"],
        },
        "en": {"crisis.violence": ["hits me"]},
        "ar": {"crisis.violence": ["زوجي يضربني"], "crisis.homeless": ["بدون بيت"]},
        "uk": {"crisis.violence": ["чоловік мене б'є"]},
    }
)


@pytest.mark.parametrize(
    ("label", "typed", "articles"),
    [
        ("the phrase itself", "Mann schlägt mich", ("crisis.violence",)),
        ("inside a sentence", "Hilfe! Mein Mann schlägt mich seit Jahren.", ("crisis.violence",)),
        ("two other words between", "Mein Mann schlägt oft nachts mich", ("crisis.violence",)),
        ("three other words between", "Mein Mann schlägt fast jede Nacht mich", ()),
        ("another order", "Mich schlägt mein Mann", ()),
        ("a word is missing", "Mein Mann schlägt", ()),
        ("the sentence ends between", "Mein Mann schlägt! Mich ärgert der Regen.", ()),
        ("the sentence ends between with a full stop", "Mein Mann schlägt. Mich ärgert der Regen.", ()),
        ("a pause of dots between", "Mein Mann schlägt... mich", ("crisis.violence",)),
        ("a line ends between", "Mein Mann\nschlägt mich", ("crisis.violence",)),
        ("a short form between", "Mein Mann schlägt ca. täglich mich", ("crisis.violence",)),
        ("umlaut written out", "mann SCHLAEGT mich", ("crisis.violence",)),
        ("one mistake in a long word", "mann shclägt mich", ("crisis.violence",)),
        ("two mistakes in a long word", "mann shcläkt mich", ()),
        ("a mistake in a short word", "mann schlägt mivh", ()),
        ("any ending after the star", "ich könnte mich umbringen", ("crisis.suicide",)),
        ("another ending after the star", "er bringt sich um, Umbringerei", ("crisis.suicide",)),
        ("another beginning before the star", "das Schiff kann man herumbringen", ()),
        ("the article with most phrases first", "Werde bedroht, Mann schlägt mich, will sterben", ("crisis.violence", "crisis.suicide")),
        ("a first word again before the rest", "Mann, Mann, Mann, er, mein Mann, schlägt mich", ("crisis.violence",)),
        ("whatever the language of the menu", "he hits me", ("crisis.violence",)),
        ("Arabic", "زوجي يضربني كل يوم", ("crisis.violence",)),
        ("Arabic with 'and' written onto it", "وزوجي يضربني", ("crisis.violence",)),
        ("Arabic with an article written onto it", "نحن بدون البيت", ("crisis.homeless",)),
        ("Arabic with vowel marks", "زَوْجِي يَضْرِبُنِي", ("crisis.violence",)),
        ("Ukrainian with another apostrophe", "чоловік мене б’є", ("crisis.violence",)),
        ("Ukrainian without an apostrophe", "мій чоловік щодня мене бє", ("crisis.violence",)),
        ("nothing", "", ()),
        ("no letters", "😭😭😭", ()),
    ],
)  # fmt: skip
def test_a_phrase_is_found_where_its_words_stand_in_order_and_close(
    label: str, typed: str, articles: tuple[str, ...]
) -> None:
    assert danger(ALARM, typed) == articles, label


SHORT = build_alarm(
    {
        "de": {"crisis.violence": ["mann|freund schlägt|haut mich", "schläg* mich", "!schlägt mich nicht", "!schlägt eier"]},
        "ar": {"crisis.violence": ["زوجي يضربني", "!لا يضربني", "baddi|biddi mout"]},
        "fa": {"crisis.violence": ["شوهرم منو میزنه", "!نمیزنه"]},
        "uk": {"crisis.violence": ["чоловік мене б'є"], "crisis.suicide": ["не хочу жити"]},
        "ru": {"crisis.suicide": ["не хочу жить", "насил*"]},
        "sr": {"crisis.violence": ["muž me bije", "!muž me ne bije"], "crisis.homeless": ["nemam gde da spavam|prenoćim"]},
        "fr": {"crisis.child": ["beau-père|oncle me touche"]},
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("label", "typed", "articles"),
    [
        ("any of several words", "mein freund haut mich", ("crisis.violence",)),
        ("none of the several words", "mein onkel hat mich", ()),
        ("one of several words is written as two", "mon beau-père me touche", ("crisis.child",)),
        ("the other is one word", "mon oncle me touche", ("crisis.child",)),
        ("harmless: hidden", "mein Mann schlägt mich nicht", ()),
        ("harmless words do not hide others", "er schlägt mich nicht heute, aber gestern schlägt mich der freund", ("crisis.violence",)),
        ("harmless words with one between hide nothing", "mein Mann schlägt mich, ich kann nicht", ("crisis.violence",)),
        ("a mistake does not make a word harmless", "شوهرم منو میزنه", ("crisis.violence",)),
        ("Arabic by ear", "zawji yadribni kel yom", ("crisis.violence",)),
        ("Arabic by ear, harmless", "zawji la yadribni", ()),
        ("Arabic in Latin letters as it is written", "biddi mout", ("crisis.violence",)),
        ("Persian by ear", "shoharam mano mizane", ("crisis.violence",)),
        ("Persian by ear, harmless", "shoharam mano nemizane", ()),
        ("Ukrainian by ear", "cholovik mene bye", ("crisis.violence",)),
        ("Russian by ear", "ja ne hochu zhit", ("crisis.suicide",)),
        ("a short word alone is not heard", "bu nasıl yapılır", ()),
        ("Serbian in Cyrillic letters", "муж ме бије", ("crisis.violence",)),
        ("Serbian in Cyrillic letters, two letters as one", "немам где да преноћим", ("crisis.homeless",)),
        ("Serbian in Cyrillic letters, harmless", "муж ме не бије", ()),
    ],
)  # fmt: skip
def test_several_words_harmless_words_and_other_letters(label: str, typed: str, articles: tuple[str, ...]) -> None:
    assert danger(SHORT, typed) == articles, label


@given(st.text())
def test_whatever_is_typed_is_only_ever_read(text: str) -> None:
    assert set(danger(ALARM, text)) <= {"crisis.violence", "crisis.suicide", "crisis.child", "crisis.homeless"}


@given(st.sampled_from(["bedroht", "umbringen", "verletzt", "يضربني"]), st.data())
def test_any_single_typing_mistake_in_a_long_word_is_forgiven_and_in_a_short_one_none(
    word: str, data: st.DataObject
) -> None:
    alarm = build_alarm({"de": {"crisis.violence": [word], "crisis.child": ["kind"]}})
    at = data.draw(st.integers(1, len(word) - 1))
    letter = data.draw(st.sampled_from("bcxyzيض"))  # an a, o or u would swallow an e after it
    for typed in (
        word[:at] + letter + word[at:],
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
        word[1:],
        letter + word[1:],
    ):
        assert danger(alarm, f"ich {typed} heute") == ("crisis.violence",), typed
    assert danger(alarm, "kidn kinnd kin rind") == ()


@given(
    st.sampled_from(["mann schlägt mich", "زوجي يضربني", "will sterben"]), st.text(max_size=30), st.text(max_size=30)
)
def test_words_before_and_after_never_hide_a_phrase(phrase: str, before: str, after: str) -> None:
    assert danger(ALARM, f"{before} {phrase} {after}")


DANGER = {
    "de": "Mein Mann schlägt mich",
    "en": "My husband is beating me",
    "ar": "زوجي يضربني",
    "uk": "Мій чоловік мене б'є",
}


@pytest.mark.parametrize("menu", ["", "de", "en", "ar", "uk"])
@pytest.mark.parametrize("language", DANGER)
def test_13_words_of_danger_are_known_under_every_menu(knowledge: Knowledge, language: str, menu: str) -> None:
    finding = find(knowledge, DANGER[language], menu)
    assert finding.decision == "crisis"
    assert finding.hits[0].article == "crisis.violence"


@pytest.mark.parametrize(
    "harmless",
    [
        "Der Brief hat mich erschlagen, so lang ist er",
        "Mein Mann schlägt vor, dass wir umziehen",
        "Wo kann mein Kind Schlagzeug lernen?",
        "Wohin mit meinem alten Sofa?",
        "Die Nachbarn sind laut, ich kann nicht schlafen",
        "My husband looks for work",
        "How do I register my child for school?",
        "هل يمكن أن يضرب الجرس في المدرسة",
        "أين أرمي الأريكة القديمة؟",
        "Куди подіти старий диван?",
        "Мій чоловік шукає роботу",
    ],
)
def test_13_harmless_words_bring_no_numbers(knowledge: Knowledge, harmless: str) -> None:
    assert find(knowledge, harmless, "").decision != "crisis"


def test_13_every_crisis_article_is_reached_by_words_in_every_language_of_the_town(knowledge: Knowledge) -> None:
    articles = {id for id in knowledge.articles if id.startswith("crisis.")}
    assert len(articles) >= 4
    for language in knowledge.town.languages:
        assert set(knowledge.crisis_words[language]) >= articles, language


def test_13_each_phrase_of_the_lists_finds_its_own_article(knowledge: Knowledge) -> None:
    for language, lists in knowledge.crisis_words.items():
        for article, phrases in lists.items():
            for phrase in phrases:
                if phrase.startswith("!"):
                    continue
                words = [word.replace("*", "").split("|") for word in phrase.split()]
                for pick in (0, -1):
                    said = " ".join(alternatives[pick] for alternatives in words)
                    assert article in danger(knowledge.index.alarm, said), f"{language}: {phrase}: {said}"


def test_13_each_harmless_phrase_alone_is_no_alarm(knowledge: Knowledge) -> None:
    for language, lists in knowledge.crisis_words.items():
        for phrases in lists.values():
            for phrase in phrases:
                if phrase.startswith("!"):
                    said = " ".join(word.replace("*", "").split("|")[0] for word in phrase[1:].split())
                    assert danger(knowledge.index.alarm, said) == (), f"{language}: {phrase}: {said}"


def test_13_where_danger_is_in_doubt_the_numbers_stand_above_what_is_offered(knowledge: Knowledge) -> None:
    hits = tuple(Hit(article=id, score=0.3, language="de") for id in ("noise.complain", "crisis.violence"))

    def doubtful(_knowledge: Knowledge, _text: str, _language: str) -> Finding:
        return Finding(decision="choose", hits=hits, language="de")

    address = Address(channel="web", peer="person")
    event = MessageReceived(id="1", at=NOON, source=address, text="oben schreit wieder jemand", message="1")
    _, effects = step(Conversation(address=address, language="de"), event, knowledge, doubtful)
    [said] = [effect.message for effect in effects if isinstance(effect, SendMessage)]
    offices = [part.office.id for part in said.parts if isinstance(part, OfficeView)]
    assert offices[0] == "notruf-110"
    assert [choice.id for choice in said.choices[:2]] == ["article:noise.complain", "article:crisis.violence"]
