"""Handing over to a human: consent, the case and its brief, and the time while a human has it."""

from __future__ import annotations

from flows import ask, globals_, guided, privacy, welcome
from flows.core import hours, labels
from flows.core.conversation import TicketRef
from flows.core.effects import ChangeTicket, OpenTicket, WakeDesk
from flows.core.events import ChoiceMade, CommandGiven, MessageReceived
from flows.core.phrases import CASE, Part, Phrase, Title, Value, Verbatim, phrase
from flows.core.turn import HUMAN, MENU, NO, YES, Turn

CONSENT_VERSION = "1"
"""Grows when the text of `handover.consent` changes in meaning; then people are asked again."""


def is_open(turn: Turn) -> bool:
    """Whether a human has the case."""
    return turn.conversation.mode == "desk"


def ask_consent(turn: Turn) -> None:
    """Before the first word reaches staff: say who reads where, and ask."""
    if not turn.event.staffed:
        nobody(turn)
        return
    turn.stand("handover", "consent")
    turn.say(phrase("handover.consent"), _where_read(turn), choices=(YES, NO))


def is_discreet(turn: Turn) -> bool:
    """Whether a case would tell staff of danger or shame: by what is talked of now, or by what the brief will show."""
    c, articles = turn.conversation, turn.knowledge.articles

    def shames(name: str) -> bool:
        return name in articles and (articles[name].discreet or articles[name].topic == "crisis")

    topic = turn.knowledge.town.topics.get(c.topic or "")
    whole = topic is not None and bool(topic.articles) and all(shames(name) for name in topic.articles)
    shown = [name for said in c.recent if said.by == "bot" for name in said.text.partition(":")[2].split()]
    return c.discreet or c.topic == "crisis" or whole or any(shames(name) for name in shown)


def _where_read(turn: Turn) -> Phrase:
    """The sentence that says where staff read this person's words."""

    discreet = is_discreet(turn)

    def shown(room: str) -> bool:
        mode = turn.knowledge.rooms.get(room)
        full = mode == "full" or (mode == "origin" and turn.event.source.channel == room)
        return full and not discreet

    match shown("telegram"), shown("matrix"):
        case True, True:
            return phrase("handover.read-both")
        case True, False:
            return phrase("handover.read-telegram")
        case False, True:
            return phrase("handover.read-matrix")
    return phrase("handover.read-web")


def nobody(turn: Turn) -> None:
    """No member of staff exists: open no case, name the office instead."""
    turn.count("no-staff", turn.conversation.topic or "")
    turn.say(phrase("handover.nobody"), *ask.office_parts(turn, turn.conversation.article), choices=(MENU,))


def answer_consent(turn: Turn, agreed: bool) -> None:
    """Open the case, or leave everything here."""
    if not agreed:
        turn.leave()
        turn.say(phrase("handover.declined"), choices=(MENU, HUMAN))
        return
    if not turn.event.staffed:
        nobody(turn)
        return
    c = turn.conversation
    urgent = c.topic == "crisis"
    discreet = is_discreet(turn)
    ticket = TicketRef(id=f"{turn.event.id}:{len(turn.effects)}", told_hours=True)
    turn.wish(OpenTicket(topic=c.topic, language=turn.language, discreet=discreet, urgent=urgent))
    turn.update(mode="desk", ticket=ticket, consent=CONSENT_VERSION, flow=None, node=None, trail=(), choices=())
    turn.post("brief", *brief(turn))
    turn.wish(WakeDesk(urgent=urgent))
    turn.say(phrase("handover.opened", number=CASE), *staff_times(turn), phrase("handover.write-on"))


def brief(turn: Turn) -> tuple[Part, ...]:
    """What staff know at the start: number, language, quarter, topic, the flow's answers, and what was said."""
    c = turn.conversation
    parts: list[Part] = [
        Title(phrase("brief.title", number=CASE)),
        phrase("brief.language", language=turn.language),
    ]
    if c.topic is not None and c.topic in labels.TOPICS:
        parts.append(phrase("brief.topic", topic=labels.TOPICS[c.topic]))
    home = next((d.name for d in turn.knowledge.districts if d.number == c.district), None)
    if home:
        parts.append(phrase("brief.district", district=home))
    for place, value in c.answers.items():
        parts.append(phrase("brief.answer", place=place, value=value))
    for turn_said in c.recent:
        if turn_said.by == "person":
            parts += [phrase("brief.person"), Verbatim(turn_said.text)]
        else:
            parts.append(phrase("brief.bot", shown=_shown(turn, turn_said.text)))
    parts.append(phrase("brief.how-to"))
    return tuple(parts)


def _shown(turn: Turn, said: str) -> Value:
    """What the bot showed, as staff read it: an article's German title, a node's question."""
    kind, _, name = said.partition(":")
    if kind in ("article", "offered"):
        titles = [turn.knowledge.articles[a].texts["de"].title for a in name.split() if a in turn.knowledge.articles]
        if titles:
            return " / ".join(titles)
    if kind == "node":
        node = guided.node_at(*name.split(".", 1))
        if node is not None and node.says:
            return node.says[0]
    return phrase("brief.no-answer")


