"""Cross-signing: the bot's account vouches for the bot's device, so that apps show no warning and refuse it no keys.

The account's keys are made once and kept sealed. An account that has such keys from elsewhere is left as it is: only
who holds them can sign, and `lotse doctor` says so.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nio.api import Api

from bot.channels.matrix_client import MatrixClient
from bot.channels.matrix_requests import MatrixError, Requests
from bot.channels.matrix_state import MatrixState

log = logging.getLogger(__name__)

USAGES = ("master", "self_signing", "user_signing")


async def vouch(client: MatrixClient, state: MatrixState, password: str | None) -> None:
    """Sign the device with the account's keys, made now if there are none; what is refused is logged and left."""
    try:
        known = await _known(client)
        kept = state.signing_keys()
        if kept is None and not known["master"]:
            kept = {usage: Ed25519PrivateKey.generate().private_bytes_raw().hex() for usage in USAGES}
            state.keep_signing_keys(kept)
        if kept is None:
            log.warning("the bot's account has signing keys from elsewhere: its device stays unverified")
            return
        keys = {usage: _Key(seed) for usage, seed in kept.items()}
        if _public(known["master"]) != keys["master"].public:
            if known["master"]:
                log.warning("the bot's account has got other signing keys: its device stays unverified")
                return
            await _upload(client, keys, password)
        if not signed(known["device"], client.user_id, keys["self_signing"].public):
            await _sign_device(client, keys["self_signing"], known["device"])
    except MatrixError as error:
        log.warning("the bot's device could not be signed (%s)", error.code)


async def device_is_signed(client: Requests, user: str, device: str) -> bool:
    """Whether the account vouches for that device; apps of others see no more than this."""
    found = await client.ask("POST", "/v3/keys/query", {"device_keys": {user: [device]}})
    own = _public(found.get("self_signing_keys", {}).get(user, {}))
    return bool(own) and signed(found.get("device_keys", {}).get(user, {}).get(device, {}), user, own)


def signed(device: dict[str, Any], user: str, key: str) -> bool:
    """Whether the device carries a signature of that key."""
    return f"ed25519:{key}" in device.get("signatures", {}).get(user, {})


class _Key:
    def __init__(self, seed: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
        self.public = _base64(self._key.public_key().public_bytes_raw())

    def sign(self, value: dict[str, Any], user: str) -> dict[str, Any]:
        """The value with this key's signature added."""
        bare = {name: part for name, part in value.items() if name not in ("signatures", "unsigned")}
        signature = _base64(self._key.sign(Api.to_canonical_json(bare).encode()))
        return {**bare, "signatures": {user: {f"ed25519:{self.public}": signature}}}


async def _known(client: MatrixClient) -> dict[str, Any]:
    user, device = client.user_id, client.device_id
    found = await client.ask("POST", "/v3/keys/query", {"device_keys": {user: [device]}})
    return {
        "master": found.get("master_keys", {}).get(user, {}),
        "device": found.get("device_keys", {}).get(user, {}).get(device, {}),
    }


async def _upload(client: MatrixClient, keys: dict[str, _Key], password: str | None) -> None:
    user = client.user_id
    body: dict[str, Any] = {}
    for usage, key in keys.items():
        value = {"user_id": user, "usage": [usage], "keys": {f"ed25519:{key.public}": key.public}}
        body[f"{usage}_key"] = value if usage == "master" else keys["master"].sign(value, user)
    master = body["master_key"]
    body["master_key"] = {**master, "signatures": {user: {f"ed25519:{client.device_id}": client.olm.sign_json(master)}}}
    try:
        await client.ask("POST", "/v3/keys/device_signing/upload", body)
    except MatrixError as error:
        if error.session is None or not password:
            raise
        auth = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user},
            "password": password,
            "session": error.session,
        }
        await client.ask("POST", "/v3/keys/device_signing/upload", {**body, "auth": auth})


async def _sign_device(client: MatrixClient, key: _Key, device: dict[str, Any]) -> None:
    user = client.user_id
    body = {user: {client.device_id: key.sign(device, user)}}
    found = await client.ask("POST", "/v3/keys/signatures/upload", body)
    if found.get("failures"):
        raise MatrixError("M_INVALID_SIGNATURE")


def _public(key: dict[str, Any]) -> str:
    return str(next(iter(key.get("keys", {}).values()), ""))


def _base64(data: bytes) -> str:
    return b64encode(data).rstrip(b"=").decode()
