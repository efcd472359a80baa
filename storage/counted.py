"""Which rows of `calls` make figures: `routing.judging.is_test` in SQL. Every query that counts or adds up calls has one of
these, and `tests/contract/test_test_calls.py` holds all of them against the same records with and without test calls."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func

from routing.steps import Judgement
from storage.schema import calls

_JUDGED: Final = func.coalesce(calls.c.judged, "")
NO_TESTS: Final = _JUDGED.not_in([Judgement.TEST.value])
CITIZENS: Final = _JUDGED.not_in([Judgement.TEST.value, Judgement.RESTRICTED.value])  # nor restricted callers
