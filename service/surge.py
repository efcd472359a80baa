"""A declared surge outlives the service: it is in a small file of its own, which the next start reads."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

import structlog

from routing import commands as c
from routing import events as e
from routing.engine import Engine
from routing.model import Surge
from service import clock

log = structlog.get_logger("hotline")

NAME: Final = "surge.json"


class Surges:
    def __init__(self, engine: Engine, submit: Callable[[e.Event], None], data_dir: Path) -> None:
        self._engine, self._submit, self._file = engine, submit, data_dir / NAME

    def recall(self) -> None:
        """What was declared before our start, if it is not over. A file that makes no sense is said and forgotten."""
        try:
            said = json.loads(self._file.read_text())
            surge = Surge(float(said["since"]), float(said["until"]), str(said["reason"]), str(said["by"]))
            self._submit(e.SurgeDeclared(surge))
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, LookupError) as error:
            log.error("surge not recalled", file=str(self._file), problem=str(error))

    def declare(self, for_s: float, reason: str, by: str) -> None:
        now = clock.wall()
        self._submit(e.SurgeDeclared(Surge(now, now + for_s, reason, by)))

    def end(self, by: str) -> str | None:
        """None when it is over, else one sentence."""
        if self._engine.surge is None:
            return "there is no surge; hotline surge start --for 2h --reason TEXT declares one"
        self._submit(e.SurgeEnded(by))
        return None

    def told(self, change: c.TellSurge) -> None:
        """The engine took it, or let it go."""
        if change.surge is None:
            log.warning("surge over", by=change.by)
            with contextlib.suppress(FileNotFoundError):
                self._file.unlink()
            return
        surge = change.surge
        log.warning("surge declared", until=round(surge.until, 3), reason=surge.reason, by=surge.by)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(surge), ensure_ascii=False))
        os.replace(fresh, self._file)
