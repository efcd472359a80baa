"""What a bench found: figures side by side, and how they are shown. Judged is only what has an aim."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `ours` and `beside` as shown, unit included; `ratio`: ours / beside.

    `met`: whether the aim is; None where there is no aim, and nothing is judged.
    """

    bench: str
    what: str
    ours: str
    beside: str = ""
    ratio: float | None = None
    aim: str = ""
    met: bool | None = None


def quantile(values: Iterable[float], share: float) -> float:
    """Nearest rank: the smallest value that is not exceeded by `share` of all. Raises ValueError: no values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values to take a quantile of")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median_ratio(ours: Sequence[float], beside: Sequence[float]) -> float:
    """Median over rounds of ours / beside: a round that the machine disturbed disturbs both sides."""
    return median(a / b for a, b in zip(ours, beside, strict=True))


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def show(figures: Iterable[Figure]) -> None:
    """The table; as wide as it needs to be where the output is no terminal."""
    table = Table("bench", "figure", "ours", "beside", "ratio", "aim", "verdict")
    for figure in figures:
        verdict = "" if figure.met is None else "met" if figure.met else "MISSED"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        table.add_row(figure.bench, figure.what, figure.ours, figure.beside, ratio, figure.aim, verdict)
    console = Console()
    (console if console.is_terminal else Console(width=150)).print(table)
