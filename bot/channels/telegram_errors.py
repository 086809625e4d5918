"""Telegram's errors as the outbox understands them: by class and by code, never by whole sentences."""

from __future__ import annotations

from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError

from bot.channels.telegram_http import Flood
from bot.errors import SendError

_THREAD_GONE = ("message thread not found", "thread not found", "topic_deleted", "topic_closed", "topic_id_invalid")
_GONE = ("chat not found", "user not found", "peer_id_invalid", "user_deactivated", "deactivated")
_NOT_MODIFIED = ("message is not modified", "message_not_modified")
_EDIT_LOST = ("message to edit not found", "message can't be edited", "message_id_invalid", "message_edit_time_expired")
_PICTURE = ("photo_invalid", "image_process_failed", "photo_ext_invalid", "photo_save_file_invalid")
_TOO_BIG = ("file is too big",)


def send_error(error: TelegramError) -> SendError:
    """Whether it is worth another try, and what else is known."""
    match error:
        case Flood():
            return SendError(retryable=True, retry_after=error.seconds, reason="flood")
        case ChatMigrated():
            return SendError(retryable=True, reason="migrated", moved_to=str(error.new_chat_id))
        case Forbidden():
            return SendError(retryable=False, reason="gone" if _says(error, _GONE) else "blocked")
        case InvalidToken():
            return SendError(retryable=True, reason="token")
        case BadRequest():  # a subclass of NetworkError, so it stands before it
            return _refused(error)
    return SendError(retryable=True, reason=type(error).__name__)


def _refused(error: BadRequest) -> SendError:
    if _says(error, _THREAD_GONE):
        return SendError(retryable=True, reason="thread-gone", thread_gone=True)
    if _says(error, _GONE):
        return SendError(retryable=False, reason="gone")
    if _says(error, _TOO_BIG):
        return SendError(retryable=False, reason="too-big")
    return SendError(retryable=False, reason="refused")


def not_modified(error: BadRequest) -> bool:
    """An edit changed nothing: the message already says it."""
    return _says(error, _NOT_MODIFIED)


def edit_lost(error: BadRequest) -> bool:
    """The message to be changed is gone or too old: say it anew."""
    return _says(error, _EDIT_LOST)


def thread_gone(error: BadRequest) -> bool:
    """The topic has been deleted or closed."""
    return _says(error, _THREAD_GONE)


def no_picture(error: BadRequest) -> bool:
    """Telegram does not take the bytes as a picture; as a file it does."""
    return _says(error, _PICTURE)


def _says(error: TelegramError, codes: tuple[str, ...]) -> bool:
    said = error.message.lower()
    return any(code in said for code in codes)
