"""A simulated day as a picture: the calls and the people of each hour, the 15 s ratio by hour, the answer times.

The only module that needs matplotlib, and imports it when a picture is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from service.simulation.callers import Caller
from service.simulation.day import Day
from service.simulation.figures import Found
from service.simulation.world import Fate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS: Final = (".svg", ".png")
HOURS: Final = range(24)
SHOWN_S: Final = 60  # answer times beyond are left out
COLOURS: Final = ("#0b5fa5", "#c2571a", "#5b8c2a", "#888888", "#8e44ad")


class PictureError(Exception):
    """No picture can be drawn, and what to type instead."""


def ready(file: Path) -> None:
    """Raises PictureError when a picture could not be drawn into this file: better before the work than after it."""
    if file.suffix not in KINDS:
        raise PictureError(f"{file.name} is no picture that can be drawn: give a name that ends in .svg or .png")
    if not file.absolute().parent.is_dir():
        raise PictureError(f"{file.absolute().parent} is no folder: make it, or name another file")
    has_library()


def has_library() -> None:
    """Raises PictureError when nothing can be drawn at all."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise PictureError("a picture needs matplotlib: type pip install 'hotline12345[picture]'") from None


def draw(file: Path, day: Day, callers: Sequence[Caller], found: Mapping[str, Found]) -> None:
    """Draws the day, the same file for the same figures. `found`: by label. Raises PictureError as `ready` does."""
    ready(file)
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "hotline", "font.size": 9}):
        figure = Figure(figsize=(9, 9), layout="constrained")
        whole, ratios, times = figure.subplots(3)
        figure.suptitle(f"{day.title} ({len(callers):,} simulated, {len(day.people)} people)", fontsize=10)
        _load(whole, day, callers)
        _ratios(ratios, day, found)
        _times(times, found)
        try:
            figure.savefig(file, dpi=120, metadata={"Date": None} if file.suffix == ".svg" else None)
        except OSError as error:
            raise PictureError(f"{file} cannot be written: {error.strerror}") from None


def calls_by_hour(callers: Sequence[Caller]) -> list[int]:
    counts = [0] * len(HOURS)
    for caller in callers:
        counts[min(len(HOURS) - 1, int(caller.at // 3600))] += 1
    return counts


def people_by_hour(day: Day) -> list[float]:
    """Signed in by their shifts, on average over the hour."""
    found = [0.0] * len(HOURS)
    for person in day.people:
        for shift in person.shifts:
            for hour in HOURS:
                there_s = min(shift.until_at, (hour + 1) * 3600) - max(shift.from_at, hour * 3600)
                found[hour] += max(0.0, there_s) / 3600
    return found


def _hours(axes: Axes) -> None:
    axes.set_xlim(0, 24)
    axes.set_xticks(range(0, 25, 2))
    axes.set_xlabel("hour of arrival")


def _load(axes: Axes, day: Day, callers: Sequence[Caller]) -> None:
    _hours(axes)
    axes.bar([hour + 0.5 for hour in HOURS], calls_by_hour(callers), width=0.9, color="#c9d7e4")
    axes.set_ylabel("calls an hour (bars)")
    people: Any = axes.twinx()
    people.step([*HOURS, 24], [*people_by_hour(day), 0], where="post", color=COLOURS[0])
    people.set_ylim(bottom=0)
    people.set_ylabel("people on shift (line)")


def _ratios(axes: Axes, day: Day, found: Mapping[str, Found]) -> None:
    _hours(axes)
    for colour, (label, one) in zip(COLOURS, found.items(), strict=False):
        ratio = "" if one.total.ratio is None else f" {one.total.ratio * 100:.2f} %"
        hourly = [None if value is None else value * 100 for value in one.hourly]
        points = [(hour + 0.5, value) for hour, value in zip(HOURS, hourly, strict=True) if value is not None]
        line: dict[str, Any] = {"color": colour, "marker": ".", "label": f"{label}{ratio}"}
        axes.plot(*zip(*points, strict=True), **line, zorder=front(label, found))
    for target in sorted({line.ratio * 100 for line in day.rules.lines.values()}):
        axes.axhline(target, color="#444444", linestyle=":", linewidth=1)
    axes.set_ylabel("answered in time, % of all calls")
    axes.set_ylim(top=101)
    axes.legend(loc="lower right")


def front(label: str, found: Mapping[str, Found]) -> int:
    """What comes first lies on top."""
    return 10 + len(found) - list(found).index(label)


def _times(axes: Axes, found: Mapping[str, Found]) -> None:
    axes.set_xlim(0, SHOWN_S)
    for colour, (label, one) in zip(COLOURS, found.items(), strict=False):
        shares = answered_within(one, range(SHOWN_S + 1))
        percents = [share * 100 for share in shares]
        axes.plot(range(SHOWN_S + 1), percents, color=colour, label=label, zorder=front(label, found))
    axes.axvline(15, color="#444444", linestyle=":", linewidth=1)
    axes.set_xlabel("seconds from arrival")
    axes.set_ylabel("answered by then, % of all calls")
    axes.set_ylim(0, 101)
    axes.legend(loc="lower right")


def answered_within(found: Found, seconds: Sequence[int]) -> list[float]:
    """Share of all calls that were answered by then, for each of these."""
    outcome = found.outcome
    waits = [wait_s for fate, wait_s in zip(outcome.fates, outcome.waits_s, strict=True) if fate is Fate.ANSWERED]
    return [sum(wait_s <= limit for wait_s in waits) / len(outcome.fates) for limit in seconds]
