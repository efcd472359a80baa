"""What the tests of faults share: records beside what callers saw, counts over several runs of the service, a cuttable
road to AMI.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from routing.steps import StepKind
from sandbox.people import Callers, Seats
from sandbox.trace import Leg
from service.cli.stage import Stage
from storage import queries
from storage.engine import create_engine
from storage.queries import CallRecord
from tests.e2e.evidence import caller_ref
from tests.e2e.machine import tolerance_s


@dataclass(frozen=True, slots=True)
class Story:
    """One call as its caller saw it, its one record, and the kinds of its steps in order."""

    leg: Leg
    record: CallRecord
    kinds: tuple[str, ...]


async def stories(stage: Stage, *callers: Callers) -> list[Story]:
    """The calls of these callers, in the order in which they dialled, once every record says that its call is over."""
    plans = [plan for some in callers for plan in some.plans]
    reports = [leg for some in callers for leg in some.reports()]
    dialled = [(leg, plan.caller) for leg, plan in zip(reports, plans, strict=True) if leg is not None]
    dialled.sort(key=lambda pair: pair[0].invited_at)
    legs = [leg for leg, _ in dialled]
    since_ms = int(min(leg.invited_at for leg in legs) * 1000) - 200

    async def complete() -> list[CallRecord] | None:
        found = [record for record in await stage.calls() if record.arrived_ms >= since_ms]
        whole = len(found) >= len(legs) and all(record.outcome is not None for record in found)
        return sorted(found, key=lambda record: record.arrived_ms) if whole else None

    records = await stage.until(complete, 20, f"{len(legs)} complete records")
    assert isinstance(records, list)
    assert len(records) == len(legs), "one record a call"
    records = _in_order([caller_ref(stage, caller) for _, caller in dialled], records)
    told = [await kinds_of(stage, record.call_id) for record in records]
    return [Story(*parts) for parts in zip(legs, records, told, strict=True)]


def _in_order(refs: Sequence[str | None], records: Sequence[CallRecord]) -> list[CallRecord]:
    """The record of each caller, the records being in the order of arrival. Whoever has a number of his own is known by it:
    of two who dial in one moment either may arrive first."""
    own = {ref for ref, count in Counter(refs).items() if ref is not None and count == 1}
    known = {record.caller_ref: record for record in records if record.caller_ref in own}
    others = (record for record in records if record.caller_ref not in own)
    return [known[ref] if ref in known else next(others) for ref in refs]


async def presented_in_order(stage: Stage, records: Sequence[CallRecord]) -> None:
    """Who came earlier was presented to somebody earlier, by the service's own stamps: how soon a phone picks up then, is
    the phone's business."""
    engine = create_engine(stage.settings.database_url())
    try:
        told = [(one.arrived_ms, await queries.steps(engine, one.call_id)) for one in records]
    finally:
        await engine.dispose()
    times = [(came, [step.at for step in steps if step.kind is StepKind.PRESENTED][:1]) for came, steps in told]
    firsts = [first for _, first in sorted(times)]
    assert all(firsts), "some callers were presented to nobody: the dialplan alone has served them"
    assert firsts == sorted(firsts)


async def kinds_of(stage: Stage, call_id: str) -> tuple[str, ...]:
    engine = create_engine(stage.settings.database_url())
    try:
        return tuple(step.kind.value for step in await queries.steps(engine, call_id))
    finally:
        await engine.dispose()


def told_once(told: Sequence[Story]) -> None:
    """Each call was offered, judged and ended exactly once, answered no oftener than it was answered."""
    for story in told:
        counts = Counter(story.kinds)
        assert (counts["offered"], counts["judged"], counts["ended"]) == (1, 1, 1), story.kinds
        assert counts["answered"] == (story.leg.answered_at is not None), story.kinds


