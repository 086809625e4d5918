"""The one table of languages: what each is called, by whom, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Language:
    """A language people may be answered in. Digits are Western in all of them."""

    code: str  # ours, ISO 639: in file names, choices, links
    locale: str  # Babel's
    telegram: str  # what Telegram calls it: `language_code`, commands per language
    name: str  # its own name in its own script
    direction: Literal["ltr", "rtl"] = "ltr"
    voiced: bool = False  # the bot speaks it: a catalogue is there and complete


LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {
        language.code: language
        for language in (
            Language(code="de", locale="de", telegram="de", name="Deutsch", voiced=True),
            Language(code="en", locale="en_GB", telegram="en", name="English", voiced=True),
            Language(code="ar", locale="ar", telegram="ar", name="العربية", direction="rtl", voiced=True),
            Language(code="uk", locale="uk", telegram="uk", name="Українська", voiced=True),
            Language(code="ru", locale="ru", telegram="ru", name="Русский", voiced=True),
            Language(code="fa", locale="fa", telegram="fa", name="فارسی", direction="rtl", voiced=True),
            Language(code="ro", locale="ro", telegram="ro", name="Română", voiced=True),
            Language(code="tr", locale="tr", telegram="tr", name="Türkçe", voiced=True),
            Language(code="fr", locale="fr", telegram="fr", name="Français", voiced=True),
            Language(code="vi", locale="vi", telegram="vi", name="Tiếng Việt", voiced=True),
            Language(code="kmr", locale="ku", telegram="ku", name="Kurmancî"),
            Language(code="sq", locale="sq", telegram="sq", name="Shqip"),
            Language(code="sr", locale="sr_Latn", telegram="sr", name="Srpski", voiced=True),
            Language(code="hu", locale="hu", telegram="hu", name="Magyar", voiced=True),
        )
    }
)

VOICED: tuple[str, ...] = tuple(code for code, language in LANGUAGES.items() if language.voiced)


def from_platform(tag: str | None) -> str | None:
    """Our code for what a platform calls a language ("de-AT", "ku", "sr-Latn"); None when we have none."""
    if not tag:
        return None
    first = tag.replace("_", "-").split("-", 1)[0].lower()
    if first in LANGUAGES:
        return first
    return next((code for code, language in LANGUAGES.items() if language.telegram == first), None)
