"""First contact: the language, then who is speaking, then whatever the person came with."""

from __future__ import annotations

from flows import ask, globals_, guided, handover, privacy
from flows.core import deeplink, labels
from flows.core.effects import Count
from flows.core.events import CommandGiven, MessageReceived
from flows.core.phrases import Choice, InLanguage, Phrase, phrase
from flows.core.turn import Turn


def take(turn: Turn) -> bool:
    """Without a language yet, everything leads to the language buttons; a question is kept for afterwards."""
    if turn.conversation.language is not None:
        return False
    if turn.waiting == "privacy.delete" and privacy.take_waiting(turn):
        return True
    if turn.text:
        turn.update(pending=turn.text)
    event = turn.event
    files = event.attachments if isinstance(event, MessageReceived) else ()
    ask_language(turn, *(labels.UNREADABLE.get(file.kind, labels.UNREADABLE["other"]) for file in files[:1]))
    return True


def start(turn: Turn) -> None:
    """`/start`, with a deep link or without."""
    event = turn.event
    link = deeplink.read(event.argument) if isinstance(event, CommandGiven) else deeplink.Link()
    town = turn.knowledge.town
    if link.code and turn.conversation.version == 0:
        turn.wish(Count(what=f"link:{link.code}"))
    if link.district and any(d.number == link.district for d in turn.knowledge.districts):
        turn.update(district=link.district)
    target = None
    if link.target in turn.knowledge.articles:
        target = f"article:{link.target}"
    elif link.target in town.topics:
        target = f"topic:{link.target}"
    if link.language in town.languages:
        turn.update(language=link.language)
        introduce(turn)
        _go(turn, target) if target else globals_.menu(turn)
    elif turn.conversation.language is not None:
        _go(turn, target) if target else globals_.menu(turn, greeted=True)
    else:
        turn.update(pending=target)
        ask_language(turn)


def ask_language(turn: Turn, *before: Phrase) -> None:
    """Language buttons, each in its own script; what the platform says only sorts them."""
    first = turn.language
    languages = sorted(turn.knowledge.town.languages, key=lambda code: code != first)
    lines = tuple(InLanguage(phrase("welcome.choose"), code) for code in languages)
    choices = tuple(
        Choice(id=f"language:{code}", label=InLanguage(phrase("welcome.language"), code)) for code in languages
    )
    turn.say(*before, *lines, choices=choices)


def choose(turn: Turn, language: str) -> None:
    """A language was chosen: in it, say who is speaking, then answer what was asked before."""
    if language not in turn.knowledge.town.languages:
        ask_language(turn)
        return
    first = turn.conversation.language is None
    pending = turn.conversation.pending if first else None
    turn.update(language=language)
    if handover.is_open(turn):
        turn.update(pending=None)
        turn.post("mark", phrase("desk.language-changed", language=language))
        turn.say(phrase("language.changed"))
        return
    if first:
        turn.update(pending=None)
        introduce(turn)
    else:
        turn.say(phrase("language.changed"))
    if pending:
        _go(turn, pending)
    elif not first and turn.conversation.article and not turn.waiting:
        ask.show(turn, turn.conversation.article)
    elif first or not guided.repeat(turn):
        globals_.menu(turn)


def introduce(turn: Turn) -> None:
    """Who is speaking, what it costs, what not to write, what is stored."""
    town = turn.knowledge.town
    parts = [phrase("welcome.who", project=town.project, operator=town.operator)]
    if turn.event.source.channel == "telegram":
        parts.append(phrase("welcome.telegram"))
    choices = (Choice(id="article:bot.privacy", label=phrase("welcome.stored.label")),)
    turn.say(*parts, choices=choices)


def _go(turn: Turn, target: str) -> None:
    """Open what a link names, or answer a question typed before the language was known."""
    name, _, value = target.partition(":")
    if target == "human":
        handover.ask_consent(turn)
    elif name == "article" and value in turn.knowledge.articles:
        ask.show(turn, value)
    elif name == "topic" and value in turn.knowledge.town.topics:
        globals_.open_topic(turn, value)
    else:
        event = turn.event
        turn.event = MessageReceived(id=event.id, at=event.at, source=event.source, staffed=event.staffed, text=target)
        for cached in ("text", "folded", "finding"):
            turn.__dict__.pop(cached, None)
        if not guided.take_intent(turn):
            ask.take(turn)
