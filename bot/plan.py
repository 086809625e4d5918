"""From the effects of a step to what the store keeps: rendered messages, lines of the case, deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.catalogs import Catalogs
from bot.render import render
from db.store import (
    Entry,
    KeptQuestion,
    Member,
    Result,
    Tally,
    TicketChanged,
    TicketOpened,
    TimerSet,
    Work,
)
from flows.core.conversation import Conversation
from flows.core.delivery import Capabilities, Delivery, RenderedMessage
from flows.core.effects import (
    CancelTimer,
    ChangeTicket,
    Count,
    Effect,
    Forget,
    KeepQuestion,
    OpenTicket,
    PostToDesk,
    SendMessage,
    SetTimer,
    TryJoin,
    WakeDesk,
)
from flows.core.events import DeskEvent
from flows.core.phrases import CaseNumber, Choice, InLanguage, Message, Part, Phrase, Title, phrase
from flows.core.turn import DESK_LANGUAGE, HUMAN, MENU

PLAIN = Capabilities(buttons=True)


@dataclass(frozen=True, kw_only=True)
class Room:
    """A staff room outside the web desk, and how much of a case it may show."""

    channel: str
    peer: str
    mode: str  # origin | full | notify


@dataclass(frozen=True, kw_only=True)
class Voice:
    """All that is needed to turn a message into text for somebody."""

    catalogs: Catalogs
    capabilities: Mapping[str, Capabilities]
    default_language: str

    def render(self, message: Message, language: str | None, channel: str, number: int | None) -> RenderedMessage:
        """The message in its own language, else in `language`, as that channel can show it."""
        spoken = message.language or language or self.default_language
        if _names_case(message):
            message = with_number(message, number)
        return render(message, spoken, self.catalogs, self.capabilities.get(channel, PLAIN))


def _names_case(message: Message) -> bool:
    """Whether the case's number stands in it: most messages are said as they are."""
    for item in (*message.parts, *(choice.label for choice in message.choices)):
        said = item.phrase if isinstance(item, Title | InLanguage) else item
        if isinstance(said, Phrase) and any(isinstance(value, CaseNumber) for value in said.values.values()):
            return True
    return False


def with_number(message: Message, number: int | None) -> Message:
    """The message with the case's number where it is named."""

    def filled(item: Phrase) -> Phrase:
        # A case's number is its name: no thousands are marked in it.
        values = {k: str(number or 0) if isinstance(v, CaseNumber) else v for k, v in item.values.items()}
        return replace(item, values=values)

    def part(item: Part) -> Part:
        match item:
            case Phrase():
                return filled(item)
            case Title(phrase=Phrase() as inner):
                return Title(filled(inner))
            case InLanguage():
                return replace(item, phrase=filled(item.phrase))
            case _:
                return item

    def choice(item: Choice) -> Choice:
        return replace(item, label=filled(item.label)) if isinstance(item.label, Phrase) else item

    return replace(
        message,
        parts=tuple(part(p) for p in message.parts),
        choices=tuple(choice(c) for c in message.choices),
    )


def plan(
    work: Work,
    conversation: Conversation,
    effects: Sequence[Effect],
    *,
    voice: Voice,
    rooms: Sequence[Room],
    members: Sequence[Member],
    numbers: Mapping[str, int],
) -> Result:
    """What handling `work` came to; the n-th effect has the id `<event id>:<n>`."""
    event = work.event
    old = work.conversation
    known = [conversation.ticket, old.ticket]
    number = next((t.number for t in known if t is not None and t.number is not None), None)
    if isinstance(event, DeskEvent) and event.ticket is not None:
        number = event.ticket  # also of a closed case, when the person has a new one
    elif number is None and work.ticket is not None and isinstance(event, DeskEvent):
        number = work.ticket.number
    if conversation.ticket is not None and conversation.ticket.id in numbers:
        number = numbers[conversation.ticket.id]
        conversation = conversation.changed(ticket=replace(conversation.ticket, number=number))

    discreet = conversation.discreet or (work.ticket is not None and work.ticket.discreet)
    opened: TicketOpened | None = None
    changed: TicketChanged | None = None
    entries: list[Entry] = []
    deliveries: list[Delivery] = []
    timers: list[TimerSet] = []
    joins: list[tuple[str, bool]] = []
    tallies: list[Tally] = []
    questions: list[KeptQuestion] = []
    forget = False
    waiting_already = work.ticket is not None and work.ticket.state in ("open", "waiting-staff")
    urgent = any(isinstance(effect, ChangeTicket) and effect.urgent for effect in effects)

    for n, effect in enumerate(effects):
        effect_id = f"{event.id}:{n}"
        match effect:
            case SendMessage():
                address = effect.to or conversation.address
                message = voice.render(effect.message, conversation.language, address.channel, number)
                if effect.to is None and message.choices:
                    shown = tuple((button.id, button.label) for button in message.choices)
                    conversation = conversation.changed(choices=shown)
                deliveries.append(
                    Delivery(
                        id=effect_id,
                        channel=address.channel,
                        peer=address.peer,
                        thread=address.thread,
                        role=effect.role,
                        message=message,
                        attachments=effect.attachments,
                        source_channel=effect.source_channel,
                        edits=effect.edits,
                        answers=effect.answers,
                    )
                )
            case OpenTicket():
                discreet = effect.discreet
                opened = TicketOpened(
                    id=effect_id,
                    number=number or 0,
                    topic=effect.topic,
                    language=effect.language,
                    urgent=effect.urgent,
                    discreet=effect.discreet,
                )
            case ChangeTicket():
                changed = _merged(changed, effect, work)
            case PostToDesk():
                rendered = voice.render(effect.message, DESK_LANGUAGE, "desk", number)
                member = event.member if isinstance(event, DeskEvent) else None
                entries.append(
                    Entry(
                        id=effect_id,
                        role=effect.role,
                        message=rendered,
                        member=member,
                        attachments=tuple(a.to_json() for a in effect.attachments),
                        source_channel=effect.source_channel,
                    )
                )
                if effect.in_rooms and number is not None:
                    deliveries += _to_rooms(
                        effect,
                        effect_id,
                        rendered,
                        conversation,
                        discreet,
                        waiting_already,
                        urgent,
                        number,
                        rooms,
                        voice,
                    )
            case WakeDesk():
                if effect.urgent or not waiting_already:
                    deliveries += _wake(effect_id, effect, number, members, voice)
            case SetTimer():
                timers.append(TimerSet(name=effect.name, at=effect.at))
            case CancelTimer():
                timers.append(TimerSet(name=effect.name, at=None))
            case TryJoin():
                joins.append((effect.code, effect.burn))
            case KeepQuestion():
                questions.append(
                    KeptQuestion(
                        language=effect.language,
                        topic=effect.topic,
                        district=effect.district,
                        text=effect.text,
                    )
                )
            case Count():
                tallies.append(Tally(what=effect.what, language=effect.language, topic=effect.topic))
            case Forget():
                forget = True
    return Result(
        event=event,
        conversation=conversation,
        opened=opened,
        changed=changed,
        entries=tuple(entries),
        deliveries=tuple(deliveries),
        timers=tuple(timers),
        joins=tuple(joins),
        tallies=tuple(tallies),
        questions=tuple(questions),
        forget=forget,
    )


