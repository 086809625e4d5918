"""`lotse chat`: a conversation in the terminal, on the same road as every other."""

from __future__ import annotations

import json
import re
import secrets
import signal
import sys
import tempfile
import threading
from pathlib import Path

from bot.app import App, utc_now
from bot.channels.console import ConsoleChannel
from bot.errors import SettingsError
from bot.settings import Settings
from bot.whole import load, warm
from db.codec import Codec
from db.open import open_store
from db.store import EntryView, Member, Store
from flows.core.events import (
    Address,
    AgentWrote,
    ChoiceMade,
    CommandGiven,
    Event,
    MessageReceived,
    TicketClaimed,
    TicketClosed,
)

PERSON = Address(channel="console", peer="terminal")
DESK = Address(channel="desk", peer="terminal")
MEMBER = "Terminal"
DESK_EVENTS = {"brief": "opened", "copy": "message", "agent": "message", "note": "note"}


class Chat:
    """One conversation in the terminal, with a member of staff at hand (`/desk …`)."""

    def __init__(self, app: App, console: ConsoleChannel, member: Member) -> None:
        self.app = app
        self.console = console
        self.member = member
        self.run = secrets.token_hex(4)  # a kept conversation must not meet the same ids again
        self.lines = 0
        self.shown: dict[int, int] = {}  # case → entries printed
        self.closed: set[int] = set()

    async def tell(self, event: Event) -> None:
        """Take one event through the whole road and print what comes of it."""
        await self.app.accept([event])
        await self.app.drain()
        await self.show_desk()

    async def line(self, text: str) -> None:
        """A typed line: free text, `#ID`, `/command`, or `/desk …`."""
        self.lines += 1
        event = await self.event(text)
        if event is not None:
            await self.tell(event)

    async def event(self, text: str) -> Event | None:
        """What a line means; None after saying why it means nothing."""
        base = {"id": f"console:{self.run}:{self.lines}", "at": utc_now()}
        if text == "/desk" or text.startswith("/desk "):
            return await self._desk(text.removeprefix("/desk").strip(), base)
        if text.startswith("#") and len(text) > 1:
            return ChoiceMade(**base, source=PERSON, choice=text[1:].strip())  # type: ignore[arg-type]
        if text.startswith("/") and len(text) > 1:
            name, _, argument = text[1:].partition(" ")
            return CommandGiven(**base, source=PERSON, name=name, argument=argument)  # type: ignore[arg-type]
        return MessageReceived(**base, source=PERSON, text=text, message=str(self.lines))  # type: ignore[arg-type]

    async def _desk(self, rest: str, base: dict[str, object]) -> Event | None:
        verb, _, text = rest.partition(" ")
        open_cases = await self.app.store.cases()
        if not open_cases:
            print("there is no open case; choose “human” first", file=sys.stderr)
            return None
        staff = {
            **base,
            "source": DESK,
            "ticket": open_cases[0].ticket.number,
            "member": self.member.id,
            "member_name": self.member.name,
        }
        match verb:
            case "claim":
                return TicketClaimed(**staff)  # type: ignore[arg-type]
            case "reply":
                return AgentWrote(**staff, text=text, command="reply")  # type: ignore[arg-type]
            case "note":
                return AgentWrote(**staff, text=text, command="note")  # type: ignore[arg-type]
            case "close":
                return TicketClosed(**staff)  # type: ignore[arg-type]
        print("staff commands: /desk claim · reply TEXT · note TEXT · close", file=sys.stderr)
        return None

    async def show_desk(self) -> None:
        """Print what is new in the cases, as staff see it."""
        store = self.app.store
        for line in [*await store.cases(), *await store.cases(closed=True)]:
            number = line.ticket.number
            found = await store.case(number)
            if found is None:
                continue
            ticket, entries = found
            for view in list(entries)[self.shown.get(number, 0) :]:
                self._print_entry(number, view)
            self.shown[number] = len(entries)
            if ticket.state == "closed" and number not in self.closed:
                self.closed.add(number)
                self._print(number, "closed", ticket.outcome or "")

    def _print_entry(self, number: int, view: EntryView) -> None:
        event = DESK_EVENTS.get(view.entry.role)
        if event is not None:
            self._print(number, event, view.entry.message.text)
        elif not self.console.as_json:
            self._print(number, view.entry.role, view.entry.message.text)

    def _print(self, number: int, event: str, text: str) -> None:
        if self.console.as_json:
            line = {"kind": "desk", "case": number, "event": event, "text": text}
            self.console.write(json.dumps(line, ensure_ascii=False))
        else:
            body = "\n".join(f"    | {row}" for row in text.splitlines())
            self.console.write(f"    [desk · case {number} · {event}]\n{body}")


async def run_chat(settings: Settings, language: str | None, as_json: bool, keep: str | None) -> int:
    """The chat until the end of input; 0 after all replies."""
    knowledge, catalogs = load(settings, trying=True)
    if language is not None and language not in knowledge.town.languages:
        raise SettingsError(f"--lang {language}: the town speaks {', '.join(knowledge.town.languages)}")
    if keep is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", keep):
        raise SettingsError("--keep NAME: letters, digits, - and _ only")
    with tempfile.TemporaryDirectory() as folder:
        if keep is None:
            store: Store = open_store(f"sqlite:///{Path(folder) / 'chat.db'}", Codec(secrets.token_bytes(32)))
        else:
            kept = settings.data_dir / "chats"
            kept.mkdir(parents=True, exist_ok=True)
            store = open_store(f"sqlite:///{kept / keep}.db", Codec(settings.key()))
        await store.open()
        console = ConsoleChannel(_print_line, as_json)
        app = App(store=store, knowledge=knowledge, catalogs=catalogs, channels=[console])
        try:
            member = next((m for m in await store.members() if m.name == MEMBER), None)
            if member is None:
                member = await store.add_member(MEMBER, "member", (), wake=False)
            chat = Chat(app, console, member)
            for line in await store.cases(closed=True):
                chat.closed.add(line.ticket.number)
            for line in [*await store.cases(), *await store.cases(closed=True)]:
                found = await store.case(line.ticket.number)
                chat.shown[line.ticket.number] = len(found[1]) if found else 0
            await _begin(chat, language)
            if sys.stdin.isatty():  # while somebody reads the greeting
                threading.Thread(target=warm, args=(settings, knowledge), daemon=True).start()
            await _read(chat)
        finally:
            await app.close()
    return 0


async def _begin(chat: Chat, language: str | None) -> None:
    """Greet like a messenger would after /start; a language given and a pipe begin silently."""
    known = await chat.app.store.conversation(PERSON)
    if known is not None and known.language is not None and language in (None, known.language):
        return
    payload = f"v1_{language}" if language else ""
    start = CommandGiven(id=f"console:{chat.run}:start", at=utc_now(), source=PERSON, name="start", argument=payload)
    write = chat.console.write
    if language is not None and not sys.stdin.isatty():
        chat.console.write = lambda text: None
    await chat.tell(start)
    chat.console.write = write


async def _read(chat: Chat) -> None:
    """Lines from a person or a pipe, one after the other."""
    interactive = sys.stdin.isatty() and not chat.console.as_json
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)  # asyncio's waits for the end of the line
    while True:
        try:
            # Nothing else happens between two lines, so waiting for one may hold up the loop.
            line = _prompt() if interactive else sys.stdin.readline()
        except EOFError:
            return
        if not interactive and line == "":
            return
        await chat.line(line.rstrip("\n"))


def _prompt() -> str:
    return input("> ")


def _print_line(text: str) -> None:
    print(text, flush=True)
