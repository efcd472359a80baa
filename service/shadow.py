"""The declared shadow: other rules beside the live ones, for a while, without acting (`routing.shadow`).

It is in a file of its own, which the next start reads; what was counted is kept beside it. The live way of an event is over
before the shadow sees it, and nothing that goes wrong here comes back: the shadow is switched off, with its reason in log
and metrics. So it is when it costs more than its share of the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import structlog

from console.deps import Refused
from routing import commands as c
from routing import events as e
from routing.engine import Engine
from routing.model import Rules
from routing.shadow import EXAMPLES, Difference, Result, Shadow
from routing.shadow_rules import not_compared
from service import clock
from service.settings import Settings, SettingsError
from service.settings_beside import load_beside

log = structlog.get_logger("hotline")

NAME: Final = "shadow.json"
COUNTS: Final = "shadow-counts.json"
SHARE: Final = 0.05  # of the loop's time at most
WINDOW_S: Final = 10.0
KEPT_EVERY_S: Final = 60.0


class End(StrEnum):
    """Why a shadow is over; label `reason` of `hotline_shadow_ended_total`."""

    ASKED = "asked"
    EXPIRED = "expired"
    REPLACED = "replaced"
    SLOW = "slow"  # it cost more than its share
    FAILED = "failed"  # a bug
    RULES = "rules"  # after a reload its file makes no sense any more


@dataclass(frozen=True, slots=True)
class Declared:
    """`text`: the file as it was given. Times are epoch seconds."""

    since: float
    until: float
    by: str
    name: str
    text: str


class Shadows:
    """One per service. `follow` is called with every event that the live engine was given, and never raises."""

    def __init__(
        self,
        engine: Engine,
        settings: Callable[[], Settings],
        known_agents: Callable[[], Mapping[str, str | None]],
        *,
        count: Callable[[str, Result], None],
        ended: Callable[[End | None], None],
        spent: Callable[[], float] = clock.spent,
    ) -> None:
        """`count` is told of every comparison; `ended` with None when one begins, with the reason when it is over."""
        self._engine, self._settings, self._known_agents = engine, settings, known_agents
        self._count, self._ended, self._spent = count, ended, spent
        self.declared: Declared | None = None
        self.shadow: Shadow | None = None  # stays when it is over, for its figures
        self.over: tuple[End, float] | None = None  # why and when (epoch)
        self._other: Rules | None = None
        self._window = (0.0, 0.0)  # since (monotonic), spent in it
        self._share = 0.0
        self._kept_at = 0.0

    @property
    def running(self) -> bool:
        return self.declared is not None and self.over is None

    # -- acts ---------------------------------------------------------------------------------------------------------

    async def start(self, data: bytes, name: str, for_s: float, by: str) -> dict[str, Any]:
        """From now on, in the place of the one that runs. Raises Refused with all mistakes of the file."""
        try:
            other = await self._read(data)
        except SettingsError as error:
            mistakes = [{"why": str(problem)} for problem in error.errors]
            raise Refused(422, f"{name} is no rules to try; nothing is changed", mistakes) from None
        if self.running:
            self._end(End.REPLACED)
        now = clock.wall()
        declared = Declared(now, now + for_s, by, name, data.decode("utf-8-sig"))
        self._begin(declared, other)
        self._write(NAME, asdict(declared))
        self._keep()
        log.warning("shadow begins", file=name, until=round(declared.until, 3), by=by)
        return self.shown() or {}

    def end(self, by: str) -> str | None:
        """None when it is over, else one sentence."""
        if not self.running:
            return "no shadow runs; hotline shadow start FILE begins one"
        self._end(End.ASKED, by=by)
        return None

    async def recall(self) -> None:
        """What was declared before our start, if its time is not over, with what it had counted."""
        try:
            declared = Declared(**json.loads((self._dir / NAME).read_text("utf-8")))
            if declared.until <= clock.wall():
                self._forget()
                return
            other = await self._read(declared.text.encode("utf-8"))
            if self.declared is not None:  # another one was declared meanwhile
                return
            self._begin(declared, other)
            self._recall_counts()
            log.warning("shadow goes on", file=declared.name, until=round(declared.until, 3))
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, LookupError, SettingsError) as error:
            log.error("shadow not recalled", file=str(self._dir / NAME), problem=str(error))
        except Exception:  # whatever it is, callers wait for the rest of the start
            log.exception("shadow not recalled")
            self._end(End.FAILED)

    async def reread(self) -> None:
        """The configuration is another: a part of a file is completed by what runs now."""
        if self.declared is None or self.shadow is None or not self.running:
            return
        try:
            declared = self.declared
            other = await self._read(declared.text.encode("utf-8"))
            if self.running and self.declared is declared:  # not ended or replaced meanwhile
                self._other = other
                self.shadow.try_others(other)
        except SettingsError as error:
            self._end(End.RULES, problem=str(error))
        except Exception:
            log.exception("shadow failed")
            self._end(End.FAILED)

    def stop(self) -> None:
        """The service stops; the next one goes on."""
        if self.running:
            self._keep()

    # -- beside the live engine ---------------------------------------------------------------------------------------

    def follow(
        self, event: e.Event, now: float, wall: float, commands: Sequence[c.Command], wake: float | None
    ) -> None:
        """After the live commands are carried out. Never raises."""
        if self.shadow is None or self.over is not None or self.declared is None:
            return
        try:
            if wall >= self.declared.until:
                self._end(End.EXPIRED)
                return
            began = self._spent()
            self.shadow.follow(event, now, wall, commands, wake)
            self._budget(self._spent() - began, now)
            if now - self._kept_at >= KEPT_EVERY_S:
                self._keep()
        except Exception:
            log.exception("shadow failed", event_kind=type(event).__name__)
            self._end(End.FAILED)

    def _budget(self, cost_s: float, now: float) -> None:
        since, spent_s = self._window
        spent_s += cost_s
        if now - since >= WINDOW_S:
            self._share = spent_s / (now - since)
            since, spent_s = now, 0.0
        self._window = since, spent_s
        if spent_s > SHARE * WINDOW_S:
            self._end(End.SLOW, spent_s=round(spent_s, 3), within_s=WINDOW_S)

    # -- what is told -------------------------------------------------------------------------------------------------

    def shown(self) -> dict[str, Any] | None:
        """By the keys of `schemas.ShadowOut`; None when there has been none since the start."""
        if self.declared is not None and self.running and clock.wall() >= self.declared.until:
            self._end(End.EXPIRED)
        declared, shadow = self.declared, self.shadow
        if declared is None or shadow is None or self._other is None:
            return None
        reason, at = self.over or (None, None)
        return {
            "file": declared.name,
            "since": declared.since,
            "until": declared.until,
            "by": declared.by,
            "running": self.over is None,
            "ended": reason,
            "ended_at": at,
            "share": round(self._share, 5),
            "rebuilt": shadow.rebuilt,
            "not_compared": not_compared(self._engine.configured, self._other),
            "lines": self._lines(shadow),
            "examples": [_example(found) for kept in shadow.examples.values() for found in reversed(kept)],
        }

    def text(self) -> str | None:
        """The file of the one that runs, or ran last."""
        return None if self.declared is None else self.declared.text

    def _lines(self, shadow: Shadow) -> list[dict[str, Any]]:
        names = {number: line.name for number, line in self._engine.rules.lines.items()}
        numbers = {**dict.fromkeys(names), **dict.fromkeys(line for line, _ in shadow.counts)}
        rows = [(number, {result: shadow.counts[number, result] for result in Result}) for number in numbers]
        return [
            {"number": number, "name": names.get(number, number), "compared": sum(results.values()), "results": results}
            for number, results in rows
            if any(results.values())
        ]

    # -- keeping ------------------------------------------------------------------------------------------------------

    @property
    def _dir(self) -> Path:
        return self._settings().data_dir

    async def _read(self, data: bytes) -> Rules:
        """On a thread: a file with a thousand seats takes half a second, and callers do not wait for it."""
        return (await asyncio.to_thread(load_beside, self._settings(), data, self._known_agents())).rules()

    def _begin(self, declared: Declared, other: Rules) -> None:
        self.shadow = Shadow(self._engine, other, self._count)
        self.declared, self._other, self.over = declared, other, None
        self._window, self._share, self._kept_at = (clock.now(), 0.0), 0.0, clock.now()
        self._ended(None)

    def _end(self, reason: End, **why: object) -> None:
        """Its figures stay to be looked at; the engine of it goes."""
        self.over = reason, clock.wall()
        if self.shadow is not None:
            self.shadow.let_go()
        self._ended(reason)
        self._forget()
        say = log.error if reason in (End.SLOW, End.FAILED, End.RULES) else log.warning
        say("shadow over", reason=reason.value, file=self.declared.name if self.declared else "", **why)

    def _forget(self) -> None:
        for name in (NAME, COUNTS):
            with contextlib.suppress(OSError):
                (self._dir / name).unlink()

    def _keep(self) -> None:
        """What was counted so far; a disk that is full costs at most this."""
        self._kept_at = clock.now()
        if self.shadow is None:
            return
        counts = [[line, result, count] for (line, result), count in self.shadow.counts.items()]
        examples = [found._asdict() for kept in self.shadow.examples.values() for found in kept]
        self._write(COUNTS, {"counts": counts, "examples": examples})

    def _recall_counts(self) -> None:
        assert self.shadow is not None
        with contextlib.suppress(FileNotFoundError):
            said = json.loads((self._dir / COUNTS).read_text("utf-8"))
            self.shadow.counts = Counter({(line, Result(result)): int(count) for line, result, count in said["counts"]})
            for item in said["examples"]:
                seats = {key: tuple(item[key]) for key in ("live", "shadow")}
                found = Difference(**{**item, "result": Result(item["result"]), **seats})
                self.shadow.examples.setdefault(found.result, deque(maxlen=EXAMPLES)).append(found)

    def _write(self, name: str, what: Mapping[str, Any]) -> None:
        fresh = self._dir / f"{name}.new"
        try:
            fresh.write_text(json.dumps(what, ensure_ascii=False), "utf-8")
            os.replace(fresh, self._dir / name)
        except OSError as error:
            log.error("shadow not kept", file=str(self._dir / name), problem=error.strerror)


def _example(found: Difference) -> dict[str, Any]:
    return {**found._asdict(), "at": round(found.at, 3)}
