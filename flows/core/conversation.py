"""Everything remembered between two events of one person. It is plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flows.core.events import Address

Mode = Literal["bot", "desk"]


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One thing said, kept for the brief: by the person or by the bot."""

    by: Literal["person", "bot"]
    text: str  # the person's words, or what the bot showed ("article:waste.bulky", "phrase:…")


@dataclass(frozen=True, kw_only=True)
class TicketRef:
    """The conversation's case: the effect that opened it, and its number once the store gave one."""

    id: str
    number: int | None = None
    told_hours: bool = False  # the person has heard when staff are there


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """What is remembered about a person's talk, and where in a flow they are."""

    address: Address
    language: str | None = None
    fallback: str | None = None  # the language they chose for texts not yet in theirs
    mode: Mode = "bot"
    flow: str | None = None
    node: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)  # by "<flow>.<node>"
    trail: tuple[str, ...] = ()  # nodes passed, for "back"
    topic: str | None = None
    article: str | None = None  # shown last
    district: str | None = None
    pending: str | None = None  # a question typed before it could be answered
    choices: tuple[tuple[str, str], ...] = ()  # (id, label) shown last, in order, so that a number or a label picks one
    pressed: str | None = None  # the button pressed last, so that a second press changes nothing
    recent: tuple[Turn, ...] = ()
    ticket: TicketRef | None = None
    last_case: str | None = None  # ISO time at which the last case was closed
    consent: str | None = None  # version of the text agreed to
    discreet: bool = False
    version: int = 0

    def changed(self, **changes: Any) -> Conversation:
        """The same with some fields changed; TypeError for a field that is none.

        What `dataclasses.replace` does, which takes all nineteen fields in hand for each change.
        """
        if not changes.keys() <= self.__dataclass_fields__.keys():
            raise TypeError(f"a conversation has no {', '.join(sorted(changes.keys() - self.__dataclass_fields__))}")
        new = object.__new__(Conversation)
        new.__dict__.update(self.__dict__, **changes)
        return new

    def to_json(self) -> dict[str, Any]:
        """The form kept in the store."""
        data: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        address, ticket = self.address, self.ticket
        data["address"] = {"channel": address.channel, "peer": address.peer, "thread": address.thread}
        data["answers"] = dict(self.answers)
        data["recent"] = [{"by": turn.by, "text": turn.text} for turn in self.recent]
        if ticket is not None:
            data["ticket"] = {"id": ticket.id, "number": ticket.number, "told_hours": ticket.told_hours}
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Conversation:
        """The conversation that `to_json` described; fields of a later release are left out."""
        fields = cls.__dataclass_fields__
        known = {k: v for k, v in data.items() if k in fields}
        known["address"] = Address(**known["address"])
        known["trail"] = tuple(known.get("trail", ()))
        known["choices"] = tuple([(choice, label) for choice, label in known.get("choices", ())])
        known["recent"] = tuple([Turn(**turn) for turn in known.get("recent", ())])
        if known.get("ticket") is not None:
            known["ticket"] = TicketRef(**known["ticket"])
        return cls(**known)
