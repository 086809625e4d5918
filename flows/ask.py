"""The free question: search, then an answer, two or three to choose from, or an honest "I don't know"."""

from __future__ import annotations

from dataclasses import replace

from flows import globals_
from flows.core import facts, labels, limits
from flows.core import search as searching
from flows.core.effects import KeepQuestion
from flows.core.events import MessageReceived
from flows.core.fold import fold, near
from flows.core.knowledge import District, Finding
from flows.core.phrases import Choice, OfficeView, Part, Phrase, Verbatim, phrase
from flows.core.turn import BACK, HUMAN, MENU, Turn, topic_choice

OWN_CASE_TOPICS = ("residence",)
"""Where a question is nearly always about one's own case: the human stands first among the ways on (promise 18)."""

NUMBERS_SHOWN = 2
"""How many numbers stand above the choices when one of them is about danger."""


def take_files(turn: Turn) -> bool:
    """What the bot cannot read is answered with a way on; a caption is taken as the question."""
    event = turn.event
    if not isinstance(event, MessageReceived) or not event.attachments:
        return False
    kind = event.attachments[0].kind
    unreadable = labels.UNREADABLE.get(kind, labels.UNREADABLE["other"])
    if kind == "locked":
        turn.count("locked")
    turn.remember("person", f"file:{kind}")
    if turn.text:
        turn.say(unreadable)
        return False
    turn.say(unreadable, choices=(HUMAN, MENU))
    return True


def take(turn: Turn) -> bool:
    """Answer a typed question. It is the last rule, so it takes everything that is left."""
    if turn.choice is not None:
        globals_.stale(turn)
        return True
    if turn.waiting == "ask.office" and _district(turn):
        return True
    if not any(c.isalnum() for c in turn.text):
        turn.say(phrase("ask.empty"), choices=(HUMAN, MENU))
        return True
    if turn.means("greeting"):
        globals_.menu(turn, greeted=True)
        return True
    if turn.means("thanks"):
        turn.say(phrase("ask.welcome"), choices=(MENU, HUMAN))
        return True
    turn.remember("person", turn.text[: limits.QUESTION_CHARACTERS])
    finding = turn.finding
    own = finding.language if finding.language in turn.knowledge.town.languages else None
    other = own if own != turn.conversation.language else None
    if finding.decision == "answer":
        show(turn, finding.hits[0].article, language=other)
    elif finding.decision == "choose":
        offered = finding.hits[: limits.CHOICES_OFFERED]
        turn.stand("ask", "which")
        turn.remember("bot", f"offered:{' '.join(hit.article for hit in offered)}")
        choices = tuple(article_choice(turn, hit.article, other) for hit in offered)
        turn.say(
            *danger_parts(turn, finding),
            phrase("ask.which"),
            choices=(*choices, Choice(id="not-helped", label=phrase("ask.neither")), HUMAN),
        )
    else:
        unknown(turn)
    return True


def danger_parts(turn: Turn, finding: Finding) -> tuple[Part, ...]:
    """Whom to call if it is danger, where one of the articles to choose from is about it."""
    article = next((hit.article for hit in finding.hits if searching.is_crisis(hit.article)), None)
    if article is None:
        return ()
    doors = facts.footer(turn.knowledge, turn.knowledge.articles[article], turn.today).offices
    return (phrase("ask.danger"), *doors[:NUMBERS_SHOWN])


def unknown(turn: Turn) -> None:
    """Say that there is no answer, with the nearest topics, the project's office and a human."""
    topics = searching.nearest_topics(turn.knowledge, turn.text, turn.conversation.language or "")
    near = [topic_choice(topic) for topic in topics if topic in turn.knowledge.town.topics]
    turn.count("gap", topics[0] if topics else "")
    if turn.conversation.district:
        turn.count("gap-district", turn.conversation.district)
    turn.remember("bot", "unknown")
    choices = near or globals_.menu_choices(turn)
    keep = Choice(id="ask.keep:yes", label=phrase("ask.keep.label"))
    turn.say(phrase("ask.unknown"), *office_parts(turn, None), choices=(HUMAN, *choices, keep, MENU))


def keep_question(turn: Turn) -> None:
    """Keep the last question that had no answer, once, because the person agreed."""
    said = turn.conversation.recent
    place = next((n for n in range(len(said) - 1, 0, -1) if said[n].text == "unknown" and said[n].by == "bot"), None)
    if place is None or said[place - 1].by != "person":
        globals_.stale(turn)
        return
    text = said[place - 1].text
    topics = searching.nearest_topics(turn.knowledge, text, turn.conversation.language or "")
    turn.wish(
        KeepQuestion(
            text=text,
            language=turn.language,
            topic=topics[0] if topics else "",
            district=turn.conversation.district or "",
        )
    )
    kept = replace(said[place], text="kept")
    turn.update(recent=(*said[:place], kept, *said[place + 1 :]))
    turn.say(phrase("ask.kept"), choices=(HUMAN, MENU))


def article_choice(turn: Turn, article: str, language: str | None = None) -> Choice:
    """A button that opens an article, named by its title."""
    texts = turn.knowledge.articles[article].texts
    text = texts.get(language or turn.language) or texts.get(turn.language) or texts["de"]
    return Choice(id=f"article:{article}", label=Verbatim(text.title))