def answer_times_agree(told: Sequence[Story]) -> None:
    """The record has the caller's own answer time, to a tenth of a second.

    Asterisk's clock starts somewhere between INVITE and the first 180: the way to Asterisk it cannot know, and for a call
    that came while nobody listened the stamp is the dialplan's, which Asterisk begins late when the machine is busy. The
    180 follows the stamp at once.
    """
    for story in told:
        leg = story.leg
        assert leg.answered_at is not None
        assert leg.ringing_at is not None
        assert story.record.wait_ms is not None
        least, most = leg.answered_at - leg.ringing_at, leg.answered_at - leg.invited_at
        slack = tolerance_s(leg.invited_at, leg.answered_at)
        assert least - slack < story.record.wait_ms / 1000 < most + slack, story


def answered_in_order(records: Sequence[CallRecord]) -> None:
    """Who came earlier was answered earlier, by the stamps of the hotline."""
    times = [(one.arrived_ms, one.answered_ms or 0) for one in records]
    answered = [at for _, at in sorted(times)]
    assert 0 not in answered
    assert answered == sorted(answered)


def together(*runs: dict[str, float]) -> Counter[str]:
    """Counters of several runs of the service, added up."""
    total: Counter[str] = Counter()
    for run in runs:
        total.update({name: int(value) for name, value in run.items() if "_total" in name or "_count{" in name})
    return total


def figures_agree(counted: Counter[str], told: Sequence[Story], number: str) -> None:
    """`/metrics` and the records say the same of the calls to a number."""
    judged = Counter(story.record.judged for story in told)
    assert counted[f'hotline_calls_offered_total{{line="{number}"}}'] == len(told)
    for result in ("in_time", "late", "abandoned", "failed", "flowed_out"):
        name = f'hotline_calls_judged_total{{line="{number}",result="{result}"}}'
        assert counted[name] == judged[result], (result, judged)
    answered = sum(story.record.answered_ms is not None for story in told)
    assert counted[f'hotline_answer_seconds_count{{line="{number}"}}'] == answered


async def serve_one_by_one(callers: Callers, waiting: Sequence[Leg]) -> None:
    """Frees one seat after the other, each as soon as the one before is taken, until all these callers were answered."""
    for _ in waiting:
        answered = len([leg for leg in callers.legs if leg.answered_at is not None])
        await callers.hang_up(callers.talking()[0])
        await callers.until(_answered_more_than(answered), 10, "the next caller answered")


def _answered_more_than(count: int):  # type: ignore[no-untyped-def]
    return lambda legs: len([leg for leg in legs if leg.answered_at is not None]) > count


def never_rung_while_talking(phones: Sequence[Seats]) -> None:
    """No phone got an INVITE between its 200 and its goodbye."""
    for phone in phones:
        for user in phone.users:
            legs = [leg for leg in phone.legs if leg.number == user]
            for before, after in pairwise(legs):
                assert before.ended_at is not None, (user, before, after)
                assert before.ended_at <= after.invited_at, (user, before, after)


class Relay:
    """A road to AMI that can be cut, made silent or slow. `port` is what the service connects to.

    It has a thread and a loop of its own, so that it lives on between tests and a busy test does not slow it.
    """

    def __init__(self, port: int) -> None:
        self._far = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self.delay_s = 0.0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._thread.start()
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)
        self._loop.close()

    async def mend(self) -> None:
        """Lets connections and what is on its way through (again)."""
        await self._there(self._mend())

    async def cut(self) -> None:
        """Ends every connection and refuses new ones."""
        await self._there(self._cut())

    async def silence(self) -> None:
        """Half-open: connections stay and are taken, nothing passes either way."""
        await self._there(self._silence())

    async def _there(self, work: Coroutine[None, None, None]) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _mend(self) -> None:
        self._open.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _silence(self) -> None:
        self._open.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far)
        for one, other in ((reader, far_writer), (far_reader, writer)):
            pump = asyncio.create_task(self._pump(one, other))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._open.wait()
                await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # the other side went first
        finally:
            writer.transport.abort()
