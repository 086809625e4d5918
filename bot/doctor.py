"""`lotse doctor`: what is wrong with settings, tokens, rights, database and clock, and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bot import whole
from bot.app import make_store, opened, utc_now
from bot.cli import FINE, NOT_FINE
from bot.errors import LotseError, SettingsError
from bot.serve import nameless, refuse_public
from bot.settings import Settings
from flows.core.knowledge import Knowledge


@dataclass(frozen=True, kw_only=True)
class Look:
    """One thing that was looked at."""

    what: str
    fine: bool
    say: str  # what was found, or what to do


async def doctor(settings: Settings, as_json: bool) -> int:
    """Look at everything, say all of it; 1 when something is not fine."""
    looks = [
        *_settings(settings),
        *_content(settings),
        *await _database(settings),
        *await _telegram(settings),
        *await _matrix(settings),
    ]
    if as_json:
        print(json.dumps([vars(look) for look in looks], ensure_ascii=False))
    else:
        for look in looks:
            print(f"{'ok ' if look.fine else 'NOT'}  {look.what}: {look.say}")
    return FINE if all(look.fine for look in looks) else NOT_FINE


def _settings(settings: Settings) -> Sequence[Look]:
    looks = [Look(what="data folder", fine=True, say=str(settings.data_dir))]
    if settings.key_path.exists():
        mode = settings.key_path.stat().st_mode & 0o777
        say = (
            "only its owner can read it"
            if mode == 0o600
            else f"others can read it; type: chmod 600 {settings.key_path}"
        )
        looks.append(Look(what="key file", fine=mode == 0o600, say=say))
    return looks


def _content(settings: Settings) -> Sequence[Look]:
    looks: list[Look] = []
    knowledge, _, problems = whole.read(settings, utc_now().date())
    errors = [p for p in problems if p.severity == "error"]
    if errors:
        say = f"{len(errors)} errors; see lotse check. The first: {errors[0]}"
        looks.append(Look(what="knowledge", fine=False, say=say))
    if knowledge is None:
        return looks
    if not errors:
        say = f"{len(knowledge.articles)} articles for {knowledge.town.name}"
        looks.append(Look(what="knowledge", fine=True, say=say))
    try:
        refuse_public(settings, knowledge)
    except SettingsError as error:
        looks.append(Look(what="web", fine=False, say=str(error)))
    if (problem := nameless(settings)) is not None:
        looks.append(Look(what="web", fine=False, say=problem))
    looks.append(_clock(knowledge))
    if knowledge.town.staff_hours is None:
        say = "no office hours of staff in town.toml: people are told “as soon as somebody is there”"
        looks.append(Look(what="office hours", fine=True, say=say))
    return looks


def _clock(knowledge: Knowledge) -> Look:
    """Nothing of ours was written later than now; a clock that says so tells every deadline wrongly."""
    today = utc_now().date()
    checked = max((article.checked_on for article in knowledge.articles.values()), default=today)
    say = f"it is {today} (UTC)"
    if today < checked:
        say = f"it says {today}, but articles were checked on {checked}: set it"
    return Look(what="clock", fine=today >= checked, say=say)


async def _database(settings: Settings) -> Sequence[Look]:
    try:
        async with opened(make_store(settings)) as store:
            members = await store.members()
    except LotseError as error:
        return [Look(what="database", fine=False, say=str(error))]
    except Exception as error:  # a driver's error: the class says enough, its text may hold the password
        return [
            Look(what="database", fine=False, say=f"cannot be reached ({type(error).__name__}); see LOTSE_DATABASE_URL")
        ]
    looks = [Look(what="database", fine=True, say="answers, and the tables are this release's")]
    say = f"{len(members)} on staff" if members else "nobody is on staff: no case can be opened; see lotse member add"
    looks.append(Look(what="staff", fine=True, say=say))
    return looks


async def _telegram(settings: Settings) -> Sequence[Look]:
    if not settings.telegram_token:
        return [Look(what="telegram", fine=True, say="not configured (LOTSE_TELEGRAM_TOKEN)")]
    from bot.channels.telegram_setup import telegram_channel

    try:
        channel = telegram_channel(settings, None)
    except LotseError as error:
        return [Look(what="telegram", fine=False, say=str(error))]
    try:
        return [Look(what=f"telegram: {what}", fine=fine, say=say) for what, fine, say in await channel.check()]
    finally:
        await channel.close()


async def _matrix(settings: Settings) -> Sequence[Look]:
    if not settings.matrix_homeserver:
        return [Look(what="matrix", fine=True, say="not configured (LOTSE_MATRIX_HOMESERVER)")]
    from bot.channels.matrix_setup import matrix_channel

    try:
        channel = matrix_channel(settings, None)
    except LotseError as error:
        return [Look(what="matrix", fine=False, say=str(error))]
    try:
        return [Look(what=f"matrix: {what}", fine=fine, say=say) for what, fine, say in await channel.check()]
    except LotseError as error:
        return [Look(what="matrix", fine=False, say=str(error))]
    finally:
        await channel.close()
