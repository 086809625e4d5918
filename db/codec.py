"""Sealing what is kept: everything that could tell who somebody is or what they said.

A sealed value is `key id (4 bytes) + nonce (12) + AES-GCM ciphertext`. The record's id is associated data, so a value
moved to another row does not open. What has to be found again is kept beside it as a keyed hash, which nobody
without the key can compute, not even by trying every phone number.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections import OrderedDict
from functools import lru_cache
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
DIGESTS = 2048
"""So many hashes are remembered: one message on its way is looked up by the same ones several times."""

HANDED = 256
"""So many things sealed are kept in mind for the next on their way, who is nearly always in the same process."""

_ID_BYTES = 4
_NONCE_BYTES = 12
_DIGEST_BYTES = 16


def _written(value: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a vendor's number beyond 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class SealError(Exception):
    """A sealed value does not open: another key, another record, or changed bytes. Trying again does not help."""


class Codec:
    """The one key of an installation, and the two things done with it: sealing and hashing."""

    def __init__(self, key: bytes) -> None:
        """`key` has 32 bytes; ValueError otherwise."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key must have {KEY_BYTES} bytes")
        # One derived key for each use, so that a hash never says anything about a ciphertext.
        self._aead = AESGCM(hmac.digest(key, b"lotse seal", "sha256"))
        self._hash_key = hmac.digest(key, b"lotse digest", "sha256")
        self._digest = lru_cache(maxsize=DIGESTS)(self._hashed)
        self._handed: OrderedDict[tuple[str, bytes], Any] = OrderedDict()
        self._key_id = hmac.digest(key, b"lotse key id", "sha256")[:_ID_BYTES]

    def seal(self, record: str, value: bytes | str | dict[str, Any], whole: Any = None) -> bytes:
        """The value in a form that opens only with this key and for this record.

        `whole`: what the value describes, immutable; `handed_over` gives it to whoever reads the same bytes soon.
        """
        plain = _written(value) if isinstance(value, dict) else value.encode() if isinstance(value, str) else value
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._key_id + nonce + self._aead.encrypt(nonce, plain, record.encode())
        if whole is not None:
            self._handed[record, sealed] = whole
            if len(self._handed) > HANDED:
                self._handed.popitem(last=False)
        return sealed

    def handed_over(self, record: str, sealed: bytes) -> Any:
        """What this process itself sealed as these bytes a moment ago, once; None: they have to be opened."""
        return self._handed.pop((record, sealed), None)

    def let_go(self) -> None:
        """Keep nothing in mind of what was sealed."""
        self._handed.clear()

    def open(self, record: str, sealed: bytes) -> bytes:
        """What was sealed for this record; SealError when it does not open."""
        if sealed[:_ID_BYTES] != self._key_id:
            raise SealError("sealed with another key than this installation has")
        start = _ID_BYTES + _NONCE_BYTES
        try:
            return self._aead.decrypt(sealed[_ID_BYTES:start], sealed[start:], record.encode())
        except (InvalidTag, ValueError):
            raise SealError("a sealed value was changed or belongs to another record") from None

    def open_text(self, record: str, sealed: bytes) -> str:
        """The text that was sealed for this record; SealError when it does not open."""
        return self.open(record, sealed).decode()

    def open_json(self, record: str, sealed: bytes) -> Any:
        """The JSON that was sealed for this record; SealError when it does not open."""
        return orjson.loads(self.open(record, sealed))

    def digest(self, purpose: str, *values: object) -> str:
        """A keyed hash of 128 bits for looking up; another purpose gives another hash of the same values."""
        return self._digest(purpose, *map(str, values))

    def _hashed(self, *parts: str) -> str:
        message = "".join([f"{len(part)}:{part}" for part in parts])
        short = hmac.digest(self._hash_key, message.encode(), "sha256")[:_DIGEST_BYTES]
        return base64.urlsafe_b64encode(short).rstrip(b"=").decode()
