"""A forecast as a picture: the band, what is expected, who came. Needs matplotlib, imported when a picture is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from service.simulation.picture import PictureError, ready

__all__ = ["PictureError", "draw", "ready"]

BAND: Final = "#c9d7e4"
EXPECTED: Final = "#0b5fa5"
CAME: Final = "#c2571a"


def draw(file: Path, found: Mapping[str, Any]) -> None:
    """Draws the answer of `/api/v1/forecast`, the same file for the same figures. Raises PictureError as `ready` does."""
    ready(file)
    import matplotlib
    from matplotlib.figure import Figure

    quarters = found["quarters"]
    edges = [at / 4 for at in range(len(quarters) + 1)]
    with matplotlib.rc_context({"svg.hashsalt": "hotline", "font.size": 9}):
        figure = Figure(figsize=(9, 4), layout="constrained")
        axes = figure.subplots()
        axes.set_title(title(found), fontsize=10)
        if found["forecast"] is not None:
            low, high = ([quarter[key] for quarter in quarters] for key in ("low", "high"))
            axes.stairs(high, edges, baseline=low, fill=True, color=BAND, label="nine of ten lie here")
            axes.stairs([quarter["expected"] for quarter in quarters], edges, color=EXPECTED, label="expected")
        came = [(at / 4 + 0.125, quarter["arrived"]) for at, quarter in enumerate(quarters)]
        points = [point for point in came if point[1] is not None]
        if points:
            axes.plot(*zip(*points, strict=True), color=CAME, marker=".", linestyle="none", label="arrived")
        axes.set_xlim(0, 24)
        axes.set_ylim(bottom=0)
        axes.set_xticks(range(0, 25, 2))
        axes.set_ylabel("calls in a quarter of an hour")
        axes.legend(loc="upper left")
        try:
            figure.savefig(file, dpi=120, metadata={"Date": None} if file.suffix == ".svg" else None)
        except OSError as error:
            raise PictureError(f"{file} cannot be written: {error.strerror}") from None


def title(found: Mapping[str, Any]) -> str:
    """Without the line's name: it may be Chinese, for which the library brings no letters."""
    return f"{found['day']}, {found['kind']}, {found['line'] or 'the whole hotline'}"
