"""Seats that each step of a period would have needed for the target, by what really came. See docs/staffing.md."""

from __future__ import annotations

from collections import Counter
from typing import Final

from metrics.counting import together
from metrics.erlang import seats_needed
from metrics.working import Work, handle_s
from service.handling import FEWEST, FEWEST_ABANDONED
from service.reports.counted import Counted
from service.settings import Settings

LONGEST_DAYS: Final = 7  # of more, the sums would take longer than the report


class Needed:
    """Handling and patience are those of the period itself, or as configured when it has too few calls to tell."""

    def __init__(self, counted: Counted, settings: Settings) -> None:
        self._target, self._usual = settings.target, settings.staffing
        self._step_s = counted.period.step_ms / 1000
        self._short = counted.period.until_ms - counted.period.since_ms <= LONGEST_DAYS * 86_400_000
        whole = together(counted.places.values())
        waited_s = (sum(whole.answered_ms) + sum(whole.abandoned_ms)) / 1000
        enough = len(whole.abandoned_ms) >= FEWEST_ABANDONED and waited_s > 0
        self._patience_s = waited_s / len(whole.abandoned_ms) if enough else settings.staffing.patience_s
        self._offered: Counter[int] = Counter()
        for (_, place), count in counted.places.items():
            self._offered[place] += count.tally(threshold_ms=0).offered

    def __call__(self, place: int, work: Work) -> int | None:
        """None: not worked out for so long a period."""
        if not self._short:
            return None
        length_s = handle_s(work) if work.talks >= FEWEST else None
        rate, target = self._offered[place] / self._step_s, self._target
        return seats_needed(
            rate, length_s or self._usual.handle_s, self._patience_s, target.answer_within_s, target.ratio
        )
