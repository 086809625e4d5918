"""Coming into rooms, and what cannot be delivered; without a homeserver where that is enough."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from matrix_lotse import Enter, MatrixLotse

from bot.channels.matrix_requests import MatrixError, send_error
from bot.channels.matrix_rooms import Rooms
from bot.channels.matrix_state import MatrixState
from bot.errors import SendError
from flows.core.delivery import Delivery, RenderedMessage


class Joining:
    """Stands for a client that joins whatever it is invited to."""

    def __init__(self, *failures: str) -> None:
        self.joined: list[str] = []
        self.failures = list(failures)

    async def ask(self, method: str, path: str, body: Any) -> dict[str, Any]:
        if self.failures:
            raise MatrixError(self.failures.pop(0), 0.01)
        self.joined.append(path)
        return {}


@pytest.fixture
def state(tmp_path: Path) -> MatrixState:
    return MatrixState(tmp_path, bytes(32))


async def waits(rooms: Rooms, client: Any, seconds: float = 0.15) -> None:
    task = asyncio.create_task(rooms.doorman(client))
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_no_more_new_rooms_a_minute_than_allowed_and_the_others_are_not_forgotten(state: MatrixState) -> None:
    rooms = Rooms(state, staff_room=None, layout="thread", only_direct="", new_rooms_a_minute=2)
    for n in range(5):
        rooms.invited(f"!{n}:lotse.test")
    client = Joining()
    await waits(rooms, client)
    assert len(client.joined) == 2
    assert state.invites() == ["!2:lotse.test", "!3:lotse.test", "!4:lotse.test"]  # also after a restart


async def test_an_invitation_that_was_withdrawn_is_let_go_and_a_throttled_one_tried_again(state: MatrixState) -> None:
    rooms = Rooms(state, staff_room=None, layout="thread", only_direct="")
    for n in range(3):
        rooms.invited(f"!{n}:lotse.test")
    client = Joining("M_FORBIDDEN", "M_LIMIT_EXCEEDED")
    await waits(rooms, client)
    assert len(client.joined) == 2
    assert state.invites() == []


@pytest.mark.parametrize(
    ("error", "retryable", "after", "reason"),
    [
        (MatrixError("M_LIMIT_EXCEEDED", 2.5), True, 2.5, "flood"),
        (MatrixError("M_FORBIDDEN"), False, None, "blocked"),
        (MatrixError("M_NOT_FOUND"), False, None, "gone"),
        (MatrixError("M_TOO_LARGE"), False, None, "refused"),
        (MatrixError("HTTP 502"), True, None, "HTTP 502"),
        (MatrixError("M_UNKNOWN_TOKEN"), True, None, "M_UNKNOWN_TOKEN"),
    ],
)
def test_an_error_says_whether_another_try_is_worth_it(
    error: MatrixError, retryable: bool, after: float | None, reason: str
) -> None:
    found = send_error(error)
    assert (found.retryable, found.retry_after, found.reason) == (retryable, after, reason)


def says(text: str) -> RenderedMessage:
    return RenderedMessage(text=text, blocks=(), choices=(), language="de")


async def test_a_repeat_is_no_second_message_a_correction_replaces_and_a_stranger_cannot_be_reached(
    lotse: MatrixLotse, enter: Enter
) -> None:
    await lotse.start()
    p = await enter("repeats")
    await lotse.meets(p)
    first = Delivery(id="matrix:$x:0", channel="matrix", peer=p.id, role="reply", message=says("Zum Wertstoffhof"))
    (sent,) = (await lotse.channel.send(first)).external_ids
    await lotse.stop()
    await lotse.start()
    assert (await lotse.channel.send(first)).external_ids == (sent,)  # also after a restart
    again = Delivery(
        id="matrix:$y:0", channel="matrix", peer=p.id, role="reply", message=says("Zur Deponie"), edits=sent
    )
    await lotse.channel.send(again)
    replaced = await p.hears("Zur Deponie")
    assert replaced.content["m.relates_to"] == {"rel_type": "m.replace", "event_id": sent}
    assert sum("Wertstoffhof" in s.text for s in p.heard()) == 1
    nobody = Delivery(
        id="matrix:$z:0", channel="matrix", peer="@nobody:lotse.test", role="wake", message=says("x"), attempt=9
    )
    with pytest.raises(SendError) as failed:
        await lotse.channel.send(nobody)
    assert (failed.value.retryable, failed.value.reason) == (False, "gone")
