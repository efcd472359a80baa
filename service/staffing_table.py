"""Seats needed and the end of the day, as the API, the wallboard, the metrics and `hotline status` give them. Pure.

One pool: every line's rings widen to everybody within seconds, so the seats of the whole hotline are shared and what is
needed is needed of all together. Lines that keep seats to themselves need more than this; docs/staffing.md says how much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final

from metrics import measures
from metrics.day_end import Ahead, DayEnd, SoFar, day_end
from metrics.erlang import erlang_a, seats_needed
from routing.forecast import QUARTER_S, Forecast
from service.handling import Learned
from service.history import day_of, quarter_of, start_of

QUARTERS_SHOWN: Final = 4  # the one that is going on, and three more

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known at a moment.

    made: forecasts by day, today's always among them. level: by which today's is multiplied, for what came so far.
    signed_in: people not paused. rostered: how many should be there at an epoch second, None: nobody knows. handle_s: by
    hour of the day. ratio, answer_within_s: the target.
    """

    now: float
    zone: tzinfo
    made: Mapping[date, Forecast]
    level: float
    signed_in: int
    rostered: Callable[[float], int | None]
    handle_s: Callable[[int], Learned]
    patience_s: Learned
    ratio: float
    answer_within_s: float

    def expected(self, at: float) -> float | None:
        """Calls of the quarter of an hour that begins then; None: there is no forecast of that day."""
        day = day_of(at, self.zone)
        if day not in self.made:
            return None
        return self.made[day].quarters[quarter_of(at, self.zone)] * (self.level if day == self.today else 1.0)

    @property
    def today(self) -> date:
        return day_of(self.now, self.zone)

    @property
    def begun(self) -> float:
        """When the quarter of an hour began that is going on."""
        return self.now // QUARTER_S * QUARTER_S

    def handling(self, at: float) -> Learned:
        return self.handle_s(quarter_of(at, self.zone) // 4)


def staffing(situation: Situation, so_far: SoFar) -> Json:
    """With a forecast."""
    handling = situation.handling(situation.now)
    return {
        "at": situation.now,
        "why_none": None,
        "signed_in": situation.signed_in,
        "quarters": [_quarter(situation, situation.begun + n * QUARTER_S) for n in range(QUARTERS_SHOWN)],
        "handling": handling._asdict(),
        "patience": situation.patience_s._asdict(),
        "level": situation.level,
        "today": _today(so_far, situation.ratio, day_end(so_far, ahead(situation), situation.ratio)),
    }


def without(now: float, why: str, signed_in: int, so_far: SoFar, ratio: float) -> Json:
    """Without a forecast nothing is said of what is to come."""
    return {
        "at": now,
        "why_none": why,
        "signed_in": signed_in,
        "quarters": [],
        "handling": None,
        "patience": None,
        "level": None,
        "today": _today(so_far, ratio, None),
    }


def _quarter(situation: Situation, at: float) -> Json:
    calls, needed = situation.expected(at), None
    if calls is not None:
        handle_s, patience_s = situation.handling(at).seconds, situation.patience_s.seconds
        needed = seats_needed(calls / QUARTER_S, handle_s, patience_s, situation.answer_within_s, situation.ratio)
    return {
        "at": f"{datetime.fromtimestamp(at, situation.zone):%H:%M}",
        "expected": None if calls is None else round(calls, 1),
        "needed": needed,
        "gap": None if needed is None else needed - situation.signed_in,
        "rostered": situation.rostered(at),
    }


def ahead(situation: Situation) -> Iterator[Ahead]:
    """The rest of today by quarters of an hour; of the one that is going on what is left."""
    midnight = start_of(situation.today + timedelta(days=1), situation.zone)
    at, there = situation.begun, situation.rostered(situation.now)
    while at < midnight:
        calls = situation.expected(at) or 0.0
        left = min(1.0, (at + QUARTER_S - situation.now) / QUARTER_S)
        yield Ahead(calls * left, _in_time(situation, at, calls, _people(situation, at, there)))
        at += QUARTER_S


def _people(situation: Situation, at: float, there: int | None) -> int:
    """As many of those on the roster then as of those on it now; without one those who are signed in stay."""
    then = situation.rostered(at)
    return round(situation.signed_in * then / there) if then is not None and there else situation.signed_in


def _in_time(situation: Situation, at: float, calls: float, people: int) -> float:
    if not people:
        return 0.0
    if not calls:
        return 1.0
    handle_s, patience_s = situation.handling(at).seconds, situation.patience_s.seconds
    return erlang_a(calls / QUARTER_S, handle_s, people, patience_s, situation.answer_within_s).in_time


def _today(so_far: SoFar, target: float, end: DayEnd | None) -> Json:
    return {
        "formula": measures.HEADLINE,
        "in_time": so_far.in_time,
        "judged": so_far.judged,
        "ratio": so_far.in_time / so_far.judged if so_far.judged else None,
        "target": target,
        "expected": None if end is None else end.expected,
        "to_come": None if end is None else end.to_come,
        "must": None if end is None else end.must,
        "best": None if end is None else end.best,
        "reachable": None if end is None else end.reachable,
    }