def apology(work: Work, error: BaseException, voice: Voice) -> Result:
    """A step that raised harms one conversation, once: the event is set aside, the person is offered a human."""
    deliveries: tuple[Delivery, ...] = ()
    event = work.event
    if not isinstance(event, DeskEvent):
        address = work.conversation.address
        message = Message(parts=(phrase("error.step"),), choices=(HUMAN, MENU))
        deliveries = (
            Delivery(
                id=f"{event.id}:0",
                channel=address.channel,
                peer=address.peer,
                role="reply",
                message=voice.render(message, work.conversation.language, address.channel, None),
            ),
        )
    return Result(event=event, conversation=work.conversation, failed=type(error).__name__, deliveries=deliveries)


def _merged(before: TicketChanged | None, effect: ChangeTicket, work: Work) -> TicketChanged:
    """Several changes in one step are one change; an unclaimed case stays open however much is written."""
    state = effect.state
    unclaimed = work.ticket is not None and work.ticket.state == "open"
    if state == "waiting-staff" and unclaimed:
        state = "open"
    return TicketChanged(
        state=state,
        member=effect.member if effect.member is not None else before.member if before else None,
        outcome=effect.outcome or (before.outcome if before else None),
        urgent=effect.urgent if effect.urgent is not None else before.urgent if before else None,
    )


def in_full(room: Room, origin: str, discreet: bool) -> bool:
    """Whether a room may show a case's words: never a discreet one, in `origin` mode only its own channel's."""
    return not discreet and (room.mode == "full" or (room.mode == "origin" and room.channel == origin))


def _to_rooms(
    effect: PostToDesk,
    effect_id: str,
    rendered: RenderedMessage,
    conversation: Conversation,
    discreet: bool,
    waiting_already: bool,
    urgent: bool,
    number: int,
    rooms: Sequence[Room],
    voice: Voice,
) -> list[Delivery]:
    sent: list[Delivery] = []
    language = conversation.language or voice.default_language
    for room in rooms:
        message, role, attachments = rendered, effect.role, effect.attachments
        full = in_full(room, conversation.address.channel, discreet)
        if not full:
            if effect.role not in ("brief", "copy") or (effect.role == "copy" and waiting_already and not urgent):
                continue
            said = phrase("desk.short", number=str(number), language=language)
            short = Message(parts=(phrase("wake.urgent", number=str(number)) if urgent else said,))
            message, attachments = voice.render(short, DESK_LANGUAGE, room.channel, number), ()
            role = "brief" if effect.role == "brief" else "mark"
        sent.append(
            Delivery(
                id=f"{effect_id}.{room.channel}",
                channel=room.channel,
                peer=room.peer,
                role=role,
                message=message,
                ticket=number,
                title=f"#{number} · {language}",
                attachments=attachments,
                source_channel=effect.source_channel,
            )
        )
    return sent


def _wake(
    effect_id: str, effect: WakeDesk, number: int | None, members: Sequence[Member], voice: Voice
) -> list[Delivery]:
    """Private messages without content to members who asked to be woken."""
    case = str(number or 0)
    key = phrase("wake.urgent", number=case) if effect.urgent else phrase("wake.case", number=case)
    return [
        Delivery(
            id=f"{effect_id}.{member.id}.{i}",
            channel=address.channel,
            peer=address.peer,
            role="wake",
            message=voice.render(Message(parts=(key,)), DESK_LANGUAGE, address.channel, number),
        )
        for member in members
        if member.wake
        for i, address in enumerate(member.addresses)
    ]
