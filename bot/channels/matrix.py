"""Matrix as a channel: /sync in, encrypted rooms, events with transaction ids out.

Its house rules: the sync token is accepted together with the events it brought, so a crash brings them again. Keys are
stored before that (`matrix_client`). An event whose key is missing is kept, still encrypted, before the token moves on;
it is read when the key comes, and the person is told once. Its weakness: the keys live in a data folder, so every
process is a device of its own, and what a device could not read when it was made it never can.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import fcntl
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, TypeVar
from urllib.parse import quote

from bot.channels import matrix_files
from bot.channels.base import Accept, ReadCursor
from bot.channels.matrix_check import check_account
from bot.channels.matrix_client import Allowed, MatrixClient
from bot.channels.matrix_intake import FILTER, Intake
from bot.channels.matrix_login import REFUSED, Account, Login
from bot.channels.matrix_requests import NETWORK, MatrixError, answered
from bot.channels.matrix_rooms import NEW_ROOMS_A_MINUTE, Rooms
from bot.channels.matrix_send import Offers, Sender
from bot.channels.matrix_signing import vouch
from bot.channels.matrix_state import MatrixState
from bot.errors import SendError, SettingsError
from flows.core.delivery import Attachment, Capabilities, Delivery, Receipt
from flows.core.events import ChoiceMade, CommandGiven, Event, MessageReceived, PersonLeft

log = logging.getLogger(__name__)

SYNC_MS = 30_000
KEY_SECONDS = 10.0
"""How long a key may be late before the person is told."""

LONGEST_WAIT = 30.0
LOGIN_SECONDS = 10.0
COURTESIES = 100
"""So many receipts at a time; beyond that they are left out."""


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class StaffRoom:
    """Where staff work on Matrix. `devices`: fingerprints of the devices that may read and write there; empty: any."""

    room: str
    layout: Literal["thread", "room"] = "thread"
    devices: Collection[str] = ()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class MatrixChannel:
    """One account on a homeserver. `folder` holds its device's keys; `key` seals what is kept there."""

    name = "matrix"
    can = Capabilities(buttons=False, text_limit=65536)

    def __init__(
        self,
        account: Account,
        *,
        folder: Path,
        key: bytes,
        read_cursor: ReadCursor,
        staff: StaffRoom | None = None,
        choices: Literal["reactions", "numbers", "polls"] = "reactions",
        only_direct: str = "",
        new_rooms_a_minute: int = NEW_ROOMS_A_MINUTE,
        key_seconds: float = KEY_SECONDS,
        clock: Callable[[], dt.datetime] = _now,
    ) -> None:
        self._state = MatrixState(folder, key)
        self._login = Login(account, self._state, folder)
        self._folder = folder
        self._read_cursor = read_cursor
        self._staff = staff
        self._choices = choices
        self._rooms = Rooms(
            self._state,
            staff_room=staff.room if staff else None,
            layout=staff.layout if staff else "thread",
            only_direct=only_direct,
            new_rooms_a_minute=new_rooms_a_minute,
        )
        self._key_seconds = key_seconds
        self._clock = clock
        self._offers = Offers()
        self._client: MatrixClient | None = None
        self._sender: Sender | None = None
        self._ready = asyncio.Event()
        self._courtesies: set[asyncio.Task[None]] = set()
        self._started = clock()
        self.ignored: Counter[str] = Counter()  # events that were none of ours, by reason

    # ---- receiving ----

    async def receive(self, accept: Accept) -> None:
        """Receive until cancelled; SettingsError when the homeserver refuses the login at the start."""
        with _only_one(self._folder):
            client = await self._insist(self._begin)
            while True:
                intake = Intake(
                    client, self._state, self._rooms, allowed=self._allowed(), clock=self._clock, ignored=self.ignored
                )
                beside = [
                    asyncio.create_task(self._rooms.doorman(client), name="matrix invitations"),
                    asyncio.create_task(intake.tell_of_keys(accept, self._key_seconds), name="matrix keys"),
                    asyncio.create_task(self._offers.run(client), name="matrix reactions"),
                ]
                try:
                    await self._listen(client, intake, accept)
                finally:
                    for task in beside:
                        task.cancel()
                    await asyncio.gather(*beside, return_exceptions=True)
                client = await self._insist(self._begin_again)

    async def _begin(self) -> MatrixClient:
        client = await self._login.client()
        try:
            if client.should_upload_keys:
                await client.upload_keys()
            await vouch(client, self._state, self._login.account.password)
            if self._staff is not None:
                await self._enter(client, self._staff.room)
        except BaseException:
            await client.close()
            raise
        self._sender = Sender(
            client, self._state, self._rooms, choices=self._choices, offer=self._offer, allowed=self._allowed()
        )
        self._client = client
        self._ready.set()
        return client

    async def _begin_again(self) -> MatrixClient:
        """After the login was ended elsewhere. The program goes on meanwhile: other channels work."""
        self._ready.clear()
        self._sender, old, self._client = None, self._client, None
        if old is not None:
            await old.close()
        try:
            return await self._begin()
        except SettingsError as error:
            log.error("%s", error)
            raise MatrixError("M_FORBIDDEN") from None

    async def _enter(self, client: MatrixClient, room: str) -> None:
        """Be in the staff room; without an invitation say so and go on."""
        try:
            await client.ask("POST", f"/v3/join/{quote(room, safe='')}", {})
        except MatrixError as error:
            if error.code == "M_LIMIT_EXCEEDED":
                raise
            log.error("the bot is not in LOTSE_MATRIX_STAFF_ROOM (%s); see lotse doctor", error.code)

    async def _listen(self, client: MatrixClient, intake: Intake, accept: Accept) -> None:
        """Sync until the login is no longer accepted."""
        name, since = await self._insist(lambda: self._where(client))
        # Synapse may answer a first sync from its cache, and bring what is old in the second.
        intake.new_from = 0.0 if since else self._started.timestamp() * 1000
        failures = 0
        while True:
            try:
                response = answered(await client.sync(SYNC_MS if since else 0, FILTER, since, set_presence="offline"))
                taken = await intake.take(response, since)
                await accept([event for _, event in taken.events], (name, response.next_batch))
                since, failures = response.next_batch, 0
                for waited in taken.read:
                    self._state.arrived(waited.event)
                await self._follow_up(client, taken.events)
                await client.look_after_keys()
            except MatrixError as error:
                if error.code in REFUSED:
                    log.error("the homeserver no longer accepts the login")
                    return
                failures += 1
                await self._wait(error, failures)
            except Exception as error:  # whatever it is, the token has not moved on: the same events come again
                failures += 1
                await self._wait(error, failures)

    def _allowed(self) -> Allowed | None:
        if self._staff is None or not self._staff.devices:
            return None
        fingerprints = frozenset(self._staff.devices)
        return lambda device: device.ed25519 in fingerprints

    async def _where(self, client: MatrixClient) -> tuple[str, str | None]:
        """The cursor's name and where it stands; a new device goes on where the one before it stopped.

        It is the device's own: to another device the homeserver would have nothing more to deliver.
        """
        name = f"matrix:{client.user_id}:{client.device_id}"
        since = await self._read_cursor(name)
        kept = self._state.session()
        if since is None and kept is not None and kept.before:
            since = await self._read_cursor(f"matrix:{client.user_id}:{kept.before}")
        return name, since

    # ---- courtesies ----

    async def _follow_up(self, client: MatrixClient, events: Sequence[tuple[str, Event]]) -> None:
        """What follows once events are in the inbox: receipts, typing, leaving where the person has left."""
        for room, event in events:
            if isinstance(event, PersonLeft):
                with contextlib.suppress(*NETWORK):
                    await self._rooms.leave(client, room)
            elif isinstance(event, MessageReceived | ChoiceMade | CommandGiven) and len(self._courtesies) < COURTESIES:
                task = asyncio.create_task(_read_and_typing(client, room, event.id.partition(":")[2]))
                self._courtesies.add(task)
                task.add_done_callback(self._courtesies.discard)

    # ---- sending ----

    def _offer(self, room: str, event: str, n: int) -> None:
        if self._choices == "reactions":
            self._offers.add(room, event, n)

    async def send(self, delivery: Delivery, files: Sequence[tuple[str, bytes]] = ()) -> Receipt:
        """Deliver one message, in as many events as it takes; SendError says whether it is worth another try."""
        await self._logged_in()
        assert self._sender is not None
        return await self._sender.send(delivery, files)

    async def fetch(self, attachment: Attachment) -> bytes:
        """The bytes of a file, at most 20 MB; SendError with reason "too-big" beyond that."""
        await self._logged_in()
        assert self._client is not None
        return await matrix_files.fetch(self._client, attachment)

    async def _logged_in(self) -> None:
        """Wait a little for the login at the start; SendError when it does not come."""
        try:
            async with asyncio.timeout(LOGIN_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            raise SendError(retryable=True, reason="not-logged-in") from None

    # ---- house-keeping ----

    async def check(self) -> Sequence[tuple[str, bool, str]]:
        """For `lotse doctor`: (what was looked at, whether it is fine, what to do)."""
        return await check_account(self._login.account, self._state.session(), self._folder, self._staff)

    async def logout(self) -> None:
        """End the login for good: the next start is a new device."""
        await self._login.logout()

    async def close(self) -> None:
        """Let go of connections and files."""
        for task in list(self._courtesies):
            task.cancel()
        await asyncio.gather(*self._courtesies, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
            self._client.store.database.close()
        self._client = self._sender = None
        self._ready.clear()
        self._state.close()

    async def _insist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until it succeeds, or until settings turn out to be wrong."""
        failures = 0
        while True:
            try:
                return await attempt()
            except SettingsError:
                raise
            except Exception as error:
                failures += 1
                await self._wait(error, failures)

    async def _wait(self, error: Exception, failures: int) -> None:
        """Wait before the next try, longer each time."""
        longest = min(2.0 ** (failures - 2), LONGEST_WAIT)
        seconds = random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, hides nothing
        if isinstance(error, MatrixError) and error.retry_after:
            seconds = max(seconds, error.retry_after)
        what = error.code if isinstance(error, MatrixError) else type(error).__name__
        log.warning("receiving from Matrix failed (%s); trying again in %.1f s", what, seconds)
        await asyncio.sleep(seconds)


async def _read_and_typing(client: MatrixClient, room: str, event: str) -> None:
    """Show that a message was read and an answer is coming; when it fails nothing is lost."""
    of, me = f"/v3/rooms/{quote(room, safe='')}", quote(client.user_id, safe="")
    with contextlib.suppress(MatrixError, *NETWORK):
        await client.ask("PUT", f"{of}/typing/{me}", {"typing": True, "timeout": 4000})
        await client.ask("POST", f"{of}/receipt/m.read/{quote(event, safe='')}", {})


@contextlib.contextmanager
def _only_one(folder: Path) -> Any:
    """Hold the folder of keys; SettingsError when another process does."""
    file: IO[str] = open(folder / "lock", "w")  # noqa: SIM115 - held open as long as the lock is
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise SettingsError(
            f"another process uses the Matrix keys in {folder}; set LOTSE_DATA_DIR to a folder of this one's own"
        ) from None
    try:
        yield
    finally:
        file.close()
