"""What works everywhere: menu, back, language, human, stop, delete; topics, articles and old buttons.

A word counts only when it is the whole message; in every language, whatever the conversation's is.
"""

from __future__ import annotations

from flows import ask, guided, handover, privacy, welcome
from flows.core import limits
from flows.core.phrases import Choice, phrase
from flows.core.turn import BACK, HUMAN, MENU, Turn, topic_choice

WORDS = ("menu", "back", "language", "human", "stop", "delete")

MORE = "menu:more"

COMMANDS = {
    "start": "start",
    "menu": "menu",
    "help": "menu",
    "language": "language",
    "human": "human",
    "delete": "delete",
    "stop": "stop",
    "back": "back",
    "privacy": "privacy",
}
"""Commands of the channels and what they mean; an unknown one is answered with the menu."""

KNOWN = frozenset({*COMMANDS, "join"})


def wanted(turn: Turn) -> str | None:
    """Which global word the event is, if any."""
    if turn.command is not None:
        return COMMANDS.get(turn.command, "unknown-command")
    if turn.choice is not None:
        return turn.choice if turn.choice in WORDS else None
    return next((word for word in WORDS if turn.means(word)), None)


def take(turn: Turn) -> bool:
    """Handle a global word, a command, or a button that is good in every state."""
    word = wanted(turn)
    if word is not None:
        _word(turn, word)
        return True
    if turn.choice is None:
        return False
    name, _, value = turn.choice.partition(":")
    if name == "language":
        welcome.choose(turn, value)
    elif turn.conversation.language is None:
        return False
    elif name == "topic":
        open_topic(turn, value)
    elif name == "article":
        ask.show(turn, value)
    elif turn.choice == MORE:
        more_topics(turn)
    elif name in ("helped", "not-helped"):
        ask.feedback(turn, helped=name == "helped")
    elif turn.choice in ("yes", "no"):
        return False
    elif name.startswith("ask."):
        ask.choose(turn, name, value)
    elif not guided.choose(turn, name, value):
        stale(turn)
    return True


def _word(turn: Turn, word: str) -> None:
    no_language = turn.conversation.language is None
    if word == "delete":
        privacy.ask_delete(turn)
    elif word == "human" and no_language:
        turn.update(pending="human")
        welcome.ask_language(turn)
    elif word == "start" or (no_language and word != "privacy"):
        welcome.start(turn)
    elif word == "privacy":
        ask.show(turn, "bot.privacy")
    elif word == "menu":
        menu(turn)
    elif word == "unknown-command":
        menu(turn, unknown=True)
    elif word == "back":
        back(turn)
    elif word == "language":
        welcome.ask_language(turn)
    elif word == "human":
        handover.ask_consent(turn)
    elif word == "stop":
        turn.leave()
        turn.say(phrase("stop.done"), choices=(MENU, HUMAN))


def menu(turn: Turn, unknown: bool = False, greeted: bool = False) -> None:
    """Show the topics: the first ones, and the way to the others."""
    turn.leave()
    topics = menu_choices(turn)
    if unknown:
        lead = phrase("menu.unknown-command")
    else:
        lead = phrase("menu.hello") if greeted else phrase("menu.ask")
    more = (
        topic_choice("crisis"),
        HUMAN,
        Choice(id="language", label=phrase("button.language")),
        topic_choice("bot"),
    )
    turn.say(lead, choices=(*topics, *more))


def menu_choices(turn: Turn) -> tuple[Choice, ...]:
    """The buttons of the first topics, and the way to the others."""
    first, others = _topics(turn)
    more = (Choice(id=MORE, label=phrase("button.more-topics")),) if others else ()
    return (*(topic_choice(topic) for topic in first), *more)


def more_topics(turn: Turn) -> None:
    """Show the topics that the menu had no room for."""
    turn.leave()
    _, others = _topics(turn)
    turn.say(phrase("menu.more"), choices=(*(topic_choice(topic) for topic in others), MENU, HUMAN))


def _topics(turn: Turn) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The topics of the first menu, and those behind it; one alone is not put behind."""
    menu = turn.knowledge.town.menu
    if len(menu) <= limits.MENU_TOPICS + 1:
        return menu, ()
    return menu[: limits.MENU_TOPICS], menu[limits.MENU_TOPICS :]


def open_topic(turn: Turn, topic: str) -> None:
    """Enter a topic: its guided flow, or the list of its articles."""
    if guided.enter(turn, topic):
        return
    known = turn.knowledge.town.topics.get(topic)
    articles = known.articles if known else ()
    if not articles:
        stale(turn)
        return
    turn.leave()
    turn.update(topic=topic)
    choices = tuple(ask.article_choice(turn, a) for a in articles if a in turn.knowledge.articles)
    turn.say(phrase("topic.ask"), choices=(*choices, HUMAN, MENU))


def back(turn: Turn) -> None:
    """Return to the node before; at the beginning, to the menu."""
    trail = turn.conversation.trail
    if not trail:
        menu(turn)
        return
    turn.update(trail=trail[:-1], flow=None, node=None)
    flow, _, node = trail[-1].partition(".")
    if not guided.arrive(turn, flow, node):
        menu(turn)


def stale(turn: Turn) -> None:
    """A button whose place no longer exists: say so, keep the conversation, show the way on."""
    turn.say(phrase("stale.button"), choices=(MENU, BACK, HUMAN) if turn.conversation.trail else (MENU, HUMAN))
