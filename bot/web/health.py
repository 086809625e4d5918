"""Whether the program lives and can work, for supervisors and for metrics; no personal data."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from bot.app import App
from bot.metrics import BUCKETS, Timing

PATIENCE = 2.0
"""Seconds for which the store may keep somebody waiting who asks whether it is there."""


class Health:
    """The handlers of health and metrics."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._asking: asyncio.Task[str | None] | None = None

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/healthz", self.healthz), web.get("/metrics", self.metrics)]

    async def healthz(self, request: web.Request) -> web.Response:
        """200 when the store answers, 503 otherwise."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        # Not cancelled: where nothing comes through any more, a driver takes a minute to give up a connection, and
        # one question that waits is enough.
        asking = self._asking
        await asyncio.wait([asking], timeout=PATIENCE)
        reason = asking.result() if asking.done() else "TimeoutError"
        if reason is not None:
            return web.json_response({"live": True, "ready": False, "reason": reason}, status=503)
        return web.json_response({"live": True, "ready": True})

    async def _ask(self) -> str | None:
        """What the store raised, None when it answered."""
        try:
            await self.app.store.next_due()
        except Exception as error:
            return type(error).__name__
        return None

    async def metrics(self, request: web.Request) -> web.Response:
        """Counts, queue lengths, ages and times in Prometheus' text form, to this machine only."""
        if not _from_this_machine(request):
            raise web.HTTPNotFound()
        registry = CollectorRegistry()
        registry.register(_Collected([*_figures(await self.app.store.figures()), *_counts(self.app)]))
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _from_this_machine(request: web.Request) -> bool:
    """Whether somebody here asks by a name of this machine; what a proxy passes on comes from elsewhere."""
    if any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")):
        return False
    try:
        asked = urlsplit(f"//{request.host}").hostname or ""
        here = ipaddress.ip_address(request.remote or "").is_loopback
        return here and (asked == "localhost" or ipaddress.ip_address(asked).is_loopback)
    except ValueError:
        return False


class _Collected:
    """What was collected before, in the shape that prometheus-client asks for."""

    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> list[Metric]:
        return self._found


def _figures(figures: Mapping[str, float]) -> Iterator[Metric]:
    for name, value in sorted(figures.items()):
        yield GaugeMetricFamily(f"lotse_{name}", f"From the store: {name.replace('_', ' ')}", value=value)


def _counts(app: App) -> Iterator[Metric]:
    metrics = app.metrics
    received = CounterMetricFamily("lotse_received", "Events new to the inbox", labels=["channel"])
    for channel, count in sorted(metrics.received.items()):
        received.add_metric([channel], count)
    handled = CounterMetricFamily("lotse_handled", "Events handled, by what came of them", labels=["result"])
    for result in ("done", "failed"):
        handled.add_metric([result], metrics.handled[result])
    sent = CounterMetricFamily("lotse_sent", "Attempts to send, by what came of them", labels=["channel", "result"])
    for (channel, result), count in sorted(app.outbox.counts.items()):
        sent.add_metric([channel, result], count)
    ignored = GaugeMetricFamily("lotse_ignored", "What was no event, and why", labels=["channel", "why"])
    for one in app.channels.values():
        for why, count in sorted(getattr(one, "ignored", {}).items()):
            ignored.add_metric([one.name, why], count)
    yield from (received, handled, sent, ignored)
    yield _timing("lotse_step_seconds", "Time of one step", metrics.step)
    yield _timing("lotse_search_seconds", "Time of the search for typed words, within its step", metrics.search)
    yield _timing("lotse_batch_seconds", "Time of a batch, stored", metrics.batch)
    yield GaugeMetricFamily("lotse_in_flight", "Messages being sent", value=app.outbox.in_flight)
    yield GaugeMetricFamily("lotse_leads", "Whether this process does what only one may", value=float(app.leads))


def _timing(name: str, says: str, timing: Timing) -> Metric:
    ends = [*(f"{end:g}" for end in BUCKETS), "+Inf"]
    buckets = list(zip(ends, itertools.accumulate(timing.counts), strict=True))
    return HistogramMetricFamily(name, says, buckets=buckets, sum_value=timing.seconds)
