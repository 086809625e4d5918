"""Telegram as a channel: long polling or a webhook in, the Bot API out.

Its house rule: Telegram hears that an update has arrived only after `accept` returned. By polling that is the next
request with a higher offset, by webhook the status 200. An update that comes again is a duplicate for the inbox.
Its weakness: sending has no key of its own there, so a message whose answer got lost is sent twice.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from telegram import Bot
from telegram.constants import ChatAction
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, TelegramError

from bot.channels.base import Accept, ReadCursor
from bot.channels.pace import Pace
from bot.channels.telegram_check import bot_id, check_bot
from bot.channels.telegram_errors import send_error
from bot.channels.telegram_http import FILE_BYTES, AiohttpRequest, Flood, read_json
from bot.channels.telegram_profile import Profile, show_profile
from bot.channels.telegram_send import Sender
from bot.channels.telegram_updates import Ignored, moved, read_update, update_id
from bot.errors import SendError, SettingsError
from flows.core.delivery import Attachment, Capabilities, Delivery, Receipt
from flows.core.events import Event

log = logging.getLogger(__name__)

POLL_SECONDS = 30
POLL_UPDATES = 100
FORGET_CURSOR = dt.timedelta(days=6)
"""After a week without updates Telegram may begin its numbers anew, below the old ones."""

LONGEST_WAIT = 30.0
ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")

T = TypeVar("T")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class TelegramChannel:
    """One bot on Telegram.

    `token`: from @BotFather; SettingsError when it has another form. `read_cursor`: where polling goes on.
    `api_url`: bare origin of a self-hosted Bot API server. `staff_chat`: the staff group's id.
    `public_url`: the origin Telegram can reach, for the webhook. `profiles`: by language, told when receiving begins.
    `pace`: how fast may be sent; without it nothing is held back until Telegram asks for silence.
    """

    name = "telegram"
    can = Capabilities(buttons=True, text_limit=4096)

    def __init__(
        self,
        token: str,
        *,
        read_cursor: ReadCursor,
        api_url: str | None = None,
        mode: Literal["polling", "webhook"] = "polling",
        staff_chat: int | None = None,
        public_url: str | None = None,
        profiles: Mapping[str, Profile] | None = None,
        pace: Pace | None = None,
        clock: Callable[[], dt.datetime] = _now,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        try:
            self.bot_id = bot_id(token)
        except ValueError:
            raise SettingsError("LOTSE_TELEGRAM_TOKEN is not a bot token (123456:ABC…)") from None
        if mode == "webhook" and not public_url:
            raise SettingsError("LOTSE_TELEGRAM_MODE=webhook needs LOTSE_PUBLIC_URL=https://…")
        origin = (api_url or "https://api.telegram.org").rstrip("/")
        self._request = AiohttpRequest()
        self._bot = Bot(
            token,
            base_url=f"{origin}/bot",
            base_file_url=f"{origin}/file/bot",
            request=self._request,
            get_updates_request=self._request,
        )
        self.pace = pace
        self._sender = Sender(self._bot, pace)
        self._read_cursor = read_cursor
        self._mode = mode
        self.alone = mode == "polling"  # two that poll would take each other's updates
        self._staff_chat = staff_chat
        self._public_url = public_url.rstrip("/") if public_url else None
        self._profiles = profiles or {}
        self._clock = clock
        self._pause = pause
        self._accept: Accept | None = None
        self.cursor_name = f"telegram:{self.bot_id}"
        self.webhook_path = f"/telegram/{_derived(token, 'path')}"
        self.webhook_secret = _derived(token, "secret")
        self.ignored: Counter[str] = Counter()  # updates that were no events, by reason

    # ---- receiving ----

    async def receive(self, accept: Accept) -> None:
        """Receive until cancelled; SettingsError when Telegram refuses token or webhook at the start."""
        await self._insist(self._begin)
        await self._insist(self._find_staff_chat)
        self._accept = accept
        telling = asyncio.create_task(show_profile(self._bot, self._profiles))
        try:
            if self._mode == "webhook":
                await asyncio.Event().wait()
            else:
                await self._poll(accept)
        finally:
            self._accept = None
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _begin(self) -> None:
        """The first request: set the webhook or take it away."""
        try:
            if self.webhook_url is not None and self._mode == "webhook":
                await self._bot.set_webhook(
                    self.webhook_url, secret_token=self.webhook_secret, allowed_updates=ALLOWED_UPDATES
                )
            else:
                await self._bot.delete_webhook()
        except InvalidToken:
            raise SettingsError(
                "Telegram refuses LOTSE_TELEGRAM_TOKEN; copy it again from @BotFather "
                "(with LOTSE_TELEGRAM_API_URL: see that it is the origin of a Bot API server)"
            ) from None
        except BadRequest:
            raise SettingsError(
                "Telegram refuses the webhook; LOTSE_PUBLIC_URL must be an https:// address that Telegram can reach"
            ) from None

    async def _find_staff_chat(self) -> None:
        """Where the staff group is now: it has another number since it became a supergroup."""
        if self._staff_chat is None:
            return
        try:
            await self._bot.send_chat_action(self._staff_chat, ChatAction.TYPING)
        except ChatMigrated as error:
            self._staff_chat_moved(error.new_chat_id)
        except (BadRequest, Forbidden) as error:
            log.error("the bot cannot write in LOTSE_TELEGRAM_STAFF_CHAT (%s); see lotse doctor", type(error).__name__)

    def _staff_chat_moved(self, to: int) -> None:
        log.warning("the staff group has become a supergroup: set LOTSE_TELEGRAM_STAFF_CHAT to its new number")
        self._staff_chat = to

    async def _poll(self, accept: Accept) -> None:
        offset, seen = await self._insist(self._where)
        failures = 0
        while True:
            if offset is not None and self._clock() - seen > FORGET_CURSOR:
                offset = None
            try:
                updates = await self._get_updates(offset)
                if updates:
                    offset = await self._take(updates, accept, offset)
                    seen = self._clock()
                failures = 0
            except Exception as error:  # whatever it is, nothing was confirmed: the same updates come again
                failures += 1
                await self._wait(error, failures)

    async def _where(self) -> tuple[int | None, dt.datetime]:
        """The offset to begin with, and when the last update came."""
        value = await self._read_cursor(self.cursor_name)
        try:
            last, _, at = (value or "").partition(" ")
            return int(last) + 1, dt.datetime.fromisoformat(at)
        except ValueError:
            return None, self._clock()

    async def _get_updates(self, offset: int | None) -> list[Any]:
        # Bot.get_updates parses every update, and one that it cannot parse would stop all others for ever. The
        # name of a method is case-insensitive; in this spelling PTB gives the JSON as it came.
        updates = await self._bot.do_api_request(
            "getupdates",
            {
                "offset": offset,
                "timeout": POLL_SECONDS,
                "limit": POLL_UPDATES,
                "allowed_updates": list(ALLOWED_UPDATES),
            },
            read_timeout=POLL_SECONDS + 10,
        )
        return updates if isinstance(updates, list) else []

    async def _take(self, updates: Sequence[object], accept: Accept, offset: int | None) -> int | None:
        """Put updates into the inbox; the offset that confirms them."""
        events = [event for update in updates if (event := self._translate(update)) is not None]
        numbers = [number for update in updates if (number := update_id(update)) is not None]
        if not numbers:
            return offset
        last = max(numbers)
        await accept(events, (self.cursor_name, f"{last} {self._clock().isoformat()}"))
        return last + 1

    def _translate(self, update: object) -> Event | None:
        if (move := moved(update)) is not None and move[0] == self._staff_chat:
            self._staff_chat_moved(move[1])
        try:
            read = read_update(update, self.bot_id, self._staff_chat, self._clock())
        except Exception as error:  # a bug of ours in one update must not keep all others away
            log.error("an update could not be translated (%s); it is left out", type(error).__name__)
            read = Ignored("bug")
        if not isinstance(read, Ignored):
            return read
        self.ignored[read.reason] += 1
        return None

    async def _wait(self, error: Exception, failures: int) -> None:
        """Wait before the next try, longer each time."""
        longest = min(2.0 ** (failures - 1), LONGEST_WAIT)
        seconds = random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, hides nothing
        if isinstance(error, Flood):
            seconds = max(seconds, error.seconds)
        if isinstance(error, Conflict | InvalidToken):
            seconds = LONGEST_WAIT
        if isinstance(error, Conflict):
            log.error("another program receives this bot's messages; only one may. Trying again in %g s", seconds)
        else:
            log.warning("receiving from Telegram failed (%s); trying again in %.1f s", type(error).__name__, seconds)
        await self._pause(seconds)

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

    # ---- webhook ----

    @property
    def webhook_url(self) -> str | None:
        """Where Telegram sends updates, None without a public origin."""
        return f"{self._public_url}{self.webhook_path}" if self._public_url else None

    async def handle_webhook(self, body: bytes, secret: str | None) -> int:
        """The HTTP status for one update: 200 in the inbox, 403 not from Telegram, 400 no JSON, 503 come again."""
        if not hmac.compare_digest((secret or "").encode(), self.webhook_secret.encode()):
            self.ignored["wrong-secret"] += 1
            return 403
        try:
            update = read_json(body)
        except (ValueError, RecursionError):
            self.ignored["malformed"] += 1
            return 400
        if self._accept is None:
            return 503
        event = self._translate(update)
        if event is None:
            return 200
        try:
            await self._accept([event], None)
        except Exception as error:
            log.error(
                "an update could not be put into the inbox (%s); Telegram will bring it again", type(error).__name__
            )
            return 503
        return 200

    # ---- sending ----

    async def send(self, delivery: Delivery, files: Sequence[tuple[str, bytes]] = ()) -> Receipt:
        """Deliver one message, in as many parts as it takes; SendError says whether it is worth another try."""
        try:
            return await self._sender.send(delivery, files)
        except SendError as error:
            if error.moved_to is not None and delivery.peer == str(self._staff_chat):
                self._staff_chat_moved(int(error.moved_to))
            raise

    async def fetch(self, attachment: Attachment) -> bytes:
        """The bytes of a file, at most 20 MB; SendError with reason "too-big" beyond that."""
        if attachment.size > FILE_BYTES:
            raise SendError(retryable=False, reason="too-big")
        try:
            file = await self._bot.get_file(attachment.ref)
            return bytes(await file.download_as_bytearray())
        except TelegramError as error:
            raise send_error(error) from None

    # ---- house-keeping ----

    async def check(self) -> Sequence[tuple[str, bool, str]]:
        """For `lotse doctor`: (what was looked at, whether it is fine, what to do)."""
        return await check_bot(
            self._bot,
            self._request,
            mode=self._mode,
            webhook_url=self.webhook_url,
            staff_chat=self._staff_chat,
            now=self._clock(),
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self._request.shutdown()


def _derived(token: str, purpose: str) -> str:
    """A secret that only who has the token can know."""
    return hmac.new(token.encode(), f"lotse telegram {purpose}".encode(), hashlib.sha256).hexdigest()
