"""From words without a language to a message every channel can show.

The order within a message is its parts' order; numbered choices come last where there are no buttons. In crisis
messages nothing stands between the person and the numbers: every notice comes at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from bot import formats, hours
from bot.catalogs import Catalogs
from bot.languages import LANGUAGES
from flows.core.delivery import Button, Capabilities, RenderedMessage, RichBlock, RichSpan
from flows.core.knowledge import Block, Office, Source
from flows.core.limits import LABEL_CHARACTERS
from flows.core.phrases import (
    ArticleView,
    Choice,
    Fact,
    Footer,
    InLanguage,
    Message,
    OfficeView,
    Part,
    Phrase,
    Title,
    Verbatim,
    counted,
    phrase,
)

NOTICES = ("fallback", "outdated", "draft")
"""What can be said about a text, in the order in which it is said."""

__all__ = ["NOTICES", "Capabilities", "Catalogs", "render"]


def render(message: Message, language: str, catalogs: Catalogs, can: Capabilities) -> RenderedMessage:
    """The message in its own language, or in `language` where it names none.

    KeyError names a phrase or a value that is missing; `Catalogs.load` refuses to start with one.
    """
    spoken = message.language or language
    return _Renderer(spoken, catalogs).render(message, can)


def plain(blocks: Iterable[RichBlock], language: str) -> str:
    """The blocks as text for a terminal: lists with •, links with their address in brackets."""
    text = ""
    previous: RichBlock | None = None
    for block in blocks:
        line = "".join(_plain_span(span, language) for span in block.spans)
        if block.kind == "bullet":
            line = f"• {line}".replace("\n", "\n  ")
        elif block.kind == "number":
            line = f"{block.number}. {line}"
        if previous is not None:
            together = block.kind == previous.kind and block.kind in ("bullet", "number", "small")
            text += "\n" if together else "\n\n"
        text += line
        previous = block
    return text


def _plain_span(span: RichSpan, language: str) -> str:
    if span.url is None or span.url == span.text.strip(formats.FSI + formats.PDI):
        return span.text
    return f"{span.text} ({formats.isolate(span.url, language)})"


class _Renderer:
    def __init__(self, language: str, catalogs: Catalogs) -> None:
        self._language = language
        self._catalogs = catalogs
        self._late: list[str] = []  # sentences that stand at the end of a crisis message

    def render(self, message: Message, can: Capabilities) -> RenderedMessage:
        blocks: list[RichBlock] = []
        if message.discreet and message.parts and isinstance(message.parts[0], ArticleView):
            blocks.append(_paragraph(self._say(phrase("render.discreet"))))
        for part in message.parts:
            blocks += self._part(part, message.crisis)
        blocks += map(_small, dict.fromkeys(self._late))
        choices = tuple(Button(id=choice.id, label=self._label(choice)) for choice in message.choices)
        if not can.buttons:
            blocks += [
                RichBlock(kind="number", number=n, spans=(RichSpan(text=button.label),))
                for n, button in enumerate(choices, 1)
            ]
        said = {n for part in message.parts if isinstance(part, ArticleView) for n in self._notices(part)}
        return RenderedMessage(
            text=plain(blocks, self._language),
            blocks=tuple(blocks),
            choices=choices,
            language=self._language,
            article=message.article,
            notices=tuple(notice for notice in NOTICES if notice in said),
            crisis=message.crisis,
            discreet=message.discreet,
        )

    # ---- parts ----

    def _part(self, part: Part, crisis: bool) -> Iterator[RichBlock]:
        match part:
            case Phrase():
                yield _paragraph(self._say(part))
            case InLanguage():
                yield _paragraph(self._catalogs.text(part.language, part.phrase))
            case Verbatim():
                yield _paragraph(self._verbatim(part))
            case Title():
                said = self._say(part.phrase) if isinstance(part.phrase, Phrase) else self._verbatim(part.phrase)
                yield RichBlock(kind="heading", spans=(RichSpan(text=said, bold=True),))
            case ArticleView():
                yield from self._article(part, crisis or part.crisis)
            case OfficeView():
                yield self._office(part)

    def _article(self, view: ArticleView, crisis: bool) -> Iterator[RichBlock]:
        notices = [(notice, self._notice(notice, view)) for notice in self._notices(view)]
        early = [sentence for notice, sentence in notices if notice == "fallback" and not crisis]
        late = [sentence for notice, sentence in notices if notice != "fallback" or crisis]
        yield from map(_small, early)
        yield RichBlock(kind="heading", spans=(RichSpan(text=view.title, bold=True),))
        written = self._in(view.text.language)
        for block in view.blocks:
            yield RichBlock(kind=block.kind, number=block.number, spans=tuple(written._spans(block, view.facts)))
        if crisis:
            self._late += late
        else:
            yield from map(_small, late)
        if view.footer is not None:
            yield from self._footer(view.footer, crisis)

    def _in(self, language: str) -> _Renderer:
        """Facts in a text of another language are written in that language, where the bot has a voice in it."""
        if language == self._language or language not in self._catalogs.languages:
            return self
        return _Renderer(language, self._catalogs)

    def _notices(self, view: ArticleView) -> tuple[str, ...]:
        """What must be said about the text; another language is said even where the view does not know it."""
        said = {*view.notices, *(("fallback",) if view.text.language != self._language else ())}
        return tuple(notice for notice in NOTICES if notice in said)

    def _notice(self, notice: str, view: ArticleView) -> str:
        match notice:
            case "fallback":
                name = LANGUAGES[view.text.language].name
                return self._say(phrase("render.notice.fallback", language=name))
            case "outdated":
                return self._say(phrase("render.notice.outdated"))
        return self._say(phrase("render.notice.draft"))

    def _footer(self, footer: Footer, crisis: bool) -> Iterator[RichBlock]:
        if footer.offices:
            heading = self._say(phrase("render.offices"))
            yield RichBlock(kind="heading", spans=(RichSpan(text=heading, bold=True),))
            yield from map(self._office, footer.offices)
        checked = self._say(phrase("render.checked", date=footer.checked_on))
        if footer.overdue:
            checked = f"{checked} {self._say(phrase('render.overdue'))}"
        yield _small(checked)
        if footer.sources and crisis:
            yield _small(f"{self._say(phrase('render.sources'))} {self._hosts(footer.sources)}")
        elif footer.sources:
            yield RichBlock(kind="small", spans=tuple(self._sources(footer.sources)))

    def _sources(self, sources: Iterable[Source]) -> Iterator[RichSpan]:
        lead = self._say(phrase("render.sources"))
        for source in sources:
            yield RichSpan(text=f"{lead} ")
            lead = " ·"
            if "://" in source.url:
                host = urlsplit(source.url).hostname or source.url
                yield RichSpan(text=self._isolate(host), url=source.url)
            else:
                yield RichSpan(text=self._isolate(source.url))
            yield RichSpan(text=f" ({self._as_of(source.as_of)})")

    def _hosts(self, sources: Iterable[Source]) -> str:
        """The sources in one line, each house once: who needs help now reads numbers, not addresses."""
        names = (urlsplit(s.url).hostname or s.url if "://" in s.url else s.url for s in sources)
        return " · ".join(self._isolate(name) for name in dict.fromkeys(names))

    def _office(self, view: OfficeView) -> RichBlock:
        """A list item: the name, then a line each for the place, the phone, the times and the page."""
        spans = [RichSpan(text=self._isolate(view.office.name), bold=True)]
        for line in self._office_lines(view.office, view.stale):
            spans += [RichSpan(text="\n"), line]
        return RichBlock(kind="bullet", spans=tuple(spans))

    def _office_lines(self, office: Office, stale: bool) -> Iterator[RichSpan]:
        if stale:
            yield RichSpan(text=self._say(phrase("render.office.call-first")))
        if office.place:
            yield RichSpan(text=self._isolate(office.place))
        if office.phone:
            yield RichSpan(text=self._say(phrase("render.office.phone", phone=office.phone)))
        if office.hours and not stale:
            times = hours.describe(office.hours, self._language, self._catalogs)
            yield RichSpan(text=self._fill("render.office.hours", hours=times))
        if office.web:
            yield RichSpan(text=self._isolate(office.web), url=office.web)
        elif office.email and not office.phone:
            yield RichSpan(text=self._isolate(office.email))

    # ---- facts ----

    def _spans(self, block: Block, facts: Mapping[tuple[str, str], Fact]) -> Iterator[RichSpan]:
        for span in block.spans:
            if span.fact is None:
                yield RichSpan(text=span.text, bold=span.bold, url=span.url)
                continue
            fact = facts[span.fact]
            url = str(fact.value) if fact.kind == "web" and fact.value else span.url
            yield RichSpan(text=self._fact(fact), bold=span.bold, url=url)

    def _fact(self, fact: Fact) -> str:
        if fact.kind == "as_of":
            return self._as_of(str(fact.value))
        if fact.value is None:
            return self._say(phrase("render.unknown.hours") if fact.kind == "hours" else phrase("render.unknown.value"))
        written = self._value(fact)
        remarks = [self._as_of(fact.as_of)] if fact.as_of else []
        if fact.please_check:
            remarks.append(self._say(phrase("render.please-check")))
        return f"{written} ({formats.comma(self._language).join(remarks)})" if remarks else written

    def _value(self, fact: Fact) -> str:
        match fact.kind, fact.value:
            case "hours", str(spec):
                return hours.describe(spec, self._language, self._catalogs)
            case "deadline", str(month_day):
                return self._isolate(formats.day_of_year(month_day, self._language))
            case _, int() | float() as number:
                return self._quantity(number, fact.unit or "")
        return self._isolate(formats.clean(str(fact.value)))

    def _quantity(self, value: int | float, unit: str) -> str:
        whole = int(value) if float(value).is_integer() else None
        if unit == "EUR":
            return self._isolate(formats.money(value, self._language))
        number = self._isolate(formats.number(value if whole is None else whole, self._language))
        match unit:
            case "cubic-meter":
                return self._fill("render.unit.cubic-meter", number=number)
            case "liter":
                return self._fill("render.unit.liter", number=number)
            case "kilogram":
                return self._fill("render.unit.kilogram", number=number)
            case "meter":
                return self._fill("render.unit.meter", number=number)
            case "percent":
                return self._fill("render.unit.percent", number=number)
        # A broken number takes the form of many: "2.5 hours", not "2.5 hour".
        count = whole if whole is not None else 5
        said = _counted(unit, count)
        return self._catalogs.fill(self._language, said.key, count, count=number)

    def _as_of(self, value: str) -> str:
        if value == "undated":
            return self._say(phrase("render.undated"))
        written = self._isolate(formats.as_of(value, self._language))
        return self._fill("render.as-of", date=written)

    # ---- words ----

    def _say(self, said: Phrase) -> str:
        return self._catalogs.text(self._language, said)

    def _fill(self, key: str, **ready: str) -> str:
        return self._catalogs.fill(self._language, key, **ready)

    def _isolate(self, text: str) -> str:
        return formats.isolate(text, self._language)

    def _verbatim(self, said: Verbatim) -> str:
        return self._isolate(formats.clean(said.text))

    def _label(self, choice: Choice) -> str:
        match choice.label:
            case InLanguage(phrase=said, language=language):
                return self._catalogs.text(language, said)
            case Phrase() as said:
                return self._say(said)
            case Verbatim(text=text):
                label = " ".join(formats.clean(text).split())
                return label if len(label) <= LABEL_CHARACTERS else f"{label[: LABEL_CHARACTERS - 1].rstrip()}…"


def _paragraph(text: str) -> RichBlock:
    return RichBlock(kind="paragraph", spans=(RichSpan(text=text),))


def _small(text: str) -> RichBlock:
    return RichBlock(kind="small", spans=(RichSpan(text=text),))


def _counted(unit: str, count: int) -> Phrase:
    match unit:
        case "lesson":
            return counted("render.unit.lesson", count)
        case "hour":
            return counted("render.unit.hour", count)
        case "day":
            return counted("render.unit.day", count)
        case "working-day":
            return counted("render.unit.working-day", count)
        case "week":
            return counted("render.unit.week", count)
        case "month":
            return counted("render.unit.month", count)
        case "year":
            return counted("render.unit.year", count)
    raise ValueError(f"there is no unit called {unit!r}")
