"""Splitting, escaping and buttons: what a rendered message becomes on Telegram."""

from __future__ import annotations

import pytest
from bot_api_text import parsed
from hypothesis import given
from hypothesis import strategies as st

from bot.channels import telegram_text
from bot.channels.telegram_text import MESSAGE_UNITS, to_parts, to_rows, units
from flows.core.delivery import Button, RenderedMessage, RichBlock, RichSpan

INVISIBLE = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069\u200f"))


def block(*spans: RichSpan | str, kind: str = "paragraph", number: int | None = None) -> RichBlock:
    made = tuple(RichSpan(text=s) if isinstance(s, str) else s for s in spans)
    return RichBlock(kind=kind, spans=made, number=number)  # type: ignore[arg-type]


def message(
    *blocks: RichBlock, language: str = "de", choices: tuple[Button, ...] = (), text: str = ""
) -> RenderedMessage:
    return RenderedMessage(
        text=text or "\n\n".join(b.text for b in blocks), blocks=blocks, choices=choices, language=language
    )


SHOWN = {
    "a paragraph": (block("Hallo"), "Hallo"),
    "what looks like HTML": (block("<b>1 < 2 & 3 > 2</b>"), "&lt;b&gt;1 &lt; 2 &amp; 3 &gt; 2&lt;/b&gt;"),
    "bold": (block("Das ist ", RichSpan(text="wichtig", bold=True)), "Das ist <b>wichtig</b>"),
    "a heading": (block("Sperrmüll", kind="heading"), "<b>Sperrmüll</b>"),
    "a point": (block("Ausweis", kind="bullet"), "• Ausweis"),
    "a number": (block("Anrufen", kind="number", number=2), "2. Anrufen"),
    "a link": (block(RichSpan(text="Amt", url="https://a.de/?x=1&y=2")), '<a href="https://a.de/?x=1&amp;y=2">Amt</a>'),
    "a quote in a link": (block(RichSpan(text="A", url='https://a.de/"')), '<a href="https://a.de/&quot;">A</a>'),
    "a link of another kind": (block(RichSpan(text="A", url="javascript:alert(1)")), "A"),
    "controls": (block("a\x00b\x1bc\ud83d"), "abc"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_block_is_shown_as_in_the_table(name: str) -> None:
    shown, html = SHOWN[name]
    assert to_parts(message(shown)) == (html,)


def test_points_of_a_list_stand_together_and_paragraphs_apart() -> None:
    blocks = (block("Mit:"), block("a", kind="bullet"), block("b", kind="bullet"), block("Ende"))
    assert to_parts(message(*blocks)) == ("Mit:\n\n• a\n• b\n\nEnde",)


def test_nothing_to_say_is_no_message() -> None:
    assert to_parts(message()) == ()


def test_a_long_message_is_cut_between_paragraphs() -> None:
    paragraphs = [f"{n}: " + "Wort " * 200 for n in range(12)]
    parts = to_parts(message(*map(block, paragraphs)))
    assert len(parts) == 3
    assert all(part.split(":")[0].isdigit() and part.endswith("Wort") for part in parts)


def test_bold_goes_on_in_the_next_part() -> None:
    parts = to_parts(message(block(RichSpan(text="Wort " * 1500, bold=True))))
    assert len(parts) == 2
    assert all(part.startswith("<b>") and part.endswith("</b>") for part in parts)


def test_a_character_of_two_units_is_weighed_as_two() -> None:
    parts = to_parts(message(block("😀" * 3000)))
    assert [units(part) <= MESSAGE_UNITS for part in parts] == [True, True]
    assert "".join(parts) == "😀" * 3000


def test_a_family_of_joined_characters_is_not_torn_apart() -> None:
    family = "👨‍👩‍👧‍👦"
    parts = to_parts(message(block(family * 700)))
    assert len(parts) > 1
    assert all(len(part) % len(family) == 0 for part in parts)


def test_a_number_in_arabic_keeps_its_isolate_in_both_parts() -> None:
    parts = to_parts(message(block("\u2068" + "0391 5401 " * 600 + "\u2069"), language="ar"))
    assert len(parts) == 2
    for part in parts:
        assert part.count("\u2068") == part.count("\u2069") == 1


def test_a_line_that_begins_with_a_sign_runs_right_to_left_in_arabic() -> None:
    (part,) = to_parts(message(block("هاتف", kind="bullet"), block("هاتف"), language="ar"))
    assert part == "\u200f• هاتف\n\nهاتف"


texts = st.text(
    st.sampled_from("ab <>&\"'\n.!؟ابت😀\u2068\u2069\u200d👩é1") | st.characters(), min_size=0, max_size=120
)
spans = st.builds(RichSpan, text=texts, bold=st.booleans(), url=st.none() | st.just("https://a.de/?a=1&b=2") | texts)
blocks = st.builds(
    RichBlock,
    kind=st.sampled_from(["paragraph", "bullet", "number", "heading", "small"]),
    spans=st.lists(spans, max_size=3).map(tuple),
    number=st.just(1),
)


@given(st.lists(blocks, max_size=5), st.sampled_from(["de", "ar"]), st.integers(30, 200))
def test_every_part_is_whole_html_that_fits_and_no_word_is_lost(
    made: list[RichBlock], language: str, limit: int
) -> None:
    parts = [parsed(part, "HTML").text for part in to_parts(message(*made, language=language), limit)]
    assert all(len(part.encode("utf-16-le")) // 2 <= limit for part in parts)
    whole = to_parts(message(*made, language=language), 10**9)
    said = "".join(parsed(part, "HTML").text for part in whole)
    assert _letters("".join(parts)) == _letters(said)


@given(st.lists(blocks, max_size=5))
def test_what_fits_is_written_as_the_cutting_would_write_it(made: list[RichBlock]) -> None:
    shown = message(*made)
    laid = telegram_text._laid_out(shown)
    assert to_parts(shown, 10**9) == ((telegram_text._html(laid),) if telegram_text._visible(laid) else ())


def _letters(text: str) -> str:
    return "".join(text.translate(INVISIBLE).split())


def test_short_labels_share_a_row_and_long_ones_stand_alone() -> None:
    labels = ["Ja", "Nein", "Mit einem Menschen sprechen", "Themen", "Zurück", "Müll"]
    rows = to_rows([Button(id=str(n), label=label) for n, label in enumerate(labels)])
    assert [[b.label for b in row] for row in rows] == [
        ["Ja", "Nein"],
        ["Mit einem Menschen sprechen"],
        ["Themen", "Zurück"],
        ["Müll"],
    ]
