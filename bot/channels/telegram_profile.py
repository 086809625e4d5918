"""What Telegram shows about the bot in each language: its commands and a description."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telegram import Bot, BotCommand
from telegram.error import TelegramError

from bot.languages import LANGUAGES
from bot.render import Catalogs
from flows.core.knowledge import Town
from flows.core.phrases import phrase

log = logging.getLogger(__name__)

DESCRIPTION_CHARACTERS = 512


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The bot's commands and description in one language."""

    commands: Sequence[tuple[str, str]]  # (command without slash, what it does)
    description: str  # shown before the first message


def profiles(catalogs: Catalogs, town: Town) -> dict[str, Profile]:
    """A profile in each of the town's languages that the bot has a voice in."""
    commands = (
        ("menu", phrase("button.menu")),
        ("human", phrase("button.human")),
        ("language", phrase("button.language")),
        ("privacy", phrase("welcome.stored.label")),
        ("stop", phrase("handover.stop")),
        ("delete", phrase("privacy.delete")),
    )
    about = (phrase("welcome.who", project=town.project, operator=town.operator), phrase("welcome.telegram"))
    return {
        language: Profile(
            commands=tuple((name, catalogs.text(language, said)) for name, said in commands),
            description=" ".join(catalogs.text(language, said) for said in about)[:DESCRIPTION_CHARACTERS],
        )
        for language in town.languages
        if language in catalogs.languages
    }


async def show_profile(bot: Bot, by_language: Mapping[str, Profile]) -> None:
    """Tell Telegram what it does not show yet; what it refuses is logged and left.

    The first language is also shown to people whose language is not among them.
    """
    for i, (language, profile) in enumerate(by_language.items()):
        codes = ([None] if i == 0 else []) + [LANGUAGES[language].telegram]
        for code in codes:
            try:
                await _show(bot, profile, code)
            except TelegramError as error:
                log.warning("commands in %s could not be set (%s)", language, type(error).__name__)


async def _show(bot: Bot, profile: Profile, code: str | None) -> None:
    commands = tuple(BotCommand(name, does) for name, does in profile.commands)
    if await bot.get_my_commands(language_code=code) != commands:
        await bot.set_my_commands(commands, language_code=code)
    if (await bot.get_my_description(language_code=code)).description != profile.description:
        await bot.set_my_description(profile.description, language_code=code)
