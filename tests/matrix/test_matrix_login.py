"""Logging in once, the same device afterwards, and what `lotse doctor` finds."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from homeserver import Homeserver
from matrix_lotse import KEY, Enter, MatrixLotse
from mautrix.types import EventType, RoomID, TrustState, UserID
from people import Person

from bot.channels.matrix_login import Account, Login
from bot.channels.matrix_setup import matrix_channel
from bot.channels.matrix_state import MatrixState
from bot.errors import SettingsError
from bot.settings import Settings


def opened(folder: Path, key: str = KEY) -> MatrixState:
    return MatrixState(folder, bytes.fromhex(key))


def devices(server: Homeserver, token: str) -> list[str]:
    """The bot's devices; the one that registering made is left out."""
    found = server.ask("GET", "/_matrix/client/v3/devices", token=token)["devices"]
    return [device["device_id"] for device in found if device.get("display_name") == "Lotse"]


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def lose_keys(folder: Path) -> None:
    for path in folder.glob("keys-*"):
        path.unlink()


@pytest.fixture
def account(server: Homeserver, request: pytest.FixtureRequest) -> Account:
    name = "login-" + "".join(c for c in request.node.name if c.isalnum())[-30:].lower()
    return Account(homeserver=server.url, user=server.register(name), password="secret")


async def test_the_password_is_used_once_and_a_restart_is_the_same_device(
    server: Homeserver, account: Account, tmp_path: Path
) -> None:
    state = opened(tmp_path)
    first = await Login(account, state, tmp_path).client()
    await first.close()
    kept = state.session()
    assert kept is not None
    without = Account(homeserver=account.homeserver, user=account.user)
    again = await Login(without, state, tmp_path).client()
    await again.close()
    assert again.device_id == first.device_id
    assert devices(server, kept.token) == [first.device_id]
    assert [path.name for path in files(tmp_path) if path.suffix == ".db" and path.stat().st_mode & 0o077] == []
    assert kept.token.encode() not in b"".join(path.read_bytes() for path in files(tmp_path))


async def test_lost_keys_are_noticed_and_the_next_start_is_a_new_device(
    server: Homeserver, account: Account, tmp_path: Path
) -> None:
    state = opened(tmp_path)
    first = await Login(account, state, tmp_path).client()
    await first.upload_keys()
    await first.close()
    lose_keys(tmp_path)
    second = await Login(account, state, tmp_path).client()
    await second.close()
    kept = state.session()
    assert kept is not None
    assert second.device_id != first.device_id
    assert devices(server, kept.token) == [second.device_id]  # the old one was logged out


async def test_logout_ends_the_device_there_and_removes_its_keys_here(
    server: Homeserver, account: Account, tmp_path: Path
) -> None:
    state = opened(tmp_path)
    login = Login(account, state, tmp_path)
    client = await login.client()
    await client.close()
    kept = state.session()
    assert kept is not None
    await login.logout()
    assert state.session() is None
    assert [path.name for path in files(tmp_path) if path.name.startswith("keys-")] == []
    assert server.ask("GET", "/_matrix/client/v3/account/whoami", token=kept.token)["errcode"] == "M_UNKNOWN_TOKEN"
    await login.logout()  # nothing to do


async def test_a_token_is_taken_as_it_is_but_not_one_whose_keys_are_elsewhere(account: Account, tmp_path: Path) -> None:
    state = opened(tmp_path / "a")
    client = await Login(account, state, tmp_path / "a").client()
    kept = state.session()
    assert kept is not None
    by_token = Account(homeserver=account.homeserver, user="", token=kept.token)
    fresh = await Login(by_token, opened(tmp_path / "b"), tmp_path / "b").client()
    await fresh.close()
    assert fresh.device_id == client.device_id
    await client.upload_keys()
    await client.close()
    with pytest.raises(SettingsError, match="keys are not in the data folder"):
        await Login(by_token, opened(tmp_path / "c"), tmp_path / "c").client()


async def test_wrong_settings_are_told_by_their_name(account: Account, tmp_path: Path) -> None:
    for other, name in [
        ({"password": "wrong"}, "LOTSE_MATRIX_PASSWORD"),
        ({"password": None, "token": "wrong"}, "LOTSE_MATRIX_TOKEN"),
        ({"password": None}, "LOTSE_MATRIX_PASSWORD or LOTSE_MATRIX_TOKEN"),
        ({"homeserver": "matrix.example.org"}, "LOTSE_MATRIX_HOMESERVER"),
        ({"user": ""}, "LOTSE_MATRIX_USER"),
    ]:
        wrong = Account(**{**vars(account), **other})
        with pytest.raises(SettingsError, match=name):
            await Login(wrong, opened(tmp_path), tmp_path).client()