def staff_times(turn: Turn) -> tuple[Part, ...]:
    """When somebody will read it: now, at the next office hours, or as soon as possible when no hours are set."""
    town = turn.knowledge.town
    if town.staff_hours is None:
        return (phrase("handover.soon"),)
    opens = hours.next_open(town.staff_hours, turn.event.at, town.timezone, town.holidays)
    if opens is None:
        return (phrase("handover.soon"),)
    if opens <= turn.event.at:
        return (phrase("handover.now"),)
    return (phrase("handover.closed-until", when=opens), *ask.office_parts(turn, turn.conversation.article))


def take_in_desk_mode(turn: Turn) -> bool:
    """While a human has the case only stop, delete and language are the bot's; all else goes to staff.

    A number, a label or a yes that is typed answers the bot only when its question is the last thing said: then the
    conversation has `choices`. After a word of staff it is meant for staff; a pressed button always answers the
    question it stands under.
    """
    if not is_open(turn):
        return False
    event, shown = turn.event, turn.conversation.choices
    turn.update(choices=())
    word = globals_.wanted(turn)
    if word == "stop":
        turn.update(flow="handover", node="stop")
        turn.say(phrase("handover.stop"), choices=(YES, NO))
    elif word == "delete":
        privacy.ask_delete(turn)
    elif word == "language":
        welcome.ask_language(turn)
    elif turn.choice and turn.choice.startswith("language:"):
        welcome.choose(turn, turn.choice.removeprefix("language:"))
    elif _answered(turn, typed=bool(shown)):
        pass
    elif isinstance(event, MessageReceived):
        turn.update(flow=None, node=None)
        pass_on(turn, event)
        turn.wish(ChangeTicket(state="waiting-staff"))
        turn.wish(WakeDesk())
    elif isinstance(event, ChoiceMade):
        label = next((text for choice, text in shown if choice == event.choice), event.choice)
        turn.post("copy", phrase("desk.pressed", label=label))
    elif isinstance(event, CommandGiven):
        turn.post("copy", Verbatim(f"/{event.name} {event.argument}".strip()))
    return True


def _answered(turn: Turn, typed: bool) -> bool:
    """A yes or no to the bot's own question (stop, delete, contact); anything else is meant for staff."""
    node = turn.waiting
    yes = turn.choice == "yes" or (typed and turn.means("yes"))
    no = turn.choice == "no" or (typed and turn.means("no"))
    if node not in ("handover.stop", "handover.contact", "privacy.delete") or not (yes or no):
        return False
    turn.update(flow=None, node=None)
    if node == "privacy.delete":
        privacy.answer_delete(turn, agreed=yes)
    elif node == "handover.contact":
        data = turn.conversation.pending or ""
        turn.update(pending=None)
        if yes:
            turn.post("copy", phrase("desk.contact"), Verbatim(data))
            turn.wish(ChangeTicket(state="waiting-staff"))
        turn.say(phrase("contact.passed-on") if yes else phrase("contact.kept"))
    elif yes:
        turn.wish(ChangeTicket(state="closed", outcome="no-reply"))
        turn.post("mark", phrase("desk.stopped-by-person"))
        end(turn, phrase("handover.stopped"))
    else:
        turn.say(phrase("handover.goes-on"))
    return True


def pass_on(turn: Turn, event: MessageReceived) -> None:
    """Copy what the person sent into the case. A contact card is passed on only when they say so."""
    cards = [a for a in event.attachments if a.kind == "contact"]
    files = tuple(a for a in event.attachments if a.kind != "contact" and a.ref)
    parts: list[Part] = [phrase("desk.edited")] if event.edited else []
    if event.text.strip():
        parts.append(Verbatim(event.text))
    parts += [
        phrase("desk.file", kind=labels.KINDS.get(a.kind, labels.KINDS["other"]))
        for a in event.attachments
        if a.kind != "contact"
    ]
    parts += [Verbatim(a.data) for a in event.attachments if a.kind != "contact" and a.data]
    if parts:
        turn.post("copy", *parts, attachments=files, source_channel=event.source.channel, external=event.message)
    if cards:
        turn.update(flow="handover", node="contact", pending=cards[0].data)
        turn.say(phrase("contact.ask"), choices=(YES, NO))


def withdrawn(turn: Turn) -> None:
    """The person took a message back: staff hear that they did, the case stays as it is."""
    if is_open(turn):
        turn.post("mark", phrase("desk.withdrawn"))


def end(turn: Turn, *said: Part) -> None:
    """The case is over for the person: say so, and the bot is back."""
    turn.update(
        mode="bot",
        ticket=None,
        flow=None,
        node=None,
        trail=(),
        pending=None,
        recent=(),
        last_case=turn.event.at.isoformat(),
    )
    turn.say(*said, choices=(*globals_.menu_choices(turn), HUMAN))
