"""What staff do to a case, and what the machinery tells about deliveries.

Internal by default (promise 9): a staff text leaves only as an explicit reply to our copy of something this person
wrote, with `/r ` before it, or from a field that says "reply". Everything else is a note.
"""

from __future__ import annotations

from flows import handover
from flows.core import labels
from flows.core.effects import ChangeTicket, SendMessage, TryJoin
from flows.core.events import (
    Address,
    AgentWrote,
    CommandGiven,
    DeliveryFailed,
    DeskEvent,
    JoinAnswered,
    PersonLeft,
    ReplyDelivered,
    TicketClaimed,
    TicketClosed,
)
from flows.core.phrases import Message, Part, Title, Verbatim, phrase
from flows.core.turn import Turn

REPLY_PREFIX = "/r "


def _may(turn: Turn, event: DeskEvent) -> bool:
    """Whether a member speaks, about the case that is open; others in the room are ignored and counted."""
    if event.member is None:
        turn.count("ignored")
        return False
    ref = turn.conversation.ticket
    another = ref is not None and ref.number not in (None, event.ticket)  # a closed case, and the person has a new one
    if not handover.is_open(turn) or event.ticket is None or another:
        if event.ticket is not None:
            turn.post("mark", phrase("desk.already-closed"))
        return False
    return True


def goes_out(event: AgentWrote) -> bool:
    """Promise 9, as one expression."""
    if event.command is not None:
        return event.command == "reply"
    return event.quotes == "person" or event.text.startswith(REPLY_PREFIX)


def agent_wrote(turn: Turn, event: AgentWrote) -> None:
    """A member's text: to the person, or a note."""
    if not _may(turn, event):
        return
    text = event.text.removeprefix(REPLY_PREFIX).strip()
    own_room = event.source.channel in turn.knowledge.rooms
    if not goes_out(event):
        if not own_room:
            turn.post("note", Title(phrase("desk.note", name=event.member_name)), Verbatim(event.text))
        else:
            turn.post("note", Verbatim(event.text), in_rooms=False)
        return
    if not text and not event.attachments:
        turn.post("mark", phrase("desk.nothing-to-send"))
        return
    lead = phrase("agent.corrects") if event.edited else phrase("agent.says")
    parts: tuple[Part, ...] = (Title(lead), Verbatim(text)) if text else (Title(lead),)
    turn.wish(
        SendMessage(
            message=Message(parts=parts, discreet=turn.conversation.discreet),
            role="agent",
            attachments=event.attachments,
            source_channel=event.source.channel,
        )
    )
    turn.post(
        "agent",
        Title(phrase("desk.reply", name=event.member_name)),
        Verbatim(text),
        attachments=event.attachments,
        source_channel=event.source.channel,
        in_rooms=not own_room,
    )
    turn.update(choices=())  # a number or a yes that is typed now answers this
    turn.wish(ChangeTicket(state="waiting-person", member=event.member))


def claimed(turn: Turn, event: TicketClaimed) -> None:
    """A member takes the case."""
    if _may(turn, event):
        turn.wish(ChangeTicket(state="claimed", member=event.member))
        turn.post("mark", phrase("desk.claimed", name=event.member_name))


def closed(turn: Turn, event: TicketClosed) -> None:
    """A member ends the case: both sides are told, and the bot is back."""
    if not _may(turn, event):
        return
    turn.wish(ChangeTicket(state="closed", outcome=event.outcome))
    turn.post("mark", phrase("desk.closed", name=event.member_name, outcome=labels.OUTCOMES[event.outcome]))
    handover.end(turn, phrase("handover.closed"))


def delivered(turn: Turn, event: ReplyDelivered) -> None:
    """A member's words arrived: a visible mark."""
    turn.post("mark", phrase("desk.delivered"))


def failed(turn: Turn, event: DeliveryFailed) -> None:
    """Something did not arrive: a visible reason in the case; a person who cannot be reached ends it."""
    if not handover.is_open(turn) or event.role in ("brief", "copy", "note", "mark", "wake"):
        return
    turn.post("mark", labels.FAILURES[event.reason])
    if event.reason in ("blocked", "gone"):
        _unreachable(turn)


def person_left(turn: Turn, event: PersonLeft) -> None:
    """The person blocked the bot: the case, if there is one, becomes unreachable."""
    if handover.is_open(turn):
        turn.post("mark", phrase("desk.failed.blocked"))
        _unreachable(turn)


def _unreachable(turn: Turn) -> None:
    turn.wish(ChangeTicket(state="closed", outcome="unreachable"))
    turn.update(mode="bot", ticket=None, flow=None, node=None, last_case=turn.event.at.isoformat())


def take_command(turn: Turn) -> bool:
    """`/join CODE`: in a private chat it is tried; in a group it is refused and the code burnt."""
    event = turn.event
    if not isinstance(event, CommandGiven):
        return False
    if event.name != "join":
        return not event.private  # a group is not a person: nothing else is answered there
    code = event.argument.strip()
    if not event.private:
        turn.wish(TryJoin(code=code, burn=True))
        to = Address(channel=event.source.channel, peer=event.source.peer, thread=event.source.thread)
        turn.wish(SendMessage(message=Message(parts=(phrase("join.not-here"),), language="de"), role="system", to=to))
        turn.count("refused")
    elif code:
        turn.wish(TryJoin(code=code))
    else:
        turn.say(phrase("join.no-code"))
    return True


def join_answered(turn: Turn, event: JoinAnswered) -> None:
    """The code was looked at."""
    if event.accepted:
        turn.say(phrase("join.welcome", name=event.name), language="de")
    else:
        turn.say(phrase("join.refused"), language="de")
