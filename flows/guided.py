"""Walking through a guided flow: arriving at a node, choosing, typing an answer, going on."""

from __future__ import annotations

from flows import FLOWS, ask, globals_, handover
from flows.core import inspect
from flows.core.definition import Node, Reading
from flows.core.phrases import Choice, Phrase, phrase
from flows.core.turn import BACK, HUMAN, MENU, Turn


def node_at(flow: str | None, node: str | None) -> Node | None:
    """The node of that name, or None when a later release no longer has it."""
    if flow is not None and flow in FLOWS and node is not None and node in FLOWS[flow]:
        return FLOWS[flow][node]
    return None


def wants_number(turn: Turn) -> bool:
    """Whether the waiting node asks for a number, so that a bare one is an answer, not a pick."""
    node = node_at(turn.conversation.flow, turn.conversation.node)
    return node is not None and node.reader is not None and node.reader.wants_number


def offered(turn: Turn, flow: str, node: Node) -> tuple[Choice, ...]:
    """The node's options that end in an answer in this town: one whose article is missing is not offered."""
    return tuple(
        Choice(id=f"{flow}.{node.name}:{option.value}", label=option.label)
        for option in node.options
        if inspect.is_open(FLOWS, flow, option.to, turn.knowledge)
    )


def enter(turn: Turn, flow: str) -> bool:
    """Begin a flow at its first node; False when there is no such flow, or nothing on it that this town can offer."""
    if flow not in FLOWS or not inspect.is_open(FLOWS, flow, FLOWS[flow].first.name, turn.knowledge):
        return False
    turn.leave()
    turn.update(topic=flow)
    return arrive(turn, flow, FLOWS[flow].first.name)


def arrive(turn: Turn, flow: str, name: str, reading: Reading | None = None) -> bool:
    """Stand at a node and say what it says; False when it does not exist."""
    node = node_at(flow, name)
    if node is None:
        return False
    turn.stand(flow, name)
    turn.update(topic=flow)
    says = node.says
    if reading is not None:
        says = tuple(Phrase(p.key, {**p.values, **reading.values}, p.count) for p in says)
    options = offered(turn, flow, node)
    if node.shows is not None:
        ask.show(
            turn,
            node.shows,
            lead=says,
            extra=options,
            section=node.section,
            human_first=node.offers_human,
            keep=True,
        )
        return True
    way_back = (BACK,) if turn.conversation.trail else ()
    turn.remember("bot", f"node:{flow}.{name}")
    turn.say(*says, choices=(*options, *way_back, HUMAN, MENU))
    return True


def repeat(turn: Turn) -> bool:
    """Say the waiting node again, for instance in another language."""
    c = turn.conversation
    return bool(c.flow and c.node) and arrive(turn, c.flow or "", c.node or "")


def choose(turn: Turn, place: str, value: str) -> bool:
    """A button of a node was pressed, now or long ago; False when the node or its option is gone."""
    flow, _, name = place.partition(".")
    node = node_at(flow, name)
    option = next((o for o in node.options if o.value == value), None) if node else None
    if option is None:
        return False
    if turn.waiting != place:  # an older message's button: stand there first, so that "back" is right
        turn.stand(flow, name)
    turn.update(answers={**turn.conversation.answers, place: value}, topic=flow)
    follow(turn, flow, option.to)
    return True


def follow(turn: Turn, flow: str, to: str, reading: Reading | None = None) -> None:
    """Go where an option or a reading leads."""
    if to == "human":
        handover.ask_consent(turn)
    elif to == "menu":
        globals_.menu(turn)
    elif to.startswith("article:"):
        ask.show(turn, to.removeprefix("article:"), keep=True)
    elif "." in to:
        other, name = to.split(".", 1)
        arrive(turn, other, name, reading)
    else:
        arrive(turn, flow, to, reading)


def take_waiting(turn: Turn) -> bool:
    """A typed answer at a node that reads one; other nodes leave free text to the questions."""
    c = turn.conversation
    node = node_at(c.flow, c.node)
    if c.flow in FLOWS and node is None:  # the flow changed under a running conversation
        turn.update(flow=None, node=None, trail=())
        turn.say(phrase("stale.flow"))
        globals_.menu(turn)
        return True
    if node is None or node.reader is None or not turn.text:
        return False
    reading = node.reader.read(turn.text, turn.today)
    if reading is None:
        if turn.finding.decision == "answer" and not any(ch.isdecimal() for ch in turn.text):
            return False  # a question of its own, asked in the middle of the flow
        turn.say(node.reader.again, choices=(*offered(turn, c.flow or "", node), BACK, HUMAN, MENU))
        return True
    if not node.reader.private:
        turn.update(answers={**c.answers, turn.waiting: turn.text[:40]})
    if inspect.is_open(FLOWS, c.flow or "", reading.to, turn.knowledge):
        follow(turn, c.flow or "", reading.to, reading)
    else:
        ask.unknown(turn)
    return True


def take_intent(turn: Turn) -> bool:
    """A topic's own name, typed alone, opens its flow."""
    for flow in FLOWS:
        if turn.means(f"topic:{flow}"):
            return enter(turn, flow)
    return False