def show(
    turn: Turn,
    article: str,
    *,
    language: str | None = None,
    section: str | None = None,
    lead: tuple[Phrase, ...] = (),
    extra: tuple[Choice, ...] = (),
    human_first: bool = False,
    keep: bool = False,
) -> None:
    """Show an article, or one of its sections, with what can be done next.

    `language` is another than the conversation's when the question was asked in it; then a switch is offered.
    `keep` leaves the flow where it is, so that "back" returns to its question.
    """
    known = turn.knowledge.articles.get(article)
    if known is None:
        globals_.stale(turn)
        return
    spoken = language or turn.language
    if spoken not in known.texts:
        chosen = turn.conversation.fallback
        if chosen not in known.texts:
            ask_fallback(turn, article)
            return
        turn.count("untranslated", known.topic)
    view = facts.view(turn.knowledge, article, spoken, turn.today, section=section, fallback=turn.conversation.fallback)
    if not keep:
        turn.stand("ask", "shown")
    turn.update(article=article, topic=known.topic, discreet=known.discreet)
    turn.remember("bot", f"article:{article}")
    sections = tuple(
        Choice(id=f"ask.section:{s.id}", label=Verbatim(s.heading))
        for s in view.text.sections
        if s.id != section and len(f"ask.section:{s.id}") <= limits.CHOICE_ID_BYTES
    )
    switch = (
        (Choice(id=f"language:{language}", label=phrase("ask.switch.label")),)
        if language and language != turn.conversation.language
        else ()
    )
    feedback = (
        Choice(id="helped", label=phrase("button.helped")),
        Choice(id="not-helped", label=phrase("button.not-helped")),
    )
    office = Choice(id="ask.office:show", label=phrase("button.office"))
    way_back = (BACK,) if turn.conversation.trail else ()
    usual = (
        *sections,
        *feedback,
        office,
        Choice(id="menu", label=phrase("button.something-else")),
        *way_back,
    )
    first = human_first or known.topic in OWN_CASE_TOPICS
    choices = (HUMAN, *extra, *switch, *usual) if first else (*extra, *switch, *usual, HUMAN)
    turn.say(
        *lead,
        view,
        choices=choices,
        language=language,
        article=article,
        crisis=known.topic == "crisis",
        discreet=known.discreet,
    )


def ask_fallback(turn: Turn, article: str) -> None:
    """The text is not there in the person's language: say so and let them choose another."""
    known = turn.knowledge.articles[article]
    turn.count("untranslated", known.topic)
    turn.stand("ask", "fallback")
    turn.update(article=article)
    choices = tuple(
        Choice(id=f"ask.fallback:{code}", label=labels.LANGUAGES[code])
        for code in sorted(known.texts)
        if code in labels.LANGUAGES
    )
    turn.say(phrase("ask.untranslated"), choices=(*choices, HUMAN, MENU))


def choose(turn: Turn, place: str, value: str) -> None:
    """A button under an answer was pressed."""
    article = turn.conversation.article
    known = turn.knowledge.articles.get(article or "")
    if place == "ask.section" and known and any(s.id == value for t in known.texts.values() for s in t.sections):
        show(turn, known.id, section=value, keep=True)
    elif place == "ask.fallback" and known and value in known.texts:
        turn.update(fallback=value)
        show(turn, known.id)
    elif place == "ask.keep":
        keep_question(turn)
    elif place == "ask.office":
        offices(turn, ask_district=value == "show")
    else:
        globals_.stale(turn)


def feedback(turn: Turn, helped: bool) -> None:
    """Did this help? Counted without the person; a no always offers a human."""
    turn.count("helped" if helped else "not-helped", turn.conversation.topic or "")
    if helped:
        turn.say(phrase("feedback.thanks"), choices=(MENU, HUMAN))
    else:
        turn.say(phrase("feedback.sorry"), choices=(HUMAN, MENU))


def offices(turn: Turn, ask_district: bool) -> None:
    """The doors for what was shown last, the quarter's own first; asks for the quarter once, which may be refused."""
    turn.stand("ask", "office")
    parts = office_parts(turn, turn.conversation.article)
    skip = Choice(id="ask.office:skip", label=phrase("office.rather-not.label"))
    if ask_district and turn.conversation.district is None:
        turn.say(phrase("office.list"), *parts, phrase("office.which-district"), choices=(skip, HUMAN, MENU))
    else:
        turn.say(phrase("office.list"), *parts, choices=(HUMAN, MENU))


def office_parts(turn: Turn, article: str | None) -> tuple[Part, ...]:
    """Up to three doors: the article's, then the topic's, then the project's own; stale records last."""
    knowledge = turn.knowledge
    known = knowledge.articles.get(article or "")
    ids = list(known.offices) if known else []
    topic = knowledge.town.topics.get(known.topic if known else turn.conversation.topic or "")
    ids += [i for i in (topic.office if topic else None, knowledge.town.office) if i]
    home = next((d for d in knowledge.districts if d.number == turn.conversation.district), None)
    if home and known:
        ids += [
            o.id
            for o in knowledge.offices.values()
            if o.district in (home.name, *home.neighbours) and known.topic in o.topics
        ]
    doors = [knowledge.offices[i] for i in dict.fromkeys(ids) if i in knowledge.offices]

    def order(position: int) -> tuple[bool, int, int]:
        office = doors[position]
        near = 2
        if home:
            near = 0 if office.district == home.name else 1 if office.district in home.neighbours else 2
        return office.confidence == "stale", near, position

    return tuple(OfficeView(office=doors[i]) for i in sorted(range(len(doors)), key=order)[:3])


def _district(turn: Turn) -> bool:
    """A quarter's name typed at the office question; with a letter missing or too many it is still found."""
    named = [d for d in turn.knowledge.districts if fold(d.name) == turn.folded]
    if not named and 5 <= len(turn.folded) <= 30:
        named = [d for d in turn.knowledge.districts if near(fold(d.name), turn.folded)]
    if len(named) != 1:
        return False
    district: District = named[0]
    turn.update(district=district.number)
    offices(turn, ask_district=False)
    return True
