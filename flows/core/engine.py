"""Deciding: one event on one conversation, purely.

`step` never waits, never asks the time and never raises for anything a person can type. What shall happen comes
back as effects; what needs the network comes back later as an event.

For a person's event the rules of `PRECEDENCE` are asked in order and the first that takes it decides. That order
is the promise (crisis before everything, a human's case before the bot's words), so it stands here as a table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flows import ask, crisis, desk, globals_, guided, handover, privacy, welcome
from flows.core import search as searching
from flows.core.conversation import Conversation
from flows.core.effects import Effect, SendMessage
from flows.core.events import (
    AgentWrote,
    ChoiceMade,
    CommandGiven,
    DeliveryFailed,
    Event,
    JoinAnswered,
    MessageReceived,
    MessageWithdrawn,
    PersonLeft,
    ReplyDelivered,
    TicketClaimed,
    TicketClosed,
    TimerFired,
)
from flows.core.fold import fold
from flows.core.knowledge import Knowledge
from flows.core.phrases import Message
from flows.core.turn import Find, Turn


@dataclass(frozen=True)
class Rule:
    """One line of the precedence: `take` handles the event and says so, or leaves it to the next."""

    name: str
    take: Callable[[Turn], bool]


PRECEDENCE: tuple[Rule, ...] = (
    Rule("crisis", crisis.take),
    Rule("desk", handover.take_in_desk_mode),
    Rule("staff's own commands", desk.take_command),
    Rule("global words", globals_.take),
    Rule("first contact", welcome.take),
    Rule("files", ask.take_files),
    Rule("waiting node", guided.take_waiting),
    Rule("privacy and hand-over questions", privacy.take_waiting),
    Rule("intent", guided.take_intent),
    Rule("free question", ask.take),
)


def step(
    conversation: Conversation, event: Event, knowledge: Knowledge, find: Find = searching.find
) -> tuple[Conversation, tuple[Effect, ...]]:
    """What the event does to the conversation: its new state, and the effects in order.

    `find` is the search, for whoever wants to see it at work.
    """
    turn = Turn(conversation, event, knowledge, find)
    match event:
        case MessageReceived() | ChoiceMade() | CommandGiven():
            _person(turn)
        case MessageWithdrawn():
            handover.withdrawn(turn)
        case AgentWrote():
            desk.agent_wrote(turn, event)
        case TicketClaimed():
            desk.claimed(turn, event)
        case TicketClosed():
            desk.closed(turn, event)
        case ReplyDelivered():
            desk.delivered(turn, event)
        case DeliveryFailed():
            desk.failed(turn, event)
        case PersonLeft():
            desk.person_left(turn, event)
        case JoinAnswered():
            desk.join_answered(turn, event)
        case TimerFired():
            pass  # no timer is set by today's flows; a late one from an older release changes nothing
    return turn.conversation.changed(version=conversation.version + 1), tuple(turn.effects)


def _person(turn: Turn) -> None:
    picked = _picked(turn) or _words(turn)
    if picked is not None:
        turn.event = picked
    event = turn.event
    if isinstance(event, ChoiceMade):
        press = f"{event.message}:{event.choice}"
        if event.message and turn.conversation.pressed == press:
            _answer_callback(turn, event)  # the same button again: it is already answered
            return
        turn.update(pressed=press)
    else:
        turn.update(pressed=None)
    for rule in PRECEDENCE:
        if rule.take(turn):
            break
    if isinstance(event, ChoiceMade):
        _answer_callback(turn, event)


def _answer_callback(turn: Turn, event: ChoiceMade) -> None:
    """A button press is answered even when nothing is said, so that the button stops spinning."""
    if event.callback and not any(isinstance(e, SendMessage) and e.answers for e in turn.effects):
        turn.wish(SendMessage(message=Message(), role="system", answers=event.callback))


def _words(turn: Turn) -> MessageReceived | None:
    """The words behind a slash that is no command of ours: "/hilfe er schlägt mich" is said, not commanded."""
    event = turn.event
    if not isinstance(event, CommandGiven) or not event.private or not event.argument or event.name in globals_.KNOWN:
        return None
    return MessageReceived(
        id=event.id,
        at=event.at,
        source=event.source,
        staffed=event.staffed,
        text=f"/{event.name} {event.argument}",
        message=event.id,
        platform_language=event.platform_language,
    )


def _picked(turn: Turn) -> ChoiceMade | None:
    """The choice that a typed number or label picks, where the channel has no buttons or the person types anyway."""
    event, shown = turn.event, turn.conversation.choices
    if not isinstance(event, MessageReceived) or not turn.text or event.edited or event.attachments:
        return None
    chosen = None
    if turn.text.isdecimal() and len(turn.text) <= 3 and not guided.wants_number(turn):
        number = int(turn.text)
        if 1 <= number <= len(shown):
            chosen = shown[number - 1][0]
    elif turn.folded:
        labels = {fold(label): choice for choice, label in reversed(shown)}
        chosen = labels.get(turn.folded)
    if chosen is None:
        return None
    return ChoiceMade(
        id=event.id,
        at=event.at,
        source=event.source,
        staffed=event.staffed,
        choice=chosen,
        platform_language=event.platform_language,
    )
