"""When scheduled test calls are due: plain functions of a schedule, a day and a secret.

The moment of a slot is its time plus a part of the jitter that only who knows the secret can tell. So agents cannot expect
it, and a service that is restarted finds the same moments again without having to remember them.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

LATE_S: Final = 900.0  # a slot whose moment is longer ago is left out


class Schedule(NamedTuple):
    """Test calls to these lines, daily. Seconds of the day; `every_s` 0: at `at_s` alone."""

    numbers: tuple[str, ...]
    at_s: tuple[int, ...] = ()
    every_s: int = 0
    from_s: int = 0
    to_s: int = 86400
    jitter_s: int = 0


class Slot(NamedTuple):
    """One test call that is due at `at` (epoch). `id` is the same whenever it is worked out."""

    id: str
    number: str
    at: float


def of_day(schedules: Iterable[Schedule], day: date, zone: tzinfo, secret: bytes) -> list[Slot]:
    """All slots of a day, by their moments; two schedules may name one line."""
    found = (
        _slot(number, day, begins_s, schedule.jitter_s, zone, secret)
        for schedule in schedules
        for begins_s in _times(schedule)
        for number in schedule.numbers
    )
    return sorted(found, key=lambda slot: (slot.at, slot.id))


def _times(schedule: Schedule) -> Iterator[int]:
    yield from schedule.at_s
    if schedule.every_s > 0:
        yield from range(schedule.from_s, schedule.to_s, schedule.every_s)


def _slot(number: str, day: date, begins_s: int, jitter_s: int, zone: tzinfo, secret: bytes) -> Slot:
    id_ = f"{number}@{day.isoformat()}T{begins_s // 3600:02d}:{begins_s // 60 % 60:02d}"
    share = int.from_bytes(hmac.digest(secret, id_.encode(), "sha256")[:4], "big") / 2**32
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    return Slot(id_, number, (midnight + timedelta(seconds=begins_s + share * jitter_s)).timestamp())


def begun(schedules: Iterable[Schedule], now: float, zone: tzinfo, secret: bytes) -> list[Slot]:
    """The slots of today and yesterday whose moment has come, oldest first."""
    today, known = datetime.fromtimestamp(now, zone).date(), tuple(schedules)
    both = [*of_day(known, today - timedelta(days=1), zone, secret), *of_day(known, today, zone, secret)]
    return [slot for slot in both if slot.at <= now]
