"""A recorded day once more: the callers who came, the people who were there, by the live rules and by others.

What is taken from the records: who dialled what and when, how long they talked, how long who gave up had waited; who was
there from when to when, with which skills; how long phones rang, how long wrap-up took. What is not known of a caller under
other rules is drawn once, the same for both sides: how much longer he would have waited, what he would have said had he not
given up, how quickly another agent would have picked up. The day by the live rules, held against what happened, tells what
the replay is worth.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, NamedTuple

from routing.agent_state import AgentState
from routing.floor import SET_ASIDE, TIMED
from routing.model import AgentProfile, Rules, SeatProfile
from routing.steps import CallOutcome, Judgement, Outcome
from routing.workdays import Workdays
from service.agent_rows import profile_of
from service.settings import Settings
from service.simulation.callers import PICK_UPS, Caller
from service.simulation.day import DAY_S, Day, Habits, Person, Shift, wrap_up_limit_s
from service.simulation.figures import ALL, simulate
from storage.agents import AgentRow
from storage.days import Period, Shown
from storage.engine import sqlite_file_exists
from storage.queries import CallRecord
from storage.records import agents_of, archive_of, workdays_of

NEVER: Final = math.inf
OWN: Final = "/"  # between a seat's id and that of the agent whose own it is here; no id has one
ENOUGH: Final = 10  # who gave up, before their number says how patient people were
AROUND_MS: Final = 3000  # wrap-up begins so near the end of a call
USED_UP_S: Final = 0.5  # wrap-up that ends so near its limit was ended by it
THERE: Final = frozenset({AgentState.READY, AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP})
OF_OURS: Final = TIMED | {SET_ASIDE}  # pauses that the engine gives


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the records have of a day. `actual`: by dialled number, calls in time and all."""

    day: Day
    callers: tuple[Caller, ...]
    actual: Mapping[str, tuple[int, int]]
    left_out: int  # calls to numbers that no line serves any more


class Estimate(NamedTuple):
    """The 15 s ratio of one dialled number, or of all. Ratios 0..1; None: nothing to judge."""

    number: str
    name: str
    calls: int
    actual: float | None
    live: float | None  # the day once more, by the live rules
    other: float | None  # and by the others


class _Drawn(NamedTuple):
    """From which chance takes what the records do not tell."""

    chance: Random
    habits: Habits
    until_ms: int  # epoch; later nothing is known
    beyond_s: float  # mean of how much longer who was answered would have waited
    talks: Mapping[str, Sequence[float]]  # by number
    pick_ups: Sequence[float]


def estimates(recorded: Recorded, other: Rules) -> list[Estimate]:
    """By number, then all together. `other`: rules with the same people."""
    day = recorded.day
    live = simulate(day, recorded.callers, "ours")
    changed = simulate(by_others(day, other), recorded.callers, "ours")
    found = []
    for one, two in zip((*live.numbers, live.total), (*changed.numbers, changed.total), strict=True):
        in_time, count = _sum(recorded.actual) if one.number == ALL else recorded.actual[one.number]
        found.append(
            Estimate(one.number, one.name, one.offered, in_time / count if count else None, one.ratio, two.ratio)
        )
    return found


def by_others(day: Day, other: Rules) -> Day:
    """The day by other rules: the same people, at seats in the groups that the others give them."""
    people = [replace(person, seat=_in_groups(person.seat, other)) for person in day.people]
    return replace(day, rules=replace(other, agents=day.rules.agents), people=tuple(people))


def _in_groups(seat: SeatProfile, other: Rules) -> SeatProfile:
    told = other.seats.get(seat.id.partition(OWN)[0])
    return seat if told is None else replace(seat, groups=told.groups, lines=told.lines)


