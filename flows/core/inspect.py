"""Checking and drawing flows without running them.

Found are: targets that do not exist, nodes nothing leads to, nodes that lead nowhere, ends without an office, and
labels or ids too long for a channel. A town that is still in the making may lack articles: `lacking` names them, and
`is_open` says which paths still end in an answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from flows.core import limits
from flows.core.definition import Flow, Node
from flows.core.knowledge import Knowledge
from flows.core.phrases import Phrase

ENGINE_PLACES = ("human", "menu")


def resolve(flow: Flow, to: str, flows: Mapping[str, Flow]) -> bool:
    """Whether a target inside the flows exists; articles are looked up by `problems`."""
    if to in ENGINE_PLACES or to.startswith("article:"):
        return True
    if "." in to:
        other, name = to.split(".", 1)
        return other in flows and name in flows[other]
    return to in flow


def is_open(
    flows: Mapping[str, Flow], flow: str, to: str, knowledge: Knowledge, seen: frozenset[str] = frozenset()
) -> bool:
    """Whether a target, seen from that flow, leads to an article this town has, or to a human."""
    if to in ENGINE_PLACES:
        return True
    if to.startswith("article:"):
        return to.removeprefix("article:") in knowledge.articles
    other, name = to.split(".", 1) if "." in to else (flow, to)
    place = f"{other}.{name}"
    if place in seen or other not in flows or name not in flows[other]:
        return False
    node = flows[other][name]
    if node.shows is not None:
        return node.shows in knowledge.articles
    return any(is_open(flows, other, target, knowledge, seen | {place}) for target in node.targets)


def lacking(flows: Mapping[str, Flow], knowledge: Knowledge) -> list[tuple[str, str]]:
    """Each flow with an article it shows and this town has not, in order; ("waste", "waste.bulky")."""
    found: dict[tuple[str, str], None] = {}
    for flow in flows.values():
        for node in flow.nodes:
            shown = [to.removeprefix("article:") for to in node.targets if to.startswith("article:")]
            for article in [*shown, *([node.shows] if node.shows else [])]:
                if article not in knowledge.articles:
                    found[flow.name, article] = None
    return list(found)


def problems(flows: Mapping[str, Flow], knowledge: Knowledge | None = None) -> list[tuple[str, str]]:
    """Everything wrong with the flows, as ("flow.node", sentence); empty when all is well."""
    found: list[tuple[str, str]] = []
    reached = {f"{flow.name}.{flow.first.name}" for flow in flows.values()}
    for flow in flows.values():
        names = [node.name for node in flow.nodes]
        found += [(f"{flow.name}.{n}", "stands twice in its flow") for n in {n for n in names if names.count(n) > 1}]
        for node in flow.nodes:
            place = f"{flow.name}.{node.name}"
            found += [(place, sentence) for sentence in _node_problems(flow, node, flows, knowledge)]
            for to in node.targets:
                if not to.startswith("article:") and to not in ENGINE_PLACES:
                    reached.add(to if "." in to else f"{flow.name}.{to}")
    for flow in flows.values():
        reachable = _from_first(flow, flows)
        for node in flow.nodes:
            place = f"{flow.name}.{node.name}"
            if place not in reached or (node.name not in reachable and not _led_from_elsewhere(place, flows)):
                found.append((place, "no path leads here"))
    return found


def _node_problems(flow: Flow, node: Node, flows: Mapping[str, Flow], knowledge: Knowledge | None) -> list[str]:
    found = [f"leads to {to!r}, which does not exist" for to in node.targets if not resolve(flow, to, flows)]
    if not node.targets and node.shows is None:
        found.append("is a dead end: it neither asks nor shows an article")
    if not node.says and node.shows is None:
        found.append("says nothing")
    values = [option.value for option in node.options]
    found += [f"has the option {v!r} twice" for v in sorted({v for v in values if values.count(v) > 1})]
    for option in node.options:
        size = len(f"{flow.name}.{node.name}:{option.value}".encode())
        if size > limits.CHOICE_ID_BYTES:
            found.append(
                f"the id of option {option.value!r} has {size} bytes, a channel takes {limits.CHOICE_ID_BYTES}"
            )
    if knowledge is not None:
        shown = [to.removeprefix("article:") for to in node.targets if to.startswith("article:")]
        for article in [*shown, *([node.shows] if node.shows else [])]:
            if article not in knowledge.articles:
                if not knowledge.town.unfinished:
                    found.append(f"shows the article {article!r}, which does not exist")
            elif not knowledge.articles[article].offices:
                found.append(f"ends in {article!r}, which names no office")
    return found


def _from_first(flow: Flow, flows: Mapping[str, Flow]) -> set[str]:
    seen, open_ = set(), [flow.first.name]
    while open_:
        name = open_.pop()
        if name in seen or name not in flow:
            continue
        seen.add(name)
        open_ += [to for to in flow[name].targets if "." not in to and not to.startswith("article:")]
    return seen


def _led_from_elsewhere(place: str, flows: Mapping[str, Flow]) -> bool:
    return any(place in node.targets for flow in flows.values() for node in flow.nodes)


def phrases(flows: Mapping[str, Flow]) -> list[Phrase]:
    """Every phrase the guided flows can say."""
    found: list[Phrase] = []
    for flow in flows.values():
        for node in flow.nodes:
            found += [*node.says, *(option.label for option in node.options)]
            if node.reader is not None:
                found.append(node.reader.again)
    return found


def mermaid(flow: Flow) -> str:
    """The flow as a Mermaid diagram, drawn from its declared targets."""
    lines = ["flowchart TD"]
    for node in flow.nodes:
        shape = f'["{node.shows}"]' if node.shows else f'{{"{node.name}"}}'
        lines.append(f"  {_id(flow.name, node.name)}{shape}")
        for option in node.options:
            lines.append(f'  {_id(flow.name, node.name)} -- "{option.value}" --> {_target(flow, option.to)}')
        for to in node.reader.to if node.reader else ():
            lines.append(f'  {_id(flow.name, node.name)} -. "typed" .-> {_target(flow, to)}')
    return "\n".join(lines) + "\n"


def _id(flow: str, node: str) -> str:
    return f"{flow}_{node}".replace("-", "_")


def _target(flow: Flow, to: str) -> str:
    if to.startswith("article:"):
        name = to.removeprefix("article:")
        return f'{name.replace(".", "_").replace("-", "_")}["{name}"]'
    if to in ENGINE_PLACES:
        return f'{to}(["{to}"])'
    return _id(*to.split(".", 1)) if "." in to else _id(flow.name, to)
