"""Commands that need the store: members, links, the database."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from bot.app import database_told, make_store, only_one, opened, utc_now
from bot.cli import FINE, NOT_FINE
from bot.errors import LotseError, SettingsError
from bot.settings import Settings
from db.store import SchemaError


def carry_out(settings: Settings, options: argparse.Namespace) -> int:
    """`lotse member`, `lotse desk-link`, `lotse matrix-logout`, `lotse db`."""
    match options.command:
        case "member":
            return asyncio.run(_member(settings, options))
        case "desk-link":
            return asyncio.run(_desk_link(settings, options.name))
        case "matrix-logout":
            return asyncio.run(_matrix_logout(settings))
        case _:
            return _database(settings, options)


async def _member(settings: Settings, options: argparse.Namespace) -> int:
    async with opened(make_store(settings)) as store:
        match options.action:
            case "list":
                for member in await store.members():
                    channels = ", ".join(sorted({a.channel for a in member.addresses})) or "web desk only"
                    wake = " · is woken" if member.wake else ""
                    languages = " ".join(member.languages) or "-"
                    print(f"{member.name} · {member.role} · {languages} · {channels}{wake}")
                return FINE
            case "remove":
                if await store.remove_member(options.name):
                    print(f"{options.name} is no longer on staff")
                    return FINE
                print(f"nobody on staff is called {options.name}; see `lotse member list`", file=sys.stderr)
                return NOT_FINE
            case "add":
                spoken = [code for code in options.languages.split(",") if code]
                try:
                    await store.add_member(options.name, options.role, spoken, options.wake)
                except ValueError:
                    print(f"somebody on staff is already called {options.name}", file=sys.stderr)
                    return NOT_FINE
        try:
            code = await store.join_code(options.name, utc_now())
        except KeyError:
            print(f"nobody on staff is called {options.name}; see `lotse member list`", file=sys.stderr)
            return NOT_FINE
        print(f"{options.name} writes this to the bot in a private chat, within 24 hours, once:\n\n  /join {code}\n")
        print(f"For the web desk: lotse desk-link {options.name!r}")
        return FINE


async def _desk_link(settings: Settings, name: str) -> int:
    async with opened(make_store(settings)) as store:
        try:
            token = await store.desk_link(name, utc_now())
        except KeyError:
            print(f"nobody on staff is called {name}; see `lotse member list`", file=sys.stderr)
            return NOT_FINE
    print(f"For {name}, once, within ten minutes:\n\n  {desk_url(settings, token)}\n")
    return FINE


def desk_url(settings: Settings, token: str) -> str:
    """The one-time link; the token is in the fragment, which no server log sees."""
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    return f"{base.rstrip('/')}/desk/enter#{token}"


async def _matrix_logout(settings: Settings) -> int:
    """End the kept login, so that the device disappears from the account; the next start logs in anew."""
    if not settings.matrix_homeserver:
        raise SettingsError("Matrix is not configured (LOTSE_MATRIX_HOMESERVER)")
    from bot.channels.matrix_setup import matrix_channel

    with only_one(settings.data_dir):
        channel = matrix_channel(settings, None)
        try:
            await channel.logout()
        finally:
            await channel.close()
    print("logged out of Matrix; the next lotse run logs in as a new device")
    return FINE


def _database(settings: Settings, options: argparse.Namespace) -> int:
    from db import backup as copies

    if options.action == "upgrade":
        from db.migrate import upgrade

        if settings.embedded:
            settings.key()  # a database without its key would be refused from then on
        with database_told():
            print(upgrade(settings.url))
        return FINE
    if not settings.embedded:
        raise SettingsError(
            f"lotse db {options.action} is for the embedded database; use pg_dump and pg_restore for PostgreSQL"
        )
    path = settings.sqlite_path
    if options.action == "backup":
        _copied(copies.backup, path, options.target)
        print(f"copied to {options.target}")
        key = "LOTSE_SECRET_KEY in the environment" if settings.secret_key else str(settings.key_path)
        print(
            f"The copy is sealed. The key that opens it is {key}.\n"
            "Keep the key too, but in another place than the copy: together they are the plain data, and without the "
            "key nobody can read the copy."
        )
        return FINE
    settings.make_data_dir()
    with only_one(settings.data_dir):
        _copied(copies.restore, options.source, path)
    print(f"put back to {path}; the one before stays beside it as {path.name}.replaced, if there was one")
    return FINE


def _copied(copy: Callable[[Path, Path], None], source: Path, target: Path) -> None:
    """Copy; LotseError with a sentence when it cannot be done."""
    try:
        copy(source, target)
    except FileExistsError:
        raise LotseError(f"{target} is already there and is not written over: name another file") from None
    except FileNotFoundError:
        missing = source if not source.is_file() else target.parent
        raise LotseError(f"{missing} does not exist") from None
    except SchemaError as error:
        raise LotseError(str(error)) from error
    except OSError as error:
        raise LotseError(f"{target} cannot be written: {error.strerror}") from error