def _sum(actual: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    return sum(pair[0] for pair in actual.values()), sum(pair[1] for pair in actual.values())


def load_day(settings: Settings, since_s: float, now_s: float, seed: int = 1) -> Recorded | None:
    """The day that begins at `since_s` (epoch), as far as it is decided by `now_s`; None when no call is.

    Raises:
        StorageError: the database is out of reach.
    """
    return asyncio.run(read_day(settings, since_s, now_s, seed))


async def read_day(settings: Settings, since_s: float, now_s: float, seed: int = 1) -> Recorded | None:
    """As `load_day`."""
    url = settings.database_url()
    if not sqlite_file_exists(url):
        return None
    agents, workdays = await agents_of(url), await workdays_of(url)
    since_ms, until_ms = round(since_s * 1000), round(min(since_s + DAY_S, now_s) * 1000)
    async with archive_of(url) as archive:
        calls, shown, periods = await archive.day(since_ms, until_ms)
    rules = settings.rules()
    judged = [call for call in calls if call.judged is not None]
    served = [call for call in judged if call.number in rules.lines]
    if not served:
        return None
    people = tuple(_people(rules, agents, periods, since_ms, until_ms))
    times: defaultdict[str, list[float]] = defaultdict(list)
    for call in served:
        times[call.number].append(call.arrived_ms / 1000 - since_s)
    day = Day(
        name="", title="", rules=rules, arrivals=(), people=people, midnight=since_s,
        recorded={number: tuple(moments) for number, moments in times.items()},
        workdays=Workdays({row.day.date: row.day for row in workdays}),
    )  # fmt: skip
    callers = tuple(_callers(day, served, shown, periods, until_ms, seed))
    return Recorded(day, callers, _actual(served), len(judged) - len(served))


def _actual(calls: Iterable[CallRecord]) -> dict[str, tuple[int, int]]:
    counted: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for call in calls:
        counted[call.number][0] += call.judged == Judgement.IN_TIME
        counted[call.number][1] += 1
    return {number: (in_time, count) for number, (in_time, count) in counted.items()}


# -- who was there -----------------------------------------------------------------------------------------------------


def _people(
    rules: Rules, agents: Sequence[AgentRow], periods: Sequence[Period], since_ms: int, until_ms: int
) -> list[Person]:
    """Everybody who was there on that day, with the skills he has now, at a seat of his own in the groups of the one
    where he was."""
    profiles = {row.id: profile_of(row, rules.skills) for row in agents} or dict(rules.agents)
    shifts: defaultdict[str, list[Shift]] = defaultdict(list)
    seats: dict[str, str] = {}
    for period in periods:
        if period.state in THERE or (period.state == AgentState.PAUSED and period.reason in OF_OURS):
            _there(shifts[period.agent_id], period, since_ms, until_ms)
            seats[period.agent_id] = period.seat_id or seats.get(period.agent_id, "")
    known = [id_ for id_ in shifts if id_ in profiles]
    return [Person(profiles[id_], _own_seat(rules, profiles[id_], seats[id_]), tuple(shifts[id_])) for id_ in known]


def _there(shifts: list[Shift], period: Period, since_ms: int, until_ms: int) -> None:
    """Adds a period to the shifts before it; one that goes on now goes on until midnight."""
    begins = max(0.0, (period.since_ms - since_ms) / 1000)
    open_end = period.until_ms is None or period.until_ms >= until_ms
    ends = DAY_S if open_end else (period.until_ms or 0) / 1000 - since_ms / 1000
    if shifts and begins <= shifts[-1].until_at + 0.001:
        shifts[-1] = Shift(shifts[-1].from_at, max(ends, shifts[-1].until_at))
    else:
        shifts.append(Shift(begins, ends))


def _own_seat(rules: Rules, agent: AgentProfile, seat_id: str) -> SeatProfile:
    """Nobody has to leave it for another."""
    seat = rules.seats.get(seat_id)
    own = f"{seat_id}{OWN}{agent.id}"
    return SeatProfile(own, "") if seat is None else SeatProfile(own, "", seat.groups, lines=seat.lines)


# -- who called --------------------------------------------------------------------------------------------------------


def _callers(
    day: Day, calls: Sequence[CallRecord], shown: Sequence[Shown], periods: Sequence[Period], until_ms: int, seed: int
) -> Iterable[Caller]:
    seats: defaultdict[str, list[Shown]] = defaultdict(list)
    for one in shown:
        seats[one.call_id].append(one)
    wrap_ups: defaultdict[str, list[Period]] = defaultdict(list)
    for period in periods:
        if period.state == AgentState.WRAP_UP and period.until_ms is not None:
            wrap_ups[period.agent_id].append(period)
    drawn = _what_to_draw_from(calls, shown, day.habits, until_ms, seed)
    for nth, call in enumerate(calls):
        pick_ups = _pick_ups(call, seats[call.call_id], drawn)
        yield Caller(
            nth, call.number, call.arrived_ms / 1000 - day.midnight, _patience_s(call, drawn), _talk_s(call, drawn),
            _wrap_up_s(call, wrap_ups.get(call.agent_id or "", ()), wrap_up_limit_s(day.rules, call.number)),
            tuple(pick_ups),
        )  # fmt: skip


def _what_to_draw_from(
    calls: Sequence[CallRecord], shown: Sequence[Shown], habits: Habits, until_ms: int, seed: int
) -> _Drawn:
    gave_up = sum(call.outcome == CallOutcome.ABANDONED for call in calls)
    waited_s = sum((call.wait_ms or 0) / 1000 for call in calls)
    talks: defaultdict[str, list[float]] = defaultdict(list)
    for call in calls:
        if call.answered_ms is not None and call.ended_ms is not None and call.talk_ms > 0:
            talks[call.number].append(call.talk_ms / 1000)
    pick_ups = [s for s in map(_pick_up_s, shown) if s is not None]
    beyond_s = waited_s / gave_up if gave_up >= ENOUGH else habits.patience.mean_s
    return _Drawn(Random(seed), habits, until_ms, beyond_s, talks, pick_ups)


def _any(drawn: _Drawn, known: Sequence[float], else_draw: object) -> float:
    if known:
        return drawn.chance.choice(known)
    assert callable(else_draw)
    return float(else_draw(drawn.chance))


def _patience_s(call: CallRecord, drawn: _Drawn) -> float:
    """Who gave up was so patient; everybody else would have waited longer, nobody knows how long."""
    waited_s = (call.wait_ms or 0) / 1000
    beyond_s = drawn.chance.expovariate(1.0) * drawn.beyond_s
    return waited_s if call.outcome == CallOutcome.ABANDONED else waited_s + beyond_s


def _talk_s(call: CallRecord, drawn: _Drawn) -> float:
    other_s = _any(drawn, drawn.talks.get(call.number, ()), drawn.habits.talk.draw)
    if call.answered_ms is None:
        return other_s
    so_far_s = (drawn.until_ms - call.answered_ms) / 1000
    return call.talk_ms / 1000 if call.ended_ms is not None else max(other_s, so_far_s)


def _wrap_up_s(call: CallRecord, wrap_ups: Sequence[Period], limit_s: float) -> float:
    """Who used up the time there was would use up a longer one too."""
    if limit_s <= 0 or call.answered_ms is None:
        return NEVER
    ended_ms = call.answered_ms + call.talk_ms
    at = bisect_left(wrap_ups, ended_ms - AROUND_MS, key=lambda period: period.since_ms)
    if at == len(wrap_ups) or wrap_ups[at].since_ms > ended_ms + AROUND_MS:
        return 0.0
    took_s = ((wrap_ups[at].until_ms or 0) - wrap_ups[at].since_ms) / 1000
    return took_s if took_s < limit_s - USED_UP_S else NEVER


def _pick_ups(call: CallRecord, seats: Sequence[Shown], drawn: _Drawn) -> list[float]:
    """How long the first, second, ... seat presented takes, as far as it is known. A phone that still rang when the caller
    gave up would have rung longer: as one of those that did."""
    found: list[float] = []
    for shown in seats:
        known_s = _pick_up_s(shown)
        if known_s is not None:
            found.append(known_s)
        elif (
            shown.outcome == Outcome.CANCELLED
            and call.outcome == CallOutcome.ABANDONED
            and shown.picked_up_ms is not None
        ):
            longer = [pick_up_s for pick_up_s in drawn.pick_ups if pick_up_s > shown.picked_up_ms / 1000]
            found.append(drawn.chance.choice(longer) if longer else NEVER)
    found += [_any(drawn, drawn.pick_ups, drawn.habits.pick_up.draw) for _ in range(PICK_UPS - len(found))]
    return found[:PICK_UPS]


def _pick_up_s(shown: Shown) -> float | None:
    """How long a phone rang until it was answered; None: the phone's doing, or the caller's, and not the agent's."""
    if shown.outcome == Outcome.NO_ANSWER:
        return NEVER
    if shown.outcome == Outcome.ANSWERED and shown.picked_up_ms is not None:
        return max(0.0, shown.picked_up_ms / 1000)
    return None
