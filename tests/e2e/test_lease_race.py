"""A decision and the end of the lease within milliseconds of each other: one presentation each, nobody lost.

First with a scripted service that aims at the end of the lease, then with ours, frozen until some leases are just over.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Callers, Plan, Seats
from sandbox.root import Asterisk
from service.cli.stage import Stage
from telephony import names
from telephony.agi.snapshot import Snapshot, write_snapshot
from tests.e2e import faults
from tests.e2e.agi_peer import Peer, Session, present
from tests.e2e.staging import nothing_left_over, reachable, timing

SEATS = [f"10{n:02d}" for n in range(1, 21)]
CHOSEN, SPARE = SEATS[:10], SEATS[10:]  # whom the scripted service names, and whom the fallback finds
NUMBER = "12345"
LEASE_S = 2.0  # all seats hang up within a part of it, on a busy machine too
AIM_MS = (-8.0, 6.0)  # decisions lie so far from the end of the lease, on a machine that delays nobody
SHIFT_MS = 2.0  # of the aim, for each decision of a round that was one too few or too many
ROUNDS = 10
PARTS = (
    0.75,
    0.82,
    0.88,
    0.94,
    1.0,
)  # of the lease that the service stands still; the last renewal was up to 1/3 before


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    edit = timing(lease_s=LEASE_S, wrap_up_s=0, ring_several_after_s=0)
    stage = Stage(folder, asterisk, ports, seats=len(SEATS), edit=edit)
    try:
        await stage.start_asterisk()
        yield stage
    finally:
        await stage.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def phones(stage: Stage) -> AsyncIterator[Seats]:
    async with Seats(stage.pbx, SEATS, stage.folder / "seats") as phones:
        await reachable(stage.sandbox, *SEATS)
        yield phones


def plans(count: int, talk_s: float | None = None) -> list[Plan]:
    return [Plan(NUMBER, f"1380000{n:04d}", talk_s=talk_s) for n in range(count)]


async def forget_the_frozen_service(stage: Stage) -> None:
    """Callers ask it again at once, not after ten seconds."""
    await stage.sandbox.cli(f"dialplan set global {names.FROZEN_UNTIL} 0")


class Aim:
    """A script that decides for one seat after the other, in each round around the end of the lease. What delays the
    dialplan and us is the machine's, so each round aims by what became of the one before."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.decided: list[int] = []  # in each round
        self._shift_ms = 0.0
        self._turn = iter(range(1_000_000))

    async def script(self, session: Session) -> None:
        end = time.monotonic() + LEASE_S
        number = next(self._turn)
        await asyncio.sleep(end + self._aim_ms(number) / 1000 - time.monotonic())
        with contextlib.suppress(ConnectionError):
            decision = present(CHOSEN[number % len(CHOSEN)], presentation=f"p{number}")
            self.accepted.append(await session.command(f'SET VARIABLE {names.DECISION} "{decision}"'))

    def _aim_ms(self, number: int) -> float:
        """Each decision of all rounds has a place of its own."""
        turn, seat = divmod(number, len(CHOSEN))
        first, last = AIM_MS
        return self._shift_ms + first + (last - first) * (seat * ROUNDS + turn) / (ROUNDS * len(CHOSEN) - 1)

    def met(self, decided: int) -> None:
        """So many decisions of a round were in time."""
        self.decided.append(decided)
        self._shift_ms += SHIFT_MS * (decided - len(CHOSEN) / 2)


async def test_decision_at_the_end_of_the_lease_is_carried_out_once_or_not_at_all(stage: Stage, phones: Seats) -> None:
    snapshot = str(stage.settings.data_dir / "snapshot.json")
    aim, rung = Aim(), len(phones.legs)
    async with Peer(stage.ports.fastagi, aim.script) as peer:
        for turn in range(ROUNDS):
            write_snapshot(snapshot, Snapshot(time.time(), {NUMBER: SPARE}))
            await forget_the_frozen_service(stage)
            async with Callers(stage.pbx, plans(10, talk_s=0.1), stage.folder / f"aimed-{turn}", per_s=50) as callers:
                await callers.until_all_ended(20)
                assert [leg.code for leg in callers.legs] == [200] * 10
            legs = phones.legs[rung:]
            assert len(legs) == (turn + 1) * 10, "one presentation each"
            aim.met(sum(leg.number in CHOSEN for leg in legs[turn * 10 :]))
        assert len(peer.asked) == ROUNDS * 10, "nobody asked twice"
    assert all(leg.answered_at is not None for leg in phones.legs)
    decided = [leg for leg in legs if leg.number in CHOSEN]
    print(f"{len(aim.accepted)} replies; by decision {aim.decided}, by fallback {len(legs) - len(decided)}")
    assert 10 <= len(decided) <= 90, "the aim was at the end of the lease"


@contextlib.contextmanager
def frozen(stage: Stage) -> Iterator[None]:
    stage.send(signal.SIGSTOP)
    try:
        yield
    finally:
        stage.send(signal.SIGCONT)


async def test_service_thawed_while_leases_end_presents_each_caller_once(stage: Stage, phones: Seats) -> None:
    await stage.start_service()
    rung = len(phones.legs)
    groups = [
        Callers(stage.pbx, plans(len(SEATS)), stage.folder / f"thawed-{turn}", per_s=50)
        for turn in range(len(PARTS) + 1)
    ]
    talking = groups[0]
    await forget_the_frozen_service(stage)
    await talking.start()
    await talking.until(lambda _: len(talking.talking()) == len(SEATS), 20, "all seats talking")
    for waiting, part in zip(groups[1:], PARTS, strict=True):
        await forget_the_frozen_service(stage)
        await waiting.start()
        await waiting.until(lambda _, who=waiting: len(who.ringing()) == len(SEATS), 10, "all waiting")  # type: ignore[misc]
        with frozen(stage):
            since = time.monotonic()
            for leg in talking.talking():
                await talking.hang_up(leg)
            await talking.until_all_ended(5)
            await asyncio.sleep(max(0.0, since + LEASE_S * part - time.monotonic()))
        await waiting.until(lambda _, who=waiting: len(who.talking()) == len(SEATS), 20, "all served")  # type: ignore[misc]
        talking = waiting
    for leg in talking.talking():
        await talking.hang_up(leg)
    await talking.until_all_ended(5)
    assert len(phones.legs) - rung == len(SEATS) * len(groups), "one presentation each"
    faults.never_rung_while_talking([phones])
    told = await faults.stories(stage, *groups)
    faults.told_once(told)
    by = [story.record.answered_by for story in told[len(SEATS) :]]
    print({name: by.count(name) for name in set(by)})
    assert {"engine", "fallback"} == set(by)
    await nothing_left_over(stage)
