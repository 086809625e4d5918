"""The settings: environment or `.env`, prefix LOTSE_, all optional."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingsError

KEY_BYTES = 32
SQLITE = "sqlite:///"
ROOT = Path(__file__).resolve().parent.parent
PACKED = Path(__file__).resolve().parent / "_data"


class Settings(BaseSettings):
    """What the operator has decided. `docs/operations.md` describes each variable."""

    model_config = SettingsConfigDict(env_prefix="LOTSE_", env_file=".env", extra="ignore", hide_input_in_errors=True)

    data_dir: Path = Field(default_factory=lambda: default_data_dir())
    database_url: str | None = None
    send_lease: float = Field(default=90.0, ge=1.0, le=3600.0)  # seconds
    town: str = "magdeburg"
    knowledge_dir: Path | None = None
    secret_key: str | None = None
    log: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    telegram_token: str | None = None
    telegram_api_url: str | None = None
    telegram_mode: Literal["polling", "webhook"] = "polling"
    telegram_staff_chat: int | None = None
    telegram_staff_mode: Literal["origin", "full", "notify"] = "origin"
    telegram_limits: Literal["on", "off"] = "on"
    matrix_homeserver: str | None = None
    matrix_user: str = ""
    matrix_password: str | None = None
    matrix_token: str | None = None
    matrix_staff_room: str | None = None
    matrix_staff_mode: Literal["origin", "full", "notify"] = "origin"
    matrix_staff_layout: Literal["thread", "room"] = "thread"
    matrix_staff_devices: str = "any"
    matrix_choices: Literal["reactions", "numbers", "polls"] = "reactions"
    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65535)
    public_url: str | None = None
    trusted_proxies: str = ""

    @property
    def sqlite_path(self) -> Path:
        """Where the embedded database is."""
        if self.database_url and self.database_url.startswith(SQLITE):
            return Path(self.database_url.removeprefix(SQLITE))
        return self.data_dir / "lotse.db"

    @property
    def embedded(self) -> bool:
        """Whether the database is a file of our own, not a server."""
        return not self.database_url or self.database_url.startswith(SQLITE)

    @property
    def url(self) -> str:
        """The database in use."""
        return self.database_url or f"sqlite:///{self.sqlite_path}"

    @property
    def knowledge(self) -> Path:
        """The folder of articles: the operator's, the checkout's, or the one in the wheel."""
        return self.knowledge_dir or data_folder("knowledge")

    @property
    def key_path(self) -> Path:
        """Where the key is kept when it is not in the environment."""
        return self.data_dir / "secret.key"

    def key(self) -> bytes:
        """The key that everything stored is sealed with; made and kept, readable by the owner only, when absent.

        Raises SettingsError when it cannot be a key.
        """
        if self.secret_key:
            return _key(self.secret_key, "LOTSE_SECRET_KEY")
        self.make_data_dir()
        try:
            fd = os.open(self.key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return _key(self._kept_key(), str(self.key_path))
        except OSError as error:
            raise self._useless(error) from error
        if self.sqlite_path.exists():
            os.close(fd)
            self.key_path.unlink()
            raise SettingsError(
                f"{self.key_path} is missing but {self.sqlite_path} exists: nobody can read that database without its "
                "key. Put the key back from where you keep it, or set LOTSE_SECRET_KEY"
            )
        made = secrets.token_hex(KEY_BYTES)
        with os.fdopen(fd, "w") as file:
            file.write(made + "\n")
        return bytes.fromhex(made)

    def make_data_dir(self) -> None:
        """Make the data folder when it is not there; SettingsError when it cannot be made."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._useless(error) from error

    def _kept_key(self) -> str:
        try:
            return self.key_path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{self.key_path} cannot be read: {type(error).__name__}") from error

    def _useless(self, error: OSError) -> SettingsError:
        return SettingsError(f"LOTSE_DATA_DIR: {self.data_dir} cannot be written to: {error.strerror}")


def data_folder(name: str) -> Path:
    """`knowledge` or `locales`: beside the code in a checkout, inside the package in a wheel."""
    return ROOT / name if (ROOT / name).is_dir() else PACKED / name


def default_data_dir() -> Path:
    """`data` in a checkout, otherwise the platform's folder for user data."""
    if (ROOT / "pyproject.toml").is_file():
        return ROOT / "data"
    return Path(platformdirs.user_data_dir("lotse"))


def _key(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{where} must be {KEY_BYTES} bytes as {2 * KEY_BYTES} hexadecimal digits")
    return key


def load_settings() -> Settings:
    """The settings of this environment; SettingsError names every variable that cannot be used."""
    try:
        settings = Settings()
    except ValidationError as error:
        lines = [f"LOTSE_{'_'.join(str(p) for p in e['loc']).upper()}: {e['msg']}" for e in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    url = settings.database_url
    if url and not url.startswith((SQLITE, "postgresql://", "postgres://")):
        raise SettingsError("LOTSE_DATABASE_URL must begin with sqlite:/// or postgresql://")
    if settings.telegram_staff_chat is not None and not settings.telegram_token:
        print("LOTSE_TELEGRAM_STAFF_CHAT is set without LOTSE_TELEGRAM_TOKEN and has no effect", file=sys.stderr)
    return settings
