"""Handling what is in the inbox: one read, each event stepped and rendered, one transaction for all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from bot.metrics import Metrics
from bot.plan import Room, Voice, apology, plan
from db.store import Result, Store, Work
from flows.core import search
from flows.core.conversation import Conversation
from flows.core.effects import Effect, OpenTicket, WakeDesk
from flows.core.engine import step
from flows.core.knowledge import Finding, Knowledge
from flows.core.turn import Find

log = logging.getLogger(__name__)

LONG_STEP = 0.0005
"""After a step of so many seconds whatever else is ready has its turn."""


async def handle_batch(
    store: Store,
    knowledge: Knowledge,
    voice: Voice,
    rooms: Sequence[Room] = (),
    limit: int = 64,
    metrics: Metrics | None = None,
) -> int:
    """Handle the oldest open event of up to `limit` free conversations; returns how many.

    A step that raises takes only its own event out: the conversation stays as it was and the person is offered a
    human. Leaving before `finish` means that nothing happened, and every event is taken again.
    """
    metrics = metrics or Metrics()
    find = _timed(metrics)
    began = time.perf_counter()
    async with store.batch(limit) as batch:
        if not batch.work:
            return 0
        stepped: list[tuple[Work, Conversation, tuple[Effect, ...]]] = []
        results: list[Result] = []
        for work in batch.work:
            start = time.perf_counter()
            try:
                stepped.append((work, *step(work.conversation, work.event, knowledge, find)))
            except Exception as error:
                results.append(_set_aside(work, error, voice))
            taken = time.perf_counter() - start
            metrics.step.observe(taken)
            if taken > LONG_STEP:
                await asyncio.sleep(0)  # a sender that has become free need not wait for all the questions
        opening = [
            f"{work.event.id}:{n}"
            for work, _, effects in stepped
            for n, effect in enumerate(effects)
            if isinstance(effect, OpenTicket)
        ]
        numbers = await batch.number(opening) if opening else {}
        waking = any(isinstance(effect, WakeDesk) for _, _, effects in stepped for effect in effects)
        members = await store.members() if waking else ()
        for work, conversation, effects in stepped:
            try:
                results.append(
                    plan(
                        work,
                        conversation,
                        effects,
                        voice=voice,
                        rooms=rooms,
                        members=members,
                        numbers=numbers,
                    )
                )
            except Exception as error:
                results.append(_set_aside(work, error, voice))
        await batch.finish(results)
        metrics.batch.observe(time.perf_counter() - began)
        failed = sum(result.failed is not None for result in results)
        metrics.handled.update(done=len(results) - failed, failed=failed)
        return len(batch.work)


def _timed(metrics: Metrics) -> Find:
    def find(knowledge: Knowledge, text: str, language: str) -> Finding:
        began = time.perf_counter()
        found = search.find(knowledge, text, language)
        metrics.search.observe(time.perf_counter() - began)
        return found

    return find


def _set_aside(work: Work, error: Exception, voice: Voice) -> Result:
    # The traceback names code and line; no text of the person is in it (promise 11).
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "?"
    log.error("a step raised %s at %s; the event is set aside", type(error).__name__, place)
    try:
        return apology(work, error, voice)
    except Exception as second:
        log.error("the apology raised %s too; nothing is sent", type(second).__name__)
        return Result(event=work.event, conversation=work.conversation, failed=type(error).__name__)
