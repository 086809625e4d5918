"""What leaves: a rendered message on its way, and what became of it.

Plain data, because the outbox stores it and every channel reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["reply", "agent", "brief", "copy", "note", "mark", "wake", "system", "erase"]
"""Why something is sent. To the person: `reply` (the bot's), `agent` (a member's own words).
To the desk: `brief`, `copy` (of something the person wrote), `note`, `mark` (delivered, failed, closed), `wake`.
`system` with an empty message only answers a button press; `erase` takes a case's thread out of a staff room."""


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a channel can show: buttons or numbered lines, and how long one message may be."""

    buttons: bool
    text_limit: int = 4096


@dataclass(frozen=True, kw_only=True)
class RichSpan:
    """Running text ready to show; isolates for right-to-left are already in it."""

    text: str
    bold: bool = False
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class RichBlock:
    """A paragraph, list item, heading or small print."""

    kind: Literal["paragraph", "bullet", "number", "heading", "small"]
    spans: tuple[RichSpan, ...]
    number: int | None = None

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True, kw_only=True)
class Button:
    """A choice with its label in the person's language."""

    id: str
    label: str


@dataclass(frozen=True, kw_only=True)
class RenderedMessage:
    """A message in one language, in a form every channel can show.

    `text` is the plain form; `blocks` say the same with headings, lists and links. Both fit any length:
    a channel with a limit splits them.
    """

    text: str
    blocks: tuple[RichBlock, ...]
    choices: tuple[Button, ...]
    language: str
    article: str | None = None
    notices: tuple[str, ...] = ()
    crisis: bool = False
    discreet: bool = False

    def to_json(self) -> dict[str, Any]:
        """The form kept in the outbox."""
        return {
            "text": self.text,
            "blocks": [
                {
                    "kind": block.kind,
                    "number": block.number,
                    "spans": [[span.text, span.bold, span.url] for span in block.spans],
                }
                for block in self.blocks
            ],
            "choices": [[button.id, button.label] for button in self.choices],
            "language": self.language,
            "article": self.article,
            "notices": list(self.notices),
            "crisis": self.crisis,
            "discreet": self.discreet,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RenderedMessage:
        """The message that `to_json` described."""
        return cls(
            text=data["text"],
            blocks=tuple(
                RichBlock(
                    kind=block["kind"],
                    number=block["number"],
                    spans=tuple(RichSpan(text=t, bold=b, url=u) for t, b, u in block["spans"]),
                )
                for block in data["blocks"]
            ),
            choices=tuple(Button(id=i, label=label) for i, label in data["choices"]),
            language=data["language"],
            article=data["article"],
            notices=tuple(data["notices"]),
            crisis=data["crisis"],
            discreet=data["discreet"],
        )


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file a person or a member sent, by the vendor's reference; the bytes stay where they are until sent on.

    `kind`: photo, voice, audio, video, document, sticker, location, contact, poll; "locked" is a message whose key
    has not come. `data` holds what has no file (a location's "52.1,11.6").
    """

    kind: str
    ref: str = ""
    name: str = ""
    mime: str = ""
    size: int = 0
    data: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "ref": self.ref,
            "name": self.name,
            "mime": self.mime,
            "size": self.size,
            "data": self.data,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Attachment:
        return cls(**data)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One outbox row on its way to one recipient.

    `id` is `<event id>:<n>`: sending it twice is the same wish. To a person `peer` is where they are reached;
    to a desk `peer` is the staff room and `ticket` the case, whose `thread` is None until the room has one.
    """

    id: str
    channel: str
    peer: str
    role: Role
    message: RenderedMessage
    thread: str | None = None
    ticket: int | None = None
    title: str = ""  # of the case's thread, when it must be made
    attachments: tuple[Attachment, ...] = ()
    source_channel: str = ""  # where the attachments' bytes are
    edits: str | None = None  # external id of the message this one replaces
    answers: str | None = None  # callback id of the button press this answers
    attempt: int = 0


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """A delivery arrived at the vendor."""

    external_ids: tuple[str, ...]  # one per message it was split into
    thread: str | None = None  # the desk thread it went to, when one was made
    peer: str | None = None  # the recipient's new id, when the vendor moved it
