"""Logging in: by password once, then the same device for as long as its keys are there."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from nio import LoginError

from bot.channels.matrix_client import MatrixClient
from bot.channels.matrix_requests import NETWORK, MatrixError, Requests, answered
from bot.channels.matrix_state import MatrixState, Session
from bot.errors import SettingsError

log = logging.getLogger(__name__)

DEVICE_NAME = "Lotse"
REFUSED = ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN")


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose login it is; a token in place of a password is a login made elsewhere."""

    homeserver: str
    user: str
    password: str | None = None
    token: str | None = None


class Login:
    """Gives a client that is logged in, with its keys open."""

    def __init__(self, account: Account, state: MatrixState, folder: Path) -> None:
        if not account.homeserver.startswith(("https://", "http://")):
            raise SettingsError("LOTSE_MATRIX_HOMESERVER must be an address such as https://matrix.example.org")
        if not account.user and not account.token:
            raise SettingsError("set LOTSE_MATRIX_USER, such as @lotse:example.org")
        self.account = account
        self._state = state
        self._folder = folder

    async def client(self) -> MatrixClient:
        """The client; SettingsError when the homeserver refuses name, password or token, MatrixError to try again."""
        kept = self._kept()
        if kept is not None:
            client = self._open(kept)
            try:
                await client.ask("GET", "/v3/account/whoami")
                return client
            except MatrixError as error:
                await client.close()
                if error.code not in REFUSED:
                    raise
                log.warning("the kept Matrix login is no longer accepted; logging in as a new device")
            except BaseException:
                await client.close()
                raise
        if self.account.password:
            return await self._by_password()
        if self.account.token:
            return await self._by_token()
        raise SettingsError("set LOTSE_MATRIX_PASSWORD or LOTSE_MATRIX_TOKEN, or take LOTSE_MATRIX_HOMESERVER away")

    async def logout(self) -> None:
        """End the kept login: the device and its keys are gone, here and there."""
        kept = self._state.session()
        if kept is not None:
            await self._end(kept)
            self._state.keep_session(None)

    def _kept(self) -> Session | None:
        """The kept login, when it is this account's and its keys are there."""
        kept = self._state.session()
        if kept is None:
            return None
        same_user = self.account.token == kept.token if self.account.token else _same(self.account.user, kept.user)
        if kept.homeserver != self.account.homeserver or not same_user:
            log.warning("another Matrix account than before is configured; logging in anew")
            return None
        if not (self._folder / key_file(kept.device)).exists():
            # A device whose keys are lost never recovers, and nobody would say so.
            log.warning("the keys of the kept Matrix login are missing; logging in as a new device")
            return None
        return kept

    def _open(self, session: Session) -> MatrixClient:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        client = MatrixClient(
            session.homeserver,
            session.user,
            session.device,
            folder=str(self._folder),
            file=key_file(session.device),
            key=self._state.derived("pickle"),
        )
        client.restore_login(session.user, session.device, session.token)
        (self._folder / key_file(session.device)).chmod(0o600)
        return client

    async def _by_password(self) -> MatrixClient:
        old = self._state.session()
        client = Requests(self.account.homeserver, self.account.user)
        try:
            said = await client.login(self.account.password, device_name=DEVICE_NAME)
        finally:
            await client.close()
        if isinstance(said, LoginError) and said.status_code in (
            "M_FORBIDDEN",
            "M_INVALID_USERNAME",
            "M_USER_DEACTIVATED",
        ):
            raise SettingsError("the homeserver refuses LOTSE_MATRIX_USER with LOTSE_MATRIX_PASSWORD")
        if isinstance(said, LoginError) and said.status_code == "M_UNRECOGNIZED":
            raise SettingsError("the homeserver takes no password here; set LOTSE_MATRIX_TOKEN instead")
        answered(said)
        if old is not None:
            await self._end(old)
        return self._keep(said.user_id, said.device_id, said.access_token, old)

    async def _by_token(self) -> MatrixClient:
        assert self.account.token
        client = Requests(self.account.homeserver)
        client.access_token = self.account.token
        try:
            who = await client.ask("GET", "/v3/account/whoami")
            user, device = str(who.get("user_id", "")), str(who.get("device_id", ""))
            if not device:
                raise SettingsError("LOTSE_MATRIX_TOKEN belongs to no device; set LOTSE_MATRIX_PASSWORD instead")
            found = await client.ask("POST", "/v3/keys/query", {"device_keys": {user: [device]}})
        except MatrixError as error:
            if error.code in REFUSED:
                raise SettingsError("the homeserver refuses LOTSE_MATRIX_TOKEN") from None
            raise
        finally:
            await client.close()
        taken = device in found.get("device_keys", {}).get(user, {})
        if taken and not (self._folder / key_file(device)).exists():
            raise SettingsError(
                "LOTSE_MATRIX_TOKEN belongs to a device whose keys are not in the data folder; take a new token, "
                "used nowhere else, or set LOTSE_MATRIX_PASSWORD instead"
            )
        return self._keep(user, device, self.account.token, self._state.session())

    def _keep(self, user: str, device: str, token: str, old: Session | None) -> MatrixClient:
        session = Session(
            homeserver=self.account.homeserver,
            user=user,
            device=device,
            token=token,
            before=old.device if old is not None and old.user == user else "",
        )
        client = self._open(session)
        self._state.keep_session(session)
        return client

    async def _end(self, old: Session) -> None:
        """Take away a login that is of no more use; one that is gone already is fine."""
        client = Requests(old.homeserver)
        client.access_token = old.token
        try:
            await client.ask("POST", "/v3/logout", {})
        except (MatrixError, *NETWORK) as error:
            log.warning("the old Matrix login could not be ended (%s)", type(error).__name__)
        finally:
            await client.close()
        for path in self._folder.glob(f"{key_file(old.device)}*"):
            path.unlink()


def key_file(device: str) -> str:
    """The file of a device's keys."""
    return f"keys-{''.join(c for c in device if c.isalnum() or c in '-_')}.db"


def _same(configured: str, user: str) -> bool:
    """Whether a configured name, whole or without its server, means that user."""
    return configured == user or configured.lstrip("@").partition(":")[0] == user[1:].partition(":")[0]
