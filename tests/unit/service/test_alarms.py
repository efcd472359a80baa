"""An alarm is open until somebody acknowledges it, over a restart, too; who and when is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.deps import Refused
from routing.commands import RaiseAlarm
from service.alarms import KEPT, NAME, Alarms

BUSY = RaiseAlarm("c-1", "110", "busy")


def alarms(folder: Path) -> Alarms:
    found = Alarms(folder, {"c-1": "1001"}.get)
    found.recall()
    return found


def test_open_alarm_is_there_after_a_restart_and_acknowledged_once(tmp_path: Path) -> None:
    alarms(tmp_path).raised(BUSY)
    again = alarms(tmp_path)
    assert [(a.call_id, a.target, a.reason, a.agent, a.open) for a in again.open] == [
        ("c-1", "110", "busy", "1001", True)
    ]
    first = again.acknowledge(1, by="boss", role="supervisor")
    assert again.open == []
    later = alarms(tmp_path)
    assert later.open == []
    assert later.acknowledge(1, by="other", role="engineer") == first
    assert later.listed(every=True, by="boss", role="supervisor") == [first]
    assert (first["by"], first["acknowledged_at"] >= first["raised_at"]) == ("boss", True)


def test_same_centre_of_the_same_call_is_one_alarm_with_the_newest_reason(tmp_path: Path) -> None:
    known = alarms(tmp_path)
    known.raised(BUSY)
    known.raised(RaiseAlarm("c-1", "110", "no answer"))
    known.raised(RaiseAlarm("c-2", "110", "busy"))
    assert [(a.id, a.reason) for a in known.open] == [(1, "no answer"), (2, "busy")]


def test_new_failure_after_the_acknowledgement_is_a_new_alarm(tmp_path: Path) -> None:
    known = alarms(tmp_path)
    known.raised(BUSY)
    known.acknowledge(1, by="1001", role="agent")
    known.raised(BUSY)
    assert [a.id for a in known.open] == [2]


def test_agent_sees_and_acknowledges_his_own_calls_alone(tmp_path: Path) -> None:
    known = alarms(tmp_path)
    known.raised(BUSY)
    assert known.listed(every=True, by="1002", role="agent") == []
    assert len(known.listed(every=False, by="1001", role="agent")) == 1
    with pytest.raises(Refused) as refused:
        known.acknowledge(1, by="1002", role="agent")
    assert refused.value.status == 403
    assert len(known.open) == 1


def test_unknown_alarm_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no alarm 3"):
        alarms(tmp_path).acknowledge(3, by="boss", role="supervisor")


@pytest.mark.parametrize("text", ["{", "{}x", "[1]", '[{"id": 1}]', "7"])
def test_broken_note_does_no_harm(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    known = alarms(tmp_path)
    known.raised(BUSY)
    assert len(alarms(tmp_path).open) == 1


def test_file_that_cannot_be_written_loses_no_alarm(tmp_path: Path) -> None:
    known = alarms(tmp_path / "nowhere")
    known.raised(BUSY)
    assert len(known.open) == 1


def test_oldest_acknowledged_leave(tmp_path: Path) -> None:
    known = Alarms(tmp_path, lambda call_id: None)
    for no in range(KEPT + 2):
        known.raised(RaiseAlarm(f"c-{no}", "110", "busy"))
        known.acknowledge(no + 1, by="boss", role="supervisor") if no else None
    ids = [alarm["id"] for alarm in known.listed(every=True, by="boss", role="supervisor")]
    assert (len(ids), ids[-1], ids[-2]) == (KEPT + 1, 1, 3)
