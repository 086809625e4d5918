"""The knowledge folder, read and checked: the only door from `knowledge/` to the rest of Lotse."""

from bot.content.articles import digest
from bot.content.load import RECHECK_TOPICS, check_content, load_knowledge, read_content
from bot.content.unfinished import danger_articles
from bot.content.versions import NotMinorError, mark_minor, stamp

__all__ = [
    "RECHECK_TOPICS",
    "NotMinorError",
    "check_content",
    "danger_articles",
    "digest",
    "load_knowledge",
    "mark_minor",
    "read_content",
    "stamp",
]
