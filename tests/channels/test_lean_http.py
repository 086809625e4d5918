"""The small HTTP client: what it makes of answers, silence and connections that end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from bot.channels.lean_http import LATE_SECONDS, BrokenError, LeanClient, Patience, TooLongError

PATIENT = Patience(pool=5.0, connect=5.0, read=5.0)
OK = b"HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 2\r\n\r\nhi"


class Server:
    """Says one thing after the other to whatever is asked; None says nothing, "" hangs up."""

    def __init__(self) -> None:
        self.says: list[list[bytes] | None] = []
        self.asked: list[bytes] = []
        self.connections = 0
        self.origin = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.asked.append(head + await reader.readexactly(length))
                said = self.says.pop(0)
                if said is None:
                    await reader.read()
                    return
                for piece in said:
                    if not piece:
                        return
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.origin = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield made
    listening.close()


@pytest.fixture
async def client() -> AsyncIterator[LeanClient]:
    made = LeanClient(connections=2, longest=1000)
    yield made
    made.close()
    await asyncio.sleep(0)


READ = {
    "a length": [OK],
    "chunks": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n", b"1\r\ni\r\n0\r\n\r\n"],
    "one byte at a time": [OK[n : n + 1] for n in range(len(OK))],
    "a hint before it": [b"HTTP/1.1 100 Continue\r\n\r\n", OK],
    "no length but the end": [b"HTTP/1.1 200 OK\r\n\r\nhi", b""],
}


@pytest.mark.parametrize("name", READ)
async def test_an_answer_is_read_however_its_end_is_told(server: Server, client: LeanClient, name: str) -> None:
    server.says = [READ[name]]
    answer = await client.post(f"{server.origin}/bot1:X/sendMessage", b'{"a":1}', PATIENT)
    assert (answer.status, answer.body) == (200, b"hi")
    assert server.asked[0].startswith(b"POST /bot1:X/sendMessage HTTP/1.1\r\n")
    assert server.asked[0].endswith(b'\r\n\r\n{"a":1}')


async def test_a_connection_is_used_again_until_an_answer_ends_it(server: Server, client: LeanClient) -> None:
    server.says = [[OK], [OK.replace(b"Date", b"Connection: close\r\nDate")], [OK]]
    used = []
    for _ in range(3):
        assert (await client.post(server.origin, b"{}", PATIENT)).date == "today"
        used.append(server.connections)
    assert used == [1, 1, 2]


async def test_no_more_connections_are_open_than_allowed(server: Server, client: LeanClient) -> None:
    server.says = [[OK]] * 9
    await asyncio.gather(*(client.post(server.origin, b"{}", PATIENT) for _ in range(9)))
    assert server.connections == 2


BROKEN = {
    "hung up before the answer": ([b""], BrokenError),
    "hung up within it": ([OK[:-1], b""], BrokenError),
    "no HTTP": ([b"220 mail.example ESMTP\r\n\r\n"], BrokenError),
    "longer than allowed": ([b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n", b"x" * 1500], TooLongError),
    "silence": (None, TimeoutError),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_no_answer_is_an_error_and_the_next_request_has_its_own(
    server: Server, client: LeanClient, name: str
) -> None:
    said, error = BROKEN[name]
    server.says = [said, [OK]]
    with pytest.raises(error):
        await client.post(server.origin, b"{}", Patience(pool=5.0, connect=5.0, read=0.2 if said is None else 5.0))
    assert (await client.post(server.origin, b"{}", PATIENT)).body == b"hi"
    assert server.connections == 2


async def test_who_stops_waiting_leaves_no_answer_to_the_next(server: Server, client: LeanClient) -> None:
    server.says = [None, [OK]]
    waiting = asyncio.create_task(client.post(server.origin, b"{}", PATIENT))
    while not server.asked:  # noqa: ASYNC110 - it is asked in a moment
        await asyncio.sleep(0)
    waiting.cancel()
    assert (await asyncio.gather(waiting, return_exceptions=True))[0].__class__ is asyncio.CancelledError
    assert (await client.post(server.origin, b"{}", PATIENT)).body == b"hi"
    assert server.connections == 2


async def test_a_closed_client_opens_nothing(server: Server, client: LeanClient) -> None:
    client.close()
    with pytest.raises(BrokenError):
        await client.post(server.origin, b"{}", PATIENT)
    assert server.connections == 0


async def test_an_answer_that_came_while_the_program_was_held_up_is_heard(server: Server, client: LeanClient) -> None:
    server.says = [[OK]]
    asking = asyncio.create_task(client.post(server.origin, b"{}", Patience(pool=5.0, connect=0.2, read=0.2)))
    await asyncio.sleep(0)
    time.sleep(0.2 + LATE_SECONDS + 0.1)  # noqa: ASYNC251 - the loop is held up on purpose
    assert (await asking).body == b"hi"
