"""What `lotse doctor` says about Matrix."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from bot.channels.matrix_login import DEVICE_NAME, REFUSED, Account, key_file
from bot.channels.matrix_requests import NETWORK, MatrixError, Requests
from bot.channels.matrix_signing import device_is_signed
from bot.channels.matrix_state import Session

Finding = tuple[str, bool, str]

_UNSIGNED = (
    "apps warn of it: the account has signing keys from another app. Use an account that was never used in an app, "
    "or reset its keys there; then start lotse run with LOTSE_MATRIX_PASSWORD"
)


class Staff(Protocol):
    """The staff room as it is configured."""

    @property
    def room(self) -> str: ...
    @property
    def layout(self) -> str: ...
    @property
    def devices(self) -> Collection[str]: ...


async def check_account(account: Account, kept: Session | None, folder: Path, staff: Staff | None) -> list[Finding]:
    """(What was looked at, whether it is fine, what was found or what to do.)"""
    client = Requests(account.homeserver, account.user)
    client.access_token = (kept.token if kept else account.token) or ""
    temporary = not client.access_token  # a login made only to look
    findings: list[Finding] = []
    try:
        steps = [_homeserver(client), _login(client, account)]
        if kept is not None:
            steps.append(_keys(client, kept, folder))
        if staff is not None:
            steps.append(_staff_room(client, staff))
        for i, step in enumerate(steps):
            found = await step
            findings += found
            if i < 2 and not all(fine for _, fine, _ in found):
                for rest in steps[i + 1 :]:
                    rest.close()
                return findings
        if temporary:
            await client.ask("POST", "/v3/logout", {})
        return findings
    except (MatrixError, *NETWORK) as error:
        return [*findings, ("connection", False, f"the homeserver stopped answering ({type(error).__name__})")]
    finally:
        await client.close()


async def _homeserver(client: Requests) -> list[Finding]:
    try:
        found = await client.ask("GET", "/versions")
    except (MatrixError, *NETWORK) as error:
        say = f"does not answer ({type(error).__name__}); see LOTSE_MATRIX_HOMESERVER"
        return [("homeserver", False, say)]
    if not found.get("versions"):
        return [("homeserver", False, "there is no Matrix homeserver at LOTSE_MATRIX_HOMESERVER")]
    return [("homeserver", True, "answers")]


async def _login(client: Requests, account: Account) -> list[Finding]:
    if client.access_token:
        try:
            who = await client.ask("GET", "/v3/account/whoami")
            client.user_id = str(who["user_id"])
            return [("login", True, f"accepted as {client.user_id}")]
        except MatrixError as error:
            if error.code not in REFUSED:
                raise
            client.access_token = ""
            if account.token:
                return [("login", False, "the homeserver refuses LOTSE_MATRIX_TOKEN; take a new one")]
    said: Any = await client.login(account.password, device_name=f"{DEVICE_NAME} doctor")
    if not client.access_token:
        say = f"refused ({said.status_code}); see LOTSE_MATRIX_USER and LOTSE_MATRIX_PASSWORD"
        return [("login", False, say)]
    return [("login", True, f"the password is accepted for {client.user_id}")]


async def _keys(client: Requests, kept: Session, folder: Path) -> list[Finding]:
    """The device's keys are in the data folder, readable by the owner only, and the homeserver knows them."""
    path = folder / key_file(kept.device)
    if not path.exists():
        return [("keys", False, f"{path} is missing; the next start logs in as a new device")]
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return [("keys", False, f"others can read {path}; type: chmod 600 {path}")]
    found = await client.ask("POST", "/v3/keys/query", {"device_keys": {kept.user: [kept.device]}})
    if kept.device not in found.get("device_keys", {}).get(kept.user, {}):
        return [("keys", False, "the homeserver has no keys of this device; start lotse run once")]
    findings = [("keys", True, "in the data folder and known to the homeserver")]
    vouched = await device_is_signed(client, kept.user, kept.device)
    say = "the account vouches for the device" if vouched else _UNSIGNED
    return [*findings, ("device", vouched, say)]


async def _staff_room(client: Requests, staff: Staff) -> list[Finding]:
    """The bot is in the room, may write and take messages away, and the room is encrypted."""
    of = f"/v3/rooms/{quote(staff.room, safe='')}"
    try:
        me = await client.ask("GET", f"{of}/state/m.room.member/{quote(client.user_id, safe='')}")
    except MatrixError:
        me = {}
    if me.get("membership") != "join":
        return [("staff room", False, f"the bot is not in it; invite {client.user_id} and start lotse run")]
    findings: list[Finding] = [("staff room", True, "the bot is in it")]
    rights = await client.ask("GET", f"{of}/state/m.room.power_levels/")
    mine = int(rights.get("users", {}).get(client.user_id, rights.get("users_default", 0)))
    made = await client.ask("GET", f"{of}/state/m.room.create/?format=event")
    creators = [made.get("sender"), *made.get("content", made).get("additional_creators", ())]
    if client.user_id in creators:  # since room version 12 they have every right and stand in no list
        mine = max(mine, 100)
    if staff.layout == "room":
        needed = int(rights.get("events", {}).get("m.space.child", rights.get("state_default", 50)))
        say = "may add the rooms of cases" if mine >= needed else f"may not add rooms; give the bot level {needed}"
        return [*findings, ("rights in the staff space", mine >= needed, say)]
    needed = int(rights.get("redact", 50))
    say = "may take messages away" if mine >= needed else _cannot_redact(needed)
    findings.append(("rights in the staff room", mine >= needed, say))
    try:
        await client.ask("GET", f"{of}/state/m.room.encryption/")
        findings.append(("staff room encrypted", True, "yes"))
    except MatrixError:
        findings.append(("staff room encrypted", False, "no: switch encryption on in the room's settings"))
    return findings


def _cannot_redact(needed: int) -> str:
    return f"cannot take away what members wrote when a person is forgotten; give the bot level {needed}"
