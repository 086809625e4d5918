"""The client alone: what comes in cannot break it, and what it keeps is there after a crash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import vodozemac
from nio import KeysUploadResponse, SyncResponse

from bot.channels.matrix_client import MatrixClient
from bot.channels.matrix_requests import NETWORK, MatrixError

ME = "@lotse:lotse.test"
ROOM = "!a:lotse.test"


def made(folder: Path) -> MatrixClient:
    client = MatrixClient("http://127.0.0.1:1", ME, "DEVICE", folder=str(folder), file="keys.db", key="k")
    client.restore_login(ME, "DEVICE", "token")
    return client


@pytest.fixture
def client(tmp_path: Path) -> Iterator[MatrixClient]:
    opened = made(tmp_path)
    yield opened
    opened.store.database.close()


def sync(timeline: list[dict[str, Any]], to_device: list[dict[str, Any]]) -> SyncResponse:
    room = {"timeline": {"events": timeline, "limited": False, "prev_batch": "p"}, "state": {"events": []}}
    return SyncResponse.from_dict(
        {
            "next_batch": "s1",
            "rooms": {"join": {ROOM: {**room, "ephemeral": {"events": []}, "account_data": {"events": []}}}},
            "to_device": {"events": to_device},
            "device_one_time_keys_count": {},
        }
    )


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("body", ["!!!", "AAAA", "", "ä"])
async def test_garbage_between_devices_does_not_keep_away_what_others_say(
    client: MatrixClient, kind: int, body: str
) -> None:
    content = {
        "algorithm": "m.olm.v1.curve25519-aes-sha2",
        "sender_key": "A" * 43,
        "ciphertext": {client.olm.account.identity_keys["curve25519"]: {"type": kind, "body": body}},
    }
    garbage = {"type": "m.room.encrypted", "sender": "@bad:lotse.test", "content": content}
    said = {
        "type": "m.room.message",
        "event_id": "$1",
        "sender": "@amal:lotse.test",
        "origin_server_ts": 1,
        "content": {"msgtype": "m.text", "body": "Hallo"},
    }
    response = sync([said], [garbage])
    await client.receive_response(response)
    assert [e.source["content"]["body"] for e in response.rooms.join[ROOM].timeline.events] == ["Hallo"]


async def test_one_time_keys_are_kept_before_anybody_can_use_them(client: MatrixClient, tmp_path: Path) -> None:
    await client.receive_response(KeysUploadResponse(0, 0))  # the device is known, its keys are used up
    with pytest.raises(NETWORK):
        await client.upload_keys()  # as far as a crash after the request
    await client.close()
    public = set(client.olm.account.one_time_keys["curve25519"].values())
    assert public
    again = made(tmp_path)
    assert set(again.olm.account.one_time_keys["curve25519"].values()) == public
    again.store.database.close()


async def test_a_key_is_not_counted_as_handed_over_when_the_request_failed(
    client: MatrixClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """nio counts it, and then nobody can read what is said."""
    from nio import MatrixRoom
    from nio.crypto import OlmDevice

    account = vodozemac.Account()
    account.generate_one_time_keys(1)
    keys = {"ed25519": account.ed25519_key.to_base64(), "curve25519": account.curve25519_key.to_base64()}
    device = OlmDevice("@amal:lotse.test", "PHONE", keys)
    client.device_store.add(device)
    client.olm.create_session(next(iter(account.one_time_keys.values())).to_base64(), device.curve25519)
    room = client.rooms[ROOM] = MatrixRoom(ROOM, ME, encrypted=True)
    room.add_member("@amal:lotse.test", None, None)
    room.members_synced = True

    async def refused(method: str, path: str, body: object = None) -> dict[str, Any]:
        raise MatrixError("M_LIMIT_EXCEEDED", 1.0)

    monkeypatch.setattr(client, "ask", refused)
    with pytest.raises(MatrixError):
        await client.share(ROOM)
    assert client.olm.should_share_group_session(ROOM)
    handed: list[object] = []

    async def taken(method: str, path: str, body: object = None) -> dict[str, Any]:
        handed.append(body)
        return {}

    monkeypatch.setattr(client, "ask", taken)
    await client.share(ROOM)
    await client.share(ROOM)
    assert len(handed) == 1
