"""A real Synapse on loopback with an SQLite file, for tests that talk Matrix."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = "lotse.test"
SECRET = "only-for-tests"
START_SECONDS = 60

CONFIG = """
server_name: {name}
pid_file: {folder}/synapse.pid
report_stats: false
signing_key_path: {folder}/signing.key
media_store_path: {folder}/media
macaroon_secret_key: macaroon
form_secret: form
registration_shared_secret: {secret}
trusted_key_servers: []
enable_metrics: false
presence: {{enabled: false}}
url_preview_enabled: false
log_config: {folder}/log.yaml
listeners:
  - {{port: {port}, tls: false, type: http, bind_addresses: ["127.0.0.1"], resources: [{{names: [client, media]}}]}}
database: {{name: sqlite3, args: {{database: {folder}/homeserver.db}}}}
bcrypt_rounds: 4
rc_message: {{per_second: 10000, burst_count: 10000}}
rc_registration: {{per_second: 10000, burst_count: 10000}}
rc_login:
  address: {{per_second: 10000, burst_count: 10000}}
  account: {{per_second: 10000, burst_count: 10000}}
  failed_attempts: {{per_second: 10000, burst_count: 10000}}
rc_joins:
  local: {{per_second: 10000, burst_count: 10000}}
rc_joins_per_room: {{per_second: 10000, burst_count: 10000}}
rc_room_creation: {{per_second: 10000, burst_count: 10000}}
rc_invites:
  per_room: {{per_second: 10000, burst_count: 10000}}
  per_user: {{per_second: 10000, burst_count: 10000}}
  per_issuer: {{per_second: 10000, burst_count: 10000}}
"""

LOG = """
version: 1
formatters: {{plain: {{format: "%(asctime)s %(levelname)s %(name)s %(message)s"}}}}
handlers: {{file: {{class: logging.FileHandler, filename: {folder}/synapse.log, formatter: plain}}}}
root: {{level: WARNING, handlers: [file]}}
disable_existing_loggers: false
"""


class Homeserver:
    """One Synapse process and its folder; it can be stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        values = {"folder": folder, "port": self.port, "name": NAME, "secret": SECRET}
        (folder / "homeserver.yaml").write_text(CONFIG.format(**values))
        (folder / "log.yaml").write_text(LOG.format(**values))
        (folder / "signing.key").write_text("ed25519 a_test " + "A" * 43 + "\n")

    def start(self) -> None:
        """Start and wait until it answers."""
        with open(self.folder / "out.txt", "ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "synapse.app.homeserver", "-c", str(self.folder / "homeserver.yaml")],
                stdout=out,
                stderr=out,
                cwd=self.folder,
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{self.url}/_matrix/client/versions", timeout=2).close()
                return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"Synapse did not start:\n{(self.folder / 'out.txt').read_text()[-3000:]}")

    def stop(self, hard: bool = False) -> None:
        """Stop it, or kill it."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL if hard else signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def register(self, name: str, password: str = "secret", admin: bool = False) -> str:
        """A new account; its full id."""
        nonce = self.ask("GET", "/_synapse/admin/v1/register")["nonce"]
        said = b"\x00".join([nonce.encode(), name.encode(), password.encode(), b"admin" if admin else b"notadmin"])
        mac = hmac.new(SECRET.encode(), said, hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": name, "password": password, "admin": admin, "mac": mac}
        return str(self.ask("POST", "/_synapse/admin/v1/register", body)["user_id"])

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> dict[str, Any]:
        """One request, answered with JSON."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            return {"status": error.code, **json.loads(error.read() or b"{}")}

    def database_holds(self, text: str) -> bool:
        """Whether any file of the database has these words, as they are or as JSON escapes them."""
        forms = {text.encode(), json.dumps(text)[1:-1].encode()}
        with sqlite3.connect(self.folder / "homeserver.db") as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        kept = b"".join(path.read_bytes() for path in self.folder.glob("homeserver.db*"))
        return any(form in kept for form in forms)


def homeserver(folder: Path) -> Iterator[Homeserver]:
    """A running homeserver, for as long as it is needed."""
    server = Homeserver(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
