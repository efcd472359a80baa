"""The decreed calendar of China, from the package `holidays`: every date of the years whose decree it knows.

The State Council decrees a year's holidays and moved workdays in the November before. For years beyond that the package
estimates holidays and knows no moved workday, so such a year is not taken at all: half a calendar is worse than none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta

from routing.workdays import SATURDAY, Day, DayKind


class DecreeUnavailable(Exception):
    """The package is missing or is not as we know it; the text says so in one sentence."""


def official_days(years: Iterable[int]) -> list[Day]:
    """All dates of those years that are known. Takes half a second the first time: the package is slow to import.

    Raises:
        DecreeUnavailable: a hotline must go on without it, for a new version of it may come at any time.
    """
    try:
        return [day for year in years for day in _year(year)]
    except ImportError:
        raise DecreeUnavailable("the package holidays is not installed; type: pip install holidays") from None
    except Exception as error:
        raise DecreeUnavailable(f"the package holidays cannot be used ({type(error).__name__}: {error})") from error


def _year(year: int) -> Iterator[Day]:
    from holidays import country_holidays

    off = country_holidays("CN", years=year, language="zh_CN")
    moved: Collection[date] = {day for day in off.weekend_workdays if day.year == year}
    if not moved:  # every decree so far has some
        return
    day = date(year, 1, 1)
    while day.year == year:
        name = off.get(day)
        if day in moved:
            yield Day(day, DayKind.MOVED, "调休上班")
        elif name is not None:
            yield Day(day, DayKind.HOLIDAY, name)
        else:
            yield Day(day, DayKind.WEEKEND if day.weekday() >= SATURDAY else DayKind.WORKDAY)
        day += timedelta(days=1)
