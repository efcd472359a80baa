"""Pauses are asked of Asterisk and told only after it said yes; they end with the agent, and in an emergency."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from console.deps import Refused
from routing import events as e
from routing.outbound import Outbound, OutKind
from routing.recording import Account, RecordingOutcome
from routing.steps import Step, StepKind
from service import clock, recording_ends, recording_files, recordings
from service.recording_ends import Verdict, judged
from service.recording_files import Found
from service.recordings import Recordings
from storage.errors import StorageUnavailable
from storage.outbound import row_of
from storage.recordings import RecordingRow
from telephony.ami.actions import AmiAction
from telephony.ami.link import AmiDisconnected, AmiRefused
from tests.unit.service.test_recording_files import CALL, DAY, put, wav

K = StepKind


@dataclass
class Records:
    """What SQL would say."""

    row: RecordingRow | Exception | None = None
    unsettled: list[tuple[str, int | None]] = field(default_factory=list)
    told: dict[str, list[Step]] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    out: dict[str, Any] | None = None
    held: set[str] = field(default_factory=set)

    async def recording(self, call_id: str) -> RecordingRow | None:
        if isinstance(self.row, Exception):
            raise self.row
        return self.row

    async def flush(self, timeout: float) -> bool:
        return True

    async def unsettled_recordings(self, since_ms: int) -> list[tuple[str, int | None]]:
        return self.unsettled

    async def steps(self, call_id: str) -> list[Step]:
        return self.told[call_id]

    async def outbound(self, out_id: str) -> dict[str, Any] | None:
        return self.out

    async def held_of(self, call_ids: list[str]) -> set[str]:
        return self.held & set(call_ids)

    async def last_steps(self, call_ids: list[str]) -> dict[str, int]:
        return {call_id: seq for call_id, seq in self.last.items() if call_id in call_ids}


class House:
    """Recordings of one call that is going on, with everything around them as plain values."""

    def __init__(self, folder: Path) -> None:
        table = SimpleNamespace(enabled=True, keep_days=180.0, min_free_mb=0)
        self.settings = SimpleNamespace(recording=table, recordings_dir=folder, zone_info=ZoneInfo("Asia/Shanghai"))
        self.calls: dict[str, Any] = {CALL: SimpleNamespace(answered_at=10.0, agent_id="a1")}
        self.asked: list[dict[str, str]] = []
        self.faults: list[Exception] = []
        self.kept: list[Step] = []
        self.bugs: list[str] = []
        self.seq = 0
        self.records = Records()
        self.recordings = Recordings(
            lambda: self.settings,  # type: ignore[arg-type, return-value]
            self.records,  # type: ignore[arg-type]
            known=self.calls.get,
            act=self.act,
            submit=self.submit,
            keep=self.kept.append,
            bug=self.bugs.append,
        )

    async def act(self, action: AmiAction) -> object:
        self.asked.append({"Action": action.name, **dict(action.fields)})
        await asyncio.sleep(0)
        if self.faults:
            raise self.faults.pop(0)
        return []

    def submit(self, event: e.Event) -> None:
        """As the engine does: a step."""
        assert isinstance(event, e.RecordingHeld)
        what = "paused" if event.paused else "resumed"
        self.tell(K.RECORDING, event.at, what=what, reason=event.reason, by=event.by)

    def tell(self, kind: StepKind, at: float, **data: Any) -> None:
        self.seq += 1
        step = Step(CALL, self.seq, at, kind, data)
        self.kept.append(step)
        self.recordings.follow(step)

    def states(self) -> list[str]:
        return [action["State"] for action in self.asked]

    def whats(self) -> list[tuple[Any, Any]]:
        told = (step.data for step in self.kept if step.kind is K.RECORDING)
        return [(data["what"], data.get("reason")) for data in told]


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - threads and timers tell nobody
            await asyncio.sleep(0.01)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_ends, "LOOKS_S", (0.0, 0.0, 0.0, 0.0, 1e-9))
    monkeypatch.setattr(recordings, "AGAIN_S", 0.0)


@pytest.fixture
def house(tmp_path: Path, quick: None) -> House:
    house = House(tmp_path / "recordings")
    house.settings.recordings_dir.mkdir()
    house.tell(K.ANSWERED, 10.0, agent="a1", seat="1001")
    return house


async def test_a_pause_is_silence_on_the_callers_own_channel(house: House) -> None:
    assert await house.recordings.pause(CALL, " card \n number ", "a1") is None
    assert house.asked == [
        {"Action": "MixMonitorMute", "Channel": "1795302613.7", "Direction": "both", "State": "1"},
    ]
    assert await house.recordings.resume(CALL, "", "a1") is None
    assert house.states() == ["1", "0"]
    assert house.whats() == [("paused", "card number"), ("resumed", "")]


async def test_what_is_paused_is_not_paused_again_nor_resumed_twice(house: House) -> None:
    assert await house.recordings.resume(CALL, "", "a1") == "The recording is not paused."
    assert await house.recordings.pause(CALL, "x", "a1") is None
    assert await house.recordings.pause(CALL, "x", "a1") == "The recording is paused already."
    assert house.states() == ["1"]


async def test_two_requests_at_once_are_one(house: House) -> None:
    answers = await asyncio.gather(*(house.recordings.pause(CALL, "x", "a1") for _ in range(2)))
    assert [answer is None for answer in answers] == [True, False]
    assert house.states() == ["1"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda house: house.calls.clear(), "There is no such call, or it has ended."),
        (lambda house: vars(house.settings.recording).update(enabled=False), "Calls are not recorded."),
        (
            lambda house: vars(house.calls[CALL]).update(answered_at=None),
            "Nobody has answered the call: nothing is recorded yet.",
        ),
        (
            lambda house: house.tell(K.ACT_ASKED, 11.0, verb="emergency"),
            "In an emergency the recording is never paused.",
        ),
    ],
)
async def test_when_it_is_not_allowed_asterisk_is_not_asked(
    house: House, change: Callable[[House], None], sentence: str
) -> None:
    change(house)
    assert house.recordings.allowed(CALL) == sentence
    assert await house.recordings.pause(CALL, "x", "a1") == sentence
    assert house.asked == []


async def test_a_pause_needs_a_reason(house: House) -> None:
    assert await house.recordings.pause(CALL, "  ", "a1") == "A pause needs a reason."


@pytest.mark.parametrize(
    ("fault", "words"),
    [(AmiDisconnected("gone"), "no AMI link"), (AmiRefused("no"), "does not record this call")],
)
async def test_a_pause_that_asterisk_did_not_make_is_not_told(house: House, fault: Exception, words: str) -> None:
    house.faults.append(fault)
    assert words in str(await house.recordings.pause(CALL, "x", "a1"))
    assert house.whats() == []


async def test_a_pause_of_which_asterisk_did_not_tell_is_undone(house: House) -> None:
    house.faults += [TimeoutError(), AmiDisconnected("gone")]
    assert "did not answer" in str(await house.recordings.pause(CALL, "x", "a1"))
    await until(lambda: house.states() == ["1", "0", "0"])


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        (K.TALK_ENDED, {"agent": "a1"}, "the agent left"),
        (K.AGENT_LEFT, {"agent": "a1"}, "the agent left"),
        (K.ACT_ASKED, {"verb": "emergency"}, "emergency"),
    ],
)
async def test_a_pause_ends_with_the_agent_and_in_an_emergency(
    house: House, kind: StepKind, data: dict[str, Any], reason: str
) -> None:
    await house.recordings.pause(CALL, "x", "a1")
    house.faults.append(AmiDisconnected("gone"))
    house.tell(kind, 12.0, **data)
    await until(lambda: house.states() == ["1", "0", "0"])
    await until(lambda: house.whats() == [("paused", "x"), ("resumed", reason)])


async def test_the_agent_who_speaks_is_who_answered_last(house: House) -> None:
    assert house.recordings.agent_of(CALL) == "a1"
    house.tell(K.TALK_ENDED, 12.0, agent="a1")
    vars(house.calls[CALL]).update(agent_id=None)
    assert house.recordings.agent_of(CALL) is None


# -- at the end -------------------------------------------------------------------------------------------------------


def end(house: House, at: float = 40.0, outcome: str = "answered") -> None:
    house.calls.pop(CALL, None)
    house.tell(K.ENDED, at, outcome=outcome, by="caller")


async def told(house: House) -> dict[str, Any]:
    await until(lambda: house.kept[-1].kind is K.RECORDING and house.kept[-1].data["what"] == "ended")
    return dict(house.kept[-1].data)


async def test_a_whole_file_is_told_with_its_hash(house: House) -> None:
    path = put(house.settings.recordings_dir, wav(30))
    end(house)
    data = await told(house)
    assert data["outcome"] == "kept"
    assert (data["file"], data["bytes"], data["seconds"]) == (f"{DAY}/{CALL}.wav", path.stat().st_size, 30.0)
    assert (data["started_at"], data["ended_at"], data["spans"]) == (10.0, 40.0, "10000-40000")
    assert len(data["sha256"]) == 64
    assert house.kept[-1].seq > house.kept[-2].seq


async def test_a_file_that_is_not_there_is_missing(house: House) -> None:
    end(house)
    data = await told(house)
    assert (data["outcome"], data["problem"]) == ("missing", "there is no file")


async def test_without_a_folder_it_is_unwritable(house: House) -> None:
    house.settings.recordings_dir.rmdir()
    end(house)
    assert (await told(house))["outcome"] == "unwritable"


async def test_a_file_that_nobody_closed_is_kept_as_it_is_and_told(house: House) -> None:
    put(house.settings.recordings_dir, wav(30, 0))
    end(house)
    data = await told(house)
    assert (data["outcome"], data["problem"]) == ("short", "Asterisk has not closed it")
    assert data["seconds"] == 30.0


async def test_the_header_of_a_call_that_nobody_answered_goes(tmp_path: Path, quick: None) -> None:
    house = House(tmp_path)
    path = put(tmp_path, wav(0))
    end(house, outcome="abandoned")
    await until(lambda: not path.exists())
    assert house.whats() == []


async def test_while_calls_are_not_recorded_nothing_is_missing(house: House) -> None:
    house.settings.recording.enabled = False
    end(house)
    await asyncio.sleep(0)
    assert house.recordings.ends._tasks == {}


async def test_while_calls_are_not_recorded_an_emergency_is(house: House) -> None:
    house.settings.recording.enabled = False
    house.tell(K.ACT_ASKED, 12.0, verb="emergency")
    put(house.settings.recordings_dir, wav(5))
    end(house)
    data = await told(house)
    assert (data["outcome"], data["seconds"]) == ("kept", 5.0)


async def test_an_emergency_that_reached_nobody_lacks_no_recording_where_there_are_none(house: House) -> None:
    house.settings.recording.enabled = False
    house.tell(K.ACT_ASKED, 12.0, verb="emergency")
    end(house)
    await until(lambda: not house.recordings.ends._tasks)
    assert house.whats() == []


def test_less_than_was_said_is_short() -> None:
    account = Account(CALL, spans=((0.0, 60.0),), answered=True)
    assert judged(account, Found("x", recording_files.HEADER + 56 * 16_000, closed=True), None).outcome == "kept"
    short = judged(account, Found("x", recording_files.HEADER + 50 * 16_000, closed=True), None)
    assert short == Verdict(RecordingOutcome.SHORT, "10 s of 60 s are not in it")
    full = judged(account, Found("x", recording_files.HEADER + 50 * 16_000, closed=True), "the disk is full")
    assert full == Verdict(RecordingOutcome.UNWRITABLE, "the disk is full")
    assert judged(account, Found("x", recording_files.HEADER, closed=False), None).outcome == "short"


# -- calls that agents place ------------------------------------------------------------------------------------------

OUT = "out-1795302613422-ab12"


def placed(**more: Any) -> Outbound:
    """A call that was answered at 10 and is over at 40, asked for in the time of this service."""
    asked_at = clock.wall()
    return Outbound(OUT, OutKind.FOLLOW_UP, "a1", "1001", "12345", asked_at, "A1", answered_at=10.0)._replace(**more)


async def test_recording_of_a_placed_call_is_paused_on_its_own_channel_and_looked_at(house: House) -> None:
    house.calls[OUT] = placed()
    assert house.recordings.agent_of(OUT) == "a1"
    assert await house.recordings.pause(OUT, "card number", "a1") is None
    house.recordings.follow(house.kept[-1])
    assert house.asked == [{"Action": "MixMonitorMute", "Channel": OUT, "Direction": "both", "State": "1"}]
    assert await house.recordings.pause(OUT, "again", "a1") == "The recording is paused already."
    assert await house.recordings.resume(OUT, "", "a1") is None
    assert [step.call_id for step in house.kept if step.kind is K.RECORDING] == [OUT, OUT]
    put(house.settings.recordings_dir, wav(30), call=OUT)
    house.recordings.called_out(house.calls.pop(OUT)._replace(ended_at=40.0))
    data = await told(house)
    assert (data["outcome"], data["file"], data["started_at"]) == ("kept", f"{DAY}/{OUT}.wav", 10.0)


async def test_placed_call_is_short_when_its_end_was_seen_and_the_file_lacks_much(house: House) -> None:
    put(house.settings.recordings_dir, wav(10), call=OUT)
    house.recordings.called_out(placed(ended_at=40.0))
    assert (await told(house))["problem"] == "20 s of 30 s are not in it"


async def test_placed_call_whose_end_nobody_saw_is_judged_by_its_file_alone(house: House) -> None:
    put(house.settings.recordings_dir, wav(10), call=OUT)
    house.recordings.called_out(placed(asked_at=house.recordings.seen_since - 1.0, ended_at=4000.0))
    assert (await told(house))["outcome"] == "kept"


async def test_header_of_a_placed_call_that_nobody_answered_goes(house: House) -> None:
    path = put(house.settings.recordings_dir, wav(0), call=OUT)
    house.recordings.called_out(placed(answered_at=None, ended_at=40.0))
    await until(lambda: not path.exists())
    assert house.whats() == []


async def test_placed_call_that_ended_before_a_restart_is_looked_at_after_it(house: House) -> None:
    put(house.settings.recordings_dir, wav(30), call=OUT)
    house.records.unsettled, house.records.told = [(OUT, 40_000)], {OUT: []}
    house.records.out = row_of(placed(ended_at=40.0))
    await house.recordings.ends.recover(0.0, house.recordings._take_over)
    assert (await told(house))["outcome"] == "kept"


# -- after a restart --------------------------------------------------------------------------------------------------

STORY = [
    Step(CALL, 1, 10.0, K.ANSWERED, {"agent": "a1"}),
    Step(CALL, 2, 40.0, K.ENDED, {"outcome": "answered"}),
]


async def test_what_ended_before_a_restart_is_looked_at_after_it(house: House) -> None:
    house.recordings._accounts.clear()
    put(house.settings.recordings_dir, wav(30))
    house.records.unsettled, house.records.told = [(CALL, 40_000)], {CALL: STORY}
    await house.recordings.ends.recover(0.0, house.recordings._take_over)
    assert (await told(house))["outcome"] == "kept"


@pytest.mark.parametrize(("unsure_since", "count"), [(39.0, 1), (41.0, 0)])
async def test_what_has_no_file_is_missing_only_when_it_ended_lately(
    house: House, unsure_since: float, count: int
) -> None:
    house.records.unsettled, house.records.told = [(CALL, 40_000)], {CALL: STORY}
    await house.recordings.ends.recover(unsure_since, house.recordings._take_over)
    await until(lambda: not house.recordings.ends._tasks)
    assert [data for data in house.whats() if data[0] == "ended"] == [("ended", None)] * count


async def test_a_pause_is_known_after_a_restart_and_ended_when_its_agent_is_gone(house: House) -> None:
    house.recordings._accounts.clear()
    paused = Step(CALL, 2, 20.0, K.RECORDING, {"what": "paused", "by": "a1", "reason": "x"})
    left = Step(CALL, 3, 30.0, K.TALK_ENDED, {"agent": "a1"})
    house.records.unsettled = [(CALL, None)]
    house.records.told = {CALL: [STORY[0], paused]}
    await house.recordings.ends.recover(0.0, house.recordings._take_over)
    assert await house.recordings.pause(CALL, "x", "a1") == "The recording is paused already."
    house.records.told = {CALL: [STORY[0], paused, left]}
    await house.recordings.ends.recover(0.0, house.recordings._take_over)
    await until(lambda: house.states() == ["0"])


async def test_a_recording_that_is_held_outlives_its_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = house.settings.recordings_dir
    monkeypatch.setattr(house.recordings.ends, "_today", lambda: date(2027, 5, 22))
    kept, gone = put(folder, wav(1), DAY), put(folder, wav(1), DAY, "1795302613423-1795302613.8")
    house.records.held, house.records.last = {CALL}, {CALL: 2**42}
    await house.recordings.ends.delete_old()
    assert (kept.exists(), gone.exists()) == (True, False)
    assert not any(step.kind is K.RECORDING for step in house.kept)


async def test_a_recording_is_forgotten_before_its_time_when_that_is_asked_for(house: House) -> None:
    folder = house.settings.recordings_dir
    his, other = put(folder, wav(1), DAY), put(folder, wav(1), DAY, "1795302613423-1795302613.8")
    house.records.last = {CALL: 2**42}
    assert await house.recordings.ends.forget([CALL, "1795302613424-1795302613.9"], "forgotten") == 1
    assert (his.exists(), other.exists(), house.kept[-1].data["reason"]) == (False, True, "forgotten")
    house.records.held = {"1795302613423-1795302613.8"}
    assert await house.recordings.ends.forget(["1795302613423-1795302613.8"], "forgotten") == 0
    assert other.exists()


# -- after its time ---------------------------------------------------------------------------------------------------


async def test_what_is_too_old_is_deleted_and_the_record_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = house.settings.recordings_dir
    monkeypatch.setattr(house.recordings.ends, "_today", lambda: date(2027, 5, 22))
    old, young = put(folder, wav(1), DAY), put(folder, wav(1), "2026-11-24")
    unknown = put(folder, wav(1), DAY, "1795302613423-1795302613.8")
    house.records.last = {CALL: 2**42}
    await house.recordings.ends.delete_old()
    assert (old.exists(), unknown.exists(), young.exists(), old.parent.exists()) == (False, False, True, False)
    step = house.kept[-1]
    assert dict(step.data) == {"what": "deleted", "file": f"{DAY}/{CALL}.wav", "reason": "kept for 180 days"}
    assert step.seq == 2**42 + 1
    assert house.whats()[:-1] == [], "nothing is told of a call that the records do not have"


async def test_what_is_kept_for_ever_is_not_deleted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.settings.recording.keep_days = 0.0
    monkeypatch.setattr(house.recordings.ends, "_today", lambda: date(2099, 1, 1))
    path = put(house.settings.recordings_dir, wav(1))
    await house.recordings.ends.delete_old()
    assert path.exists()


# -- listening --------------------------------------------------------------------------------------------------------


def row(**values: Any) -> RecordingRow:
    known: dict[str, Any] = {
        "outcome": "kept",
        "file": f"{DAY}/{CALL}.wav",
        "started_ms": 1,
        "ended_ms": 2,
        "seconds": 1.0,
    }
    known |= {"bytes": 1, "sha256": "", "spans": [], "paused": [], "problem": None, "deleted_ms": None}
    return RecordingRow(CALL, **{**known, **values})


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (None, 404),
        (row(ended_ms=None), 404),
        (row(deleted_ms=3), 410),
        (row(file=None, outcome="missing"), 404),
        (row(file="../../etc/passwd"), 404),
        (row(), 404),  # its file is gone
        (StorageUnavailable("away"), 503),
    ],
)
async def test_why_there_is_nothing_to_hear(house: House, found: Any, status: int) -> None:
    house.calls.clear()
    house.records.row = found
    with pytest.raises(Refused) as refused:
        await house.recordings.file(CALL)
    assert refused.value.status == status


async def test_a_call_that_goes_on_is_not_heard(house: House) -> None:
    house.records.row = row()
    with pytest.raises(Refused, match="not over"):
        await house.recordings.file(CALL)


async def test_the_file_of_a_call_that_is_over_is_heard(house: House) -> None:
    house.calls.clear()
    house.records.row = row()
    path = put(house.settings.recordings_dir, wav(1))
    assert await house.recordings.file(CALL) == path


# -- the folder -------------------------------------------------------------------------------------------------------


async def test_a_folder_that_takes_nothing_is_an_alarm_before_the_next_call(house: House) -> None:
    ends = house.recordings.ends
    await ends.look()
    assert ends.ready is True
    house.settings.recordings_dir.rmdir()
    await ends.look()
    assert ends.ready is False
    assert "cannot be used" in str(ends.trouble)
    house.settings.recording.enabled = False
    await ends.look()
    assert ends.ready is None
