"""A conversation with the pure core, for tests: what is said and pressed, and what comes back.

The state goes through JSON between all lines, as it does in the store.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from bot.catalogs import Catalogs
from bot.plan import Room, Voice, plan
from db.store import Member, Result, Ticket, Work
from flows.core.conversation import Conversation
from flows.core.delivery import Attachment, Capabilities, RenderedMessage
from flows.core.effects import Effect, OpenTicket
from flows.core.engine import step
from flows.core.events import (
    Address,
    AgentWrote,
    ChoiceMade,
    CommandGiven,
    Event,
    MessageReceived,
    TicketClaimed,
    TicketClosed,
    from_json,
    to_json,
)
from flows.core.knowledge import Knowledge

NOON = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
ANNA = Member(id=1, name="Anna", role="member", languages=("de",), wake=True)


class Talk:
    """One person, one conversation, and one member of staff."""

    def __init__(
        self,
        knowledge: Knowledge,
        catalogs: Catalogs,
        *,
        channel: str = "web",
        at: dt.datetime = NOON,
        staffed: bool = True,
        rooms: tuple[Room, ...] = (),
    ) -> None:
        self.knowledge = knowledge
        self.address = Address(channel=channel, peer="person")
        self.at = at
        self.staffed = staffed
        self.rooms = rooms
        self.voice = Voice(catalogs=catalogs, capabilities={channel: Capabilities(buttons=True)}, default_language="de")
        self.state: dict[str, Any] = Conversation(address=self.address).to_json()
        self.ticket: Ticket | None = None
        self.events = 0
        self.cases = 0
        self.effects: tuple[Effect, ...] = ()
        self.results: list[Result] = []

    # ---- the person ----

    def writes(self, text: str, *attachments: Attachment, **rest: Any) -> list[RenderedMessage]:
        return self.happens(
            MessageReceived(**self._base(), text=text, message=str(self.events), attachments=attachments, **rest)
        )

    def presses(self, choice: str, message: str = "") -> list[RenderedMessage]:
        return self.happens(ChoiceMade(**self._base(), choice=choice, message=message))

    def commands(self, name: str, argument: str = "", **rest: Any) -> list[RenderedMessage]:
        return self.happens(CommandGiven(**self._base(), name=name, argument=argument, **rest))

    # ---- the member ----

    def agent(self, text: str, **rest: Any) -> list[RenderedMessage]:
        return self.happens(AgentWrote(**self._desk(), text=text, **rest))

    def claims(self) -> list[RenderedMessage]:
        return self.happens(TicketClaimed(**self._desk()))

    def closes(self) -> list[RenderedMessage]:
        return self.happens(TicketClosed(**self._desk()))

    # ---- what happens ----

    def happens(self, event: Event, ticket: Ticket | None = None) -> list[RenderedMessage]:
        """Take one event through step and plan; returns what the person is told. `ticket`: another than the last."""
        event = from_json(json.loads(json.dumps(to_json(event))))
        before = Conversation.from_json(json.loads(json.dumps(self.state)))
        after, effects = step(before, event, self.knowledge)
        self.effects = effects
        opening = [f"{event.id}:{n}" for n, e in enumerate(effects) if isinstance(e, OpenTicket)]
        numbers = dict.fromkeys(opening, self.cases + 1)
        self.cases += len(opening)
        result = plan(
            Work(event=event, conversation=before, ticket=ticket or self.ticket),
            after,
            effects,
            voice=self.voice,
            rooms=self.rooms,
            members=(ANNA,),
            numbers=numbers,
        )
        self.results.append(result)
        self._follow(result)
        assert result.conversation is not None
        kept = Conversation(address=self.address) if result.forget else result.conversation
        self.state = json.loads(json.dumps(kept.to_json()))
        return [d.message for d in result.deliveries if d.peer == "person" and (d.message.text or d.message.choices)]

    @property
    def conversation(self) -> Conversation:
        return Conversation.from_json(self.state)

    @property
    def last(self) -> Result:
        return self.results[-1]

    def _follow(self, result: Result) -> None:
        if result.opened:
            o = result.opened
            self.ticket = Ticket(
                number=o.number, state="open", language=o.language, topic=o.topic, urgent=o.urgent,
                discreet=o.discreet, member=None, member_name="", opened_at=self.at, changed_at=self.at,
                outcome=None, origin=self.address.channel,
            )  # fmt: skip
        if result.changed and self.ticket:
            values = dict(vars(self.ticket)) | {"state": result.changed.state}
            self.ticket = Ticket(**values)

    def _base(self) -> dict[str, Any]:
        self.events += 1
        return {"id": f"test:{self.events}", "at": self.at, "source": self.address, "staffed": self.staffed}

    def _desk(self) -> dict[str, Any]:
        number = self.ticket.number if self.ticket else None
        return {
            **self._base(),
            "source": Address(channel="desk", peer="web"),
            "ticket": number,
            "member": ANNA.id,
            "member_name": ANNA.name,
        }
