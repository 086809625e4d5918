"""What a guided flow is made of: nodes that say, ask and show, and declare where they can lead.

A node either asks (options, a reader) or shows an article; nothing else. Because every target is declared, the
graph can be checked and drawn without running it (`flows/core/inspect.py`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flows.core.phrases import Phrase, Value


@dataclass(frozen=True, kw_only=True)
class Option:
    """One answer a person can pick at a node.

    `to` is a node of the same flow ("place"), of another ("waste.start"), an article ("article:waste.bulky"),
    or one of the engine's own places ("human", "menu").
    """

    value: str
    label: Phrase
    to: str


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a typed answer came to: where it leads, and values for the next sentence, which are not stored."""

    to: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads a typed answer at a node.

    `read` gets the text and today's date and answers with a Reading, or None when it cannot be read, in which case
    `again` is said. `wants_number` keeps a bare number from picking the n-th choice. `private`: what was typed
    is kept nowhere, not even in the brief.
    """

    read: Callable[[str, dt.date], Reading | None]
    to: tuple[str, ...]
    again: Phrase
    wants_number: bool = False
    private: bool = False


@dataclass(frozen=True, kw_only=True)
class Node:
    """One step of a flow.

    `shows` names the article a path ends in; `section` the part of it; the article brings the office with it.
    """

    name: str
    says: tuple[Phrase, ...] = ()
    options: tuple[Option, ...] = ()
    reader: Reader | None = None
    shows: str | None = None
    section: str | None = None
    offers_human: bool = False  # the human comes first among the choices

    @property
    def targets(self) -> tuple[str, ...]:
        """Everywhere this node can lead."""
        return tuple(option.to for option in self.options) + (self.reader.to if self.reader else ())


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A guided path through a topic; it begins at its first node."""

    name: str
    nodes: tuple[Node, ...]

    def __getitem__(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(f"{self.name}.{name}")

    def __contains__(self, name: object) -> bool:
        return any(node.name == name for node in self.nodes)

    @property
    def first(self) -> Node:
        return self.nodes[0]