async def test_another_secret_key_is_told(account: Account, tmp_path: Path) -> None:
    client = await Login(account, opened(tmp_path), tmp_path).client()
    await client.close()
    with pytest.raises(SettingsError, match="sealed with another key"):
        opened(tmp_path, "22" * 32).session()


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"matrix_staff_room": "#team:lotse.test"}, "LOTSE_MATRIX_STAFF_ROOM"),
        ({"matrix_staff_room": "!a:b", "matrix_staff_devices": "abc"}, "LOTSE_MATRIX_STAFF_DEVICES"),
    ],
)
def test_a_staff_room_that_cannot_be_is_refused(settings: dict[str, str], name: str, tmp_path: Path) -> None:
    made = Settings(
        _env_file=None,  # type: ignore[call-arg]
        data_dir=tmp_path,
        secret_key=KEY,
        matrix_homeserver="http://127.0.0.1:1",
        matrix_user="@lotse:lotse.test",
        matrix_password="x",
        **settings,  # type: ignore[arg-type]
    )
    with pytest.raises(SettingsError, match=name):
        matrix_channel(made, None)


async def looks(lotse: MatrixLotse) -> dict[str, bool]:
    channel = matrix_channel(lotse.settings, None)
    try:
        return {what: fine for what, fine, _ in await channel.check()}
    finally:
        await channel.close()


async def test_doctor_looks_at_homeserver_login_keys_and_rights(lotse: MatrixLotse, enter: Enter) -> None:
    assert await looks(lotse) == {"homeserver": True, "login": True}  # before the first start: only looked at
    anna: Person = await enter("doctor-anna")
    room = await anna.open_chat(lotse.id, encrypted=False, trusted=False)
    lotse.extra["matrix_staff_room"] = room
    assert (await looks(lotse))["staff room"] is False
    await lotse.start()
    await anna.joined(lotse.id)
    await lotse.stop()
    found = await looks(lotse)
    assert (found["keys"], found["device"], found["staff room"]) == (True, True, True)
    assert (found["rights in the staff room"], found["staff room encrypted"]) == (False, False)
    rights = {"users": {lotse.id: 50}}
    await anna.client.send_state_event(RoomID(room), EventType.ROOM_POWER_LEVELS, rights)
    encryption = EventType.find("m.room.encryption", EventType.Class.STATE)
    await anna.client.send_state_event(RoomID(room), encryption, {"algorithm": "m.megolm.v1.aes-sha2"})
    assert all((await looks(lotse)).values())
    lose_keys(lotse.folder / "matrix")
    assert (await looks(lotse))["keys"] is False
    await lotse.start()


async def test_a_login_that_was_ended_elsewhere_is_made_anew_and_people_are_answered(
    lotse: MatrixLotse, enter: Enter, caplog: pytest.LogCaptureFixture
) -> None:
    await lotse.start()
    p = await enter("relogin")
    await lotse.meets(p)
    kept = lotse.channel._state.session()
    assert kept is not None
    with caplog.at_level(logging.CRITICAL):
        lotse.server.ask("POST", "/_matrix/client/v3/logout", {}, kept.token)
        await lotse.until(lambda: lotse.channel._state.session() not in (kept, None), "a new login")
    heard = len(p.heard())
    await p.writes("menu")
    await p.until(lambda: len(p.heard()) > heard)


async def trusted(person: Person, user: str, device: str) -> bool:
    """Whether the person's app trusts that device, once it has looked."""
    crypto = person.client.crypto
    for _ in range(50):
        found = (await crypto._fetch_keys([UserID(user)], include_untracked=True)).get(UserID(user), {}).get(device)
        if found is not None and await crypto.resolve_trust(found) >= TrustState.CROSS_SIGNED_TOFU:
            return True
        await asyncio.sleep(0.1)
    return False


async def test_the_account_vouches_for_its_device_so_that_apps_trust_it(lotse: MatrixLotse, enter: Enter) -> None:
    await lotse.start()
    p = await enter("truster")
    await lotse.meets(p)
    kept = lotse.channel._state.session()
    assert kept is not None
    assert await trusted(p, lotse.id, kept.device)
    # The next device, after the first one's keys were lost, is vouched for by the same keys of the account.
    await lotse.stop()
    lose_keys(lotse.folder / "matrix")
    await lotse.start()
    await lotse.until(lambda: lotse.channel._ready.is_set(), "logged in")
    again = lotse.channel._state.session()
    assert again is not None
    assert await trusted(p, lotse.id, again.device)
