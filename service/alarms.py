"""Alarms: an emergency centre was not reached. Each is open until somebody acknowledges it, over a restart, too.

They are kept in a small file of their own, with who acknowledged and when; the oldest that are acknowledged leave it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import structlog

from console.deps import Refused
from routing import commands as c
from service import clock

log = structlog.get_logger("hotline")

NAME: Final = "alarms.json"
KEPT: Final = 500  # that are acknowledged
OWN: Final = ("agent", "expert")


@dataclass(frozen=True, slots=True)
class Alarm:
    """Times are epoch seconds. `agent`: who talked with the caller when it was raised."""

    id: int
    call_id: str
    target: str
    reason: str
    agent: str | None
    raised_at: float
    by: str | None = None
    acknowledged_at: float | None = None

    @property
    def open(self) -> bool:
        return self.acknowledged_at is None


class Alarms:
    def __init__(self, data_dir: Path, agent_of: Callable[[str], str | None]) -> None:
        """`agent_of`: who talks with the caller of a call now."""
        self._file, self._agent_of = data_dir / NAME, agent_of
        self._alarms: dict[int, Alarm] = {}

    @property
    def open(self) -> list[Alarm]:
        return [alarm for alarm in self._alarms.values() if alarm.open]

    def recall(self) -> None:
        """What was raised before our start. A file that makes no sense is said and forgotten."""
        try:
            found = [_alarm(item) for item in json.loads(self._file.read_text())]
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
            log.error("alarms not recalled", file=str(self._file), problem=str(error))
            return
        self._alarms = {alarm.id: alarm for alarm in found} | self._alarms
        for alarm in self.open:
            log.error("alarm", alarm=alarm.id, call_id=alarm.call_id, target=alarm.target, reason=alarm.reason)

    def raised(self, command: c.RaiseAlarm) -> None:
        """A second one for the same call and centre is the first one still, with its newest reason."""
        known = next((a for a in self.open if (a.call_id, a.target) == (command.call_id, command.target)), None)
        if known is None:
            no = max(self._alarms, default=0) + 1
            agent = self._agent_of(command.call_id)
            alarm = Alarm(no, command.call_id, command.target, command.reason, agent, round(clock.wall(), 3))
        else:
            alarm = replace(known, reason=command.reason)
        log.error("alarm", alarm=alarm.id, call_id=alarm.call_id, target=alarm.target, reason=alarm.reason)
        self._keep(alarm)

    def listed(self, *, every: bool, by: str, role: str) -> list[dict[str, Any]]:
        """The newest first. Agents and experts see those of their own calls."""
        seen = [a for a in self._alarms.values() if (every or a.open) and (role not in OWN or a.agent == by)]
        return [asdict(alarm) for alarm in sorted(seen, key=lambda alarm: -alarm.id)]

    def acknowledge(self, alarm_id: int, *, by: str, role: str) -> dict[str, Any]:
        """Raises Refused. The first who acknowledges is kept; a second time changes nothing."""
        alarm = self._alarms.get(alarm_id)
        if alarm is None:
            raise Refused(404, f"there is no alarm {alarm_id}")
        if role in OWN and alarm.agent != by:
            raise Refused(403, "this alarm is not of a call that you talk in")
        if alarm.open:
            alarm = replace(alarm, by=by, acknowledged_at=round(clock.wall(), 3))
            log.warning("alarm acknowledged", alarm=alarm.id, call_id=alarm.call_id, target=alarm.target, by=by)
            self._keep(alarm)
        return asdict(alarm)

    def _keep(self, alarm: Alarm) -> None:
        """A file that cannot be written is said; the alarm stands all the same."""
        self._alarms[alarm.id] = alarm
        settled = sorted(a.id for a in self._alarms.values() if not a.open)
        for old in settled[: max(0, len(settled) - KEPT)]:
            del self._alarms[old]
        try:
            fresh = self._file.with_suffix(".new")
            fresh.write_text(json.dumps([asdict(a) for a in self._alarms.values()], ensure_ascii=False))
            os.replace(fresh, self._file)
        except OSError as error:
            log.error("alarms not kept", file=str(self._file), problem=str(error))


def _alarm(said: Mapping[str, Any]) -> Alarm:
    """Raises what a file that makes no sense raises."""
    at = said["acknowledged_at"]
    return Alarm(
        id=int(said["id"]),
        call_id=str(said["call_id"]),
        target=str(said["target"]),
        reason=str(said["reason"]),
        agent=None if said["agent"] is None else str(said["agent"]),
        raised_at=float(said["raised_at"]),
        by=None if said["by"] is None else str(said["by"]),
        acknowledged_at=None if at is None else float(at),
    )
