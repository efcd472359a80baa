"""Pictures of a report, as SVG: the ratio over time, how long people waited, the week by the hour, seats there and needed.

Words that may be Chinese stand beside a picture, not in it: the library brings no letters for them. Needs matplotlib,
imported when a picture is drawn.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from metrics.measures import HEADLINE
from service.reports.tables import band_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Json = Mapping[str, Any]
COLOURS: Final = ("#0b5fa5", "#c2571a", "#5b8c2a", "#8e44ad", "#7f6a00", "#008b8b", "#b0306a", "#555555")
TOTAL: Final = "#111111"
PALE: Final = "#c9d7e4"
BEYOND: Final = "#e3a27e"
FEW: Final = 8  # lines of a picture that can be told apart
TICKS: Final = 12


def svg(draw: Callable[[Axes], None], *, height: float = 3.0) -> str:
    """One picture, the same text for the same figures."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "hotline", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(9, height), layout="constrained")
        draw(figure.subplots())
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def ratios(report: Json, targets: Sequence[float]) -> str:
    """The 15 s ratio by step of time: of all, and of the busiest numbers when it is a matter of quarters."""
    days = report["days"]
    steps = days or report["intervals"]
    labels = [step["day"][5:] if days else step["from"][11:16] for step in steps]
    called = [one for one in report["numbers"] if one["offered"]]
    busiest = sorted(called, key=lambda one: -one["offered"])[:FEW]

    def draw(axes: Axes) -> None:
        for colour, one in zip(COLOURS, [] if days or len(busiest) < 2 else busiest, strict=False):
            values = [step["numbers"].get(one["number"], {}).get(HEADLINE) for step in steps]
            _line(axes, values, color=colour, label=one["number"], linewidth=0.8, marker=".", markersize=3)
        _line(axes, [step["ratios"][HEADLINE] for step in steps], color=TOTAL, label=HEADLINE, linewidth=1.6)
        for target in sorted(set(targets)):
            axes.axhline(target * 100, color="#444444", linestyle=":", linewidth=1)
        axes.set_ylim(-2, 102)
        axes.set_ylabel("%")
        _ticks(axes, labels)
        axes.legend(loc="lower left", ncols=4, fontsize=8)

    return svg(draw)


def bands(report: Json) -> str:
    """How many waited how long: answered, and given up above them."""
    found = report["bands"]
    names = [band_text(band) for band in found]

    def draw(axes: Axes) -> None:
        answered = [band["answered"] for band in found]
        axes.bar(names, answered, color=[COLOURS[0] if _in_time(band) else PALE for band in found], label="A")
        axes.bar(names, [band["abandoned"] for band in found], bottom=answered, color=BEYOND, label="B")
        axes.legend(loc="upper right")

    return svg(draw)


def _in_time(band: Json) -> bool:
    return band["to_ms"] is not None and band["to_ms"] <= 15_000


def heat(report: Json) -> str:
    """The ratio of each hour of the week; how many calls stand in each cell."""
    cells = {(cell["weekday"], cell["hour"]): cell for cell in report["heat"]}

    def draw(axes: Axes) -> None:
        values = [[_percent(cells.get((day, hour))) for hour in range(24)] for day in range(7)]
        shown = axes.imshow(values, aspect="auto", cmap="cividis", vmin=50, vmax=100)
        for (day, hour), cell in cells.items():
            dark = _percent(cell) < 80
            axes.text(hour, day, str(cell["offered"]), ha="center", va="center", fontsize=6,
                      color="white" if dark else "black")  # fmt: skip
        axes.set_yticks(range(7), [str(day) for day in range(1, 8)])
        axes.set_xticks(range(0, 24, 2))
        axes.figure.colorbar(shown, ax=axes, label="%", shrink=0.9)

    return svg(draw, height=2.6)


def _percent(cell: Json | None) -> float:
    """Nothing for hours without calls: the picture leaves them white."""
    return float("nan") if cell is None or cell[HEADLINE] is None else cell[HEADLINE] * 100


def seats(report: Json) -> str:
    """Callers who came, seats that were there, seats that were needed."""
    steps = report["there"]
    came = {step["from"]: step["offered"] for step in report["intervals"]}

    def draw(axes: Axes) -> None:
        places = range(len(steps))
        axes.bar(places, [came.get(step["from"], 0) for step in steps], color=PALE, width=1.0, label="calls")
        axes.step(places, [step["seats"] for step in steps], where="mid", color=COLOURS[0], label="seats")
        if any(step.get("needed") is not None for step in steps):
            needed = [step["needed"] if step.get("needed") is not None else float("nan") for step in steps]
            axes.step(places, needed, where="mid", color=COLOURS[1], linestyle="--", label="needed")
        _ticks(axes, [step["from"][11:16] for step in steps])
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper left")

    return svg(draw)


def _line(axes: Axes, values: Sequence[float | None], **look: Any) -> None:
    axes.plot([float("nan") if value is None else value * 100 for value in values], **look)


def _ticks(axes: Axes, labels: Sequence[str]) -> None:
    every = max(1, len(labels) // TICKS)
    axes.set_xticks(range(0, len(labels), every), labels[::every])
    axes.set_xlim(-0.5, max(0.5, len(labels) - 0.5))
