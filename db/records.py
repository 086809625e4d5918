"""How rows are found and read: keys of addresses, and a case from its row."""

from __future__ import annotations

from sqlalchemy import select

from db.codec import Codec
from db.sql import Row, moment
from db.store import Ticket
from db.tables import members, tickets
from flows.core.events import Address

TICKETS = select(
    tickets.c.number,
    tickets.c.state,
    tickets.c.language,
    tickets.c.topic,
    tickets.c.urgent,
    tickets.c.discreet,
    tickets.c.member,
    tickets.c.outcome,
    tickets.c.origin,
    tickets.c.opened_at,
    tickets.c.changed_at,
    members.c.hash,
    members.c.name,
).select_from(tickets.outerjoin(members, members.c.number == tickets.c.member))
"""Cases with the name of who has them, as `open_ticket` reads them."""


def address_key(codec: Codec, address: Address) -> str:
    """The key of a conversation, a recipient or a member's address: of channel and peer, whatever the thread."""
    return codec.digest("address", address.channel, address.peer)


def open_ticket(codec: Codec, row: Row) -> Ticket:
    """The case in a row of `TICKETS`."""
    number, state, language, topic, urgent, discreet, member, outcome, origin, opened, changed, key, name = row[:13]
    return Ticket(
        number=number,
        state=state,
        language=language,
        topic=topic,
        urgent=bool(urgent),
        discreet=bool(discreet),
        member=member,
        member_name=codec.open_text(f"member:{key}", name) if name is not None else "",
        opened_at=moment(opened),
        changed_at=moment(changed),
        outcome=outcome,
        origin=origin,
    )
