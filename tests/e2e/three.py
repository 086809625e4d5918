"""Several `lotse run` on one PostgreSQL, behind one address to which Telegram brings its updates."""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
from collections.abc import Sequence
from pathlib import Path

import aiohttp
from aiohttp import web
from bot_api import BotApi
from program import PATIENCE, Program


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Proxy:
    """One address; each request goes to the next of those who live."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.taken = dict.fromkeys(ports, 0)  # requests that were answered, by port
        self._turns = itertools.cycle(ports)

    async def start(self) -> str:
        """Listen on loopback; the origin."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return "http://127.0.0.1:{1}".format(*self._runner.addresses[0])

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "content-length")}
        for port in itertools.islice(self._turns, len(self.taken)):
            try:
                async with (
                    aiohttp.ClientSession() as session,
                    session.request(
                        request.method, f"http://127.0.0.1:{port}{request.path_qs}", data=body, headers=headers
                    ) as answer,
                ):
                    self.taken[port] += answer.status == 200
                    return web.Response(status=answer.status, body=await answer.read())
            except aiohttp.ClientError:
                continue
        return web.Response(status=502)


class Several:
    """So many processes and the proxy before them."""

    def __init__(self, count: int, folder: Path, url: str, api: BotApi) -> None:
        self.count, self.folder, self.url, self.api = count, folder, url, api

    async def start(self) -> None:
        ports = [free_port() for _ in range(self.count)]
        self.proxy = Proxy(ports)
        origin = await self.proxy.start()
        self.programs: dict[int, Program] = {}
        for port in ports:
            folder = self.folder / str(port)
            folder.mkdir()
            self.programs[port] = Program(
                folder,
                self.url,
                self.api,
                LOTSE_TELEGRAM_MODE="webhook",
                LOTSE_PUBLIC_URL=origin,
                LOTSE_PORT=str(port),
            )
        await asyncio.gather(*(program.start() for program in self.programs.values()))
        await asyncio.gather(*(program.ready() for program in self.programs.values()))

    async def figure(self, port: int, name: str) -> float:
        """A metric of one process, its labels summed up; 0 when it is not there or the process is gone."""
        try:
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                told = await answer.text()
        except aiohttp.ClientError:
            return 0.0
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", told, re.MULTILINE))

    async def leaders(self) -> list[int]:
        return [port for port in self.programs if await self.figure(port, "lotse_leads")]

    async def leader(self, but: int | None = None) -> int:
        """Wait until exactly one leads, and it is not that one."""
        async with asyncio.timeout(PATIENCE):
            while True:
                leading = await self.leaders()
                assert len(leading) <= 1, "two lead"
                if leading and leading != [but]:
                    return leading[0]
                await asyncio.sleep(0.05)

    async def stop(self) -> list[int]:
        """Exit statuses of those that lived."""
        ended = await asyncio.gather(*(program.stop() for program in self.programs.values() if program.lives))
        await self.proxy.stop()
        return list(ended)

    async def kill_all(self) -> None:
        for program in self.programs.values():
            await program.kill_if_alive()
        await self.proxy.stop()
