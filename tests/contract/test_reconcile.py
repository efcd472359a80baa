"""Asterisk's CEL against the records, on both databases: what is missing is recorded once, what differs is told."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio

from console.deps import Refused
from routing.engine import Engine
from routing.steps import Step, StepKind
from routing.witness import Kept
from service import clock
from service.cli.stage import CEL_FILE
from service.reconcile import SETTLE_MS
from service.reconcile_alone import compared
from service.reconciling import ASIDE_FILE, EVERY_S, LOOK_S, MARKS_FILE, Reconciling
from service.settings import Settings, load
from service.starter import write_starter
from storage.records import Records
from telephony.cel import LONGEST_LINE
from tests.contract import storage_stories
from tests.contract.storage_databases import Database, opened
from tests.unit.telephony.cel_lines import BASE_MS, abandoned_call, answered_call, begun, ended, entered, id_of

NUMBER = "12345"


@dataclass
class Witness:
    """The service, as far as this needs it: real records, a real engine, and a file that Asterisk might have written."""

    records: Records
    settings: Settings
    engine: Engine
    now_ms: int = BASE_MS + 3_000_000
    ready: bool = True
    counted: list[Step] = field(default_factory=list)
    drift: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.settings.cel_file.parent.mkdir(exist_ok=True)
        self.restarted()

    def restarted(self) -> None:
        self.reconciling = Reconciling(
            lambda: self.settings, self.records, self.engine,
            ready=lambda: self.ready, keep=self._keep, write=self._write,
            drift=lambda kind, count: self.drift.update({kind: count}),
        )  # fmt: skip

    def _keep(self, step: Step) -> None:
        self._write(step)
        self.counted.append(step)

    def _write(self, step: Step) -> None:
        self.records.write(step)
        self.reconciling.follow(step)

    def told(self, *texts: bytes) -> None:
        with self.settings.cel_file.open("ab") as file:
            file.write(b"".join(texts))
        os.utime(self.settings.cel_file, (self.now_ms / 1000,) * 2)

    def keeps(self, channel: int, *, wait_s: float = 1.002, talk_s: float = 4.998) -> None:
        """The engine itself has told of a call."""
        at, call_id = BASE_MS / 1000 + channel, id_of(channel)
        arrived = {"number": NUMBER, "line": NUMBER, "arrived_at": at}
        answer = {"wait_s": wait_s, "seat": "1001", "agent": "1001", "by": "engine"}
        judged = {"result": "in_time", "wait_s": wait_s, "line": NUMBER, "number": NUMBER}
        for step in (
            Step(call_id, 1, at, StepKind.OFFERED, arrived),
            Step(call_id, 2, at + wait_s, StepKind.ANSWERED, answer),
            Step(call_id, 3, at + wait_s, StepKind.JUDGED, judged),
            Step(call_id, 4, at + wait_s + talk_s, StepKind.ENDED, {"outcome": "answered", "by": "caller"}),
        ):
            self._keep(step)

    async def hourly(self) -> dict[str, Any]:
        assert await self.reconciling._turn() == EVERY_S
        assert await self.records.flush(20)
        shown = self.reconciling.shown()
        assert shown is not None
        return shown

    async def asked(self, hours: float = 24) -> dict[str, Any]:
        found = await self.reconciling.look(hours, "cli")
        assert await self.records.flush(20)
        return found

    def kinds(self, call_id: str) -> list[str]:
        return [step.kind.value for step in self.counted if step.call_id == call_id]


@pytest_asyncio.fixture(loop_scope="session")
async def witness(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Witness]:
    settings = load(write_starter(tmp_path / "hotline", seats=2, cel_file=str(tmp_path / CEL_FILE)))
    async with opened(database) as records:
        found = Witness(records, settings, Engine(settings.rules()))
        monkeypatch.setattr(clock, "wall", lambda: found.now_ms / 1000)
        yield found


async def test_calls_that_the_records_lack_are_told_to_them_once(witness: Witness) -> None:
    witness.keeps(1)
    witness.told(answered_call(1), answered_call(2, wait_s=20.0), abandoned_call(3))
    found = await witness.hourly()
    assert (found["cel_calls"], found["record_calls"], found["missing"], found["recovered"]) == (3, 1, 2, 2)
    assert (found["agree"], found["differing"], found["not_in_cel"]) == (False, 0, 0)
    late, gone = [await witness.records.call(id_of(number)) for number in (2, 3)]
    assert late is not None
    assert gone is not None
    assert (late.judged, late.answered_ms, late.seat_id, late.flags) == ("late", BASE_MS + 22_002, "1001", "recovered")
    assert (late.number, late.trunk, late.talk_ms, late.answered_by) == (NUMBER, "carrier", 4_998, None)
    assert (gone.judged, gone.outcome, gone.wait_ms) == ("abandoned", "abandoned", 2_000)
    assert witness.kinds(id_of(3)) == ["offered", "flag", "judged", "ended"]

    before = list(witness.counted)
    for look in (witness.hourly, witness.asked, witness.asked):
        again = await look()
        assert (again["missing"], again["agree"], again["not_in_cel"]) == (0, True, 0)
    witness.restarted()
    assert (await witness.hourly())["agree"]
    assert witness.counted == before
    assert (await witness.asked())["cel_calls"] == (await witness.asked())["record_calls"] == 3
    assert witness.drift == {"call_missed": 2}


async def test_calls_that_go_on_are_left_until_they_are_over(witness: Witness) -> None:
    witness.told(begun(1), entered(2, 7, 1, "b", "PJSIP/1001-0b"), entered(2, 1, 1, "b"))
    witness.engine.calls[id_of(1)] = SimpleNamespace(id=id_of(1))  # type: ignore[assignment]
    found = await witness.hourly()
    assert (found["open"], found["cel_calls"], found["missing"]) == (1, 0, 0)
    witness.told(ended(900))
    assert (await witness.hourly())["missing"] == 0  # the engine's own to tell
    del witness.engine.calls[id_of(1)]
    witness.restarted()
    assert (await witness.hourly())["missing"] == 1
    call = await witness.records.call(id_of(1))
    assert call is not None
    assert (call.answered_ms, call.ended_ms) == (BASE_MS + 2_000, BASE_MS + 900_000)


async def test_call_whose_asterisk_died_has_failed(witness: Witness) -> None:
    witness.told(begun(1), begun(2), entered(3, 7, 2, "b", "PJSIP/1001-0b"), entered(3, 2, 2, "b"))
    found = await witness.hourly()
    assert (found["missing"], found["open"]) == (2, 0)
    [waited] = [call for call in await witness.records.recent_calls() if call.call_id != id_of(2)]
    talked = await witness.records.call(id_of(2))
    assert talked is not None
    assert (waited.judged, waited.outcome, talked.judged, talked.outcome) == ("failed", "failed", "in_time", "answered")
    assert (await witness.asked())["missing"] == 0


async def test_end_that_was_lost_does_not_make_a_second_call(witness: Witness) -> None:
    """Without an end Asterisk has told no id, but the records know the channel."""
    witness.keeps(1)
    witness.told(begun(1))
    found = await witness.hourly()
    assert (found["missing"], len(await witness.records.recent_calls())) == (0, 1)


async def test_call_that_the_records_alone_know_to_be_over_is_no_lack_of_cel(witness: Witness) -> None:
    """Its end is in a line that was lost, and nobody has given it up yet."""
    witness.keeps(1)
    witness.told(answered_call(1).removesuffix(ended(7, 1) + ended(7.001, 501, 1, "PJSIP/1001-0b")))
    witness.now_ms = BASE_MS + 30_000
    found = await witness.hourly()
    assert (found["open"], found["cel_calls"], found["not_in_cel"], found["agree"]) == (1, 0, 0, True)


async def test_caller_whose_asterisk_has_just_died_is_no_lack_of_cel_either(witness: Witness) -> None:
    """He was in no bridge, so Asterisk has not told his id."""
    at, call_id = BASE_MS / 1000 + 1, id_of(1)
    witness.records.write(
        Step(call_id, 1, at, StepKind.OFFERED, {"number": NUMBER, "line": NUMBER, "arrived_at": at}),
        Step(call_id, 2, at + 2, StepKind.ENDED, {"outcome": "failed", "by": "pbx"}),
    )
    witness.told(begun(1), begun(2))
    witness.now_ms = BASE_MS + 30_000
    found = await witness.hourly()
    assert (found["open"], found["cel_calls"], found["not_in_cel"]) == (2, 0, 0)


async def test_what_differs_is_told_and_changes_no_record(witness: Witness) -> None:
    witness.keeps(1, wait_s=1.1)
    witness.keeps(2)
    witness.told(answered_call(1), answered_call(2), answered_call(3))
    witness.records.write(Step(id_of(3), 1, BASE_MS / 1000 + 3, StepKind.OFFERED, {"number": NUMBER, "line": NUMBER}))
    assert await witness.records.flush(20)
    before = await witness.records.steps(id_of(3))
    found = await witness.hourly()
    assert [(d["call_id"], d["what"], d["cel"], d["records"]) for d in found["differences"]] == [
        (id_of(1), "answer_time", BASE_MS / 1000 + 2.002, BASE_MS / 1000 + 2.1),
        (id_of(1), "end_time", BASE_MS / 1000 + 7.0, BASE_MS / 1000 + 7.098),
        (id_of(3), "answer_missed", BASE_MS / 1000 + 4.002, None),
        (id_of(3), "end_missed", BASE_MS / 1000 + 9.0, None),
    ]
    assert await witness.records.steps(id_of(3)) == before
    assert witness.drift == {"answer_time": 1, "end_time": 1, "answer_missed": 1, "end_missed": 1}
    for look in (witness.hourly, witness.asked):
        await look()
    witness.restarted()
    assert (await witness.hourly())["differing"] == 4  # shown again, counted once
    assert sum(witness.drift.values()) == 4


async def test_calls_that_asterisk_did_not_witness_are_counted(witness: Witness) -> None:
    witness.told(answered_call(1))
    witness.keeps(1)
    witness.keeps(2)
    found = await witness.hourly()
    assert (found["cel_calls"], found["record_calls"], found["not_in_cel"], found["agree"]) == (1, 2, 1, False)
    witness.now_ms += 3_600_000
    assert (await witness.hourly())["agree"]  # that was the hour before


async def test_open_record_does_not_stand_for_one_that_cel_lacks(witness: Witness) -> None:
    witness.told(answered_call(1))
    witness.records.write(Step(id_of(1), 1, BASE_MS / 1000 + 1, StepKind.OFFERED, {"number": NUMBER, "line": NUMBER}))
    witness.keeps(2)
    assert (await witness.hourly())["not_in_cel"] == 1


async def test_calls_before_the_first_line_of_cel_are_not_held_against_it(witness: Witness) -> None:
    witness.keeps(1)
    witness.keeps(9)
    witness.told(answered_call(9))
    found = await witness.hourly()
    assert (found["since"], found["record_calls"], found["agree"]) == (BASE_MS / 1000 + 9, 1, True)


async def test_call_to_a_number_that_is_none_of_ours_is_told_and_not_recorded(witness: Witness) -> None:
    witness.told(abandoned_call(1, dialled="55555"), ended(9, 2))
    found = await witness.hourly()
    assert (found["unplaced"], found["missing"]) == (2, 0)
    assert [call["number"] for call in found["unplaced_calls"]] == ["55555", ""]
    assert await witness.records.recent_calls() == []
    assert witness.drift == {"call_unplaced": 2}


async def test_merged_number_is_served_as_another_line_and_keeps_its_own_figures(witness: Witness) -> None:
    merged = next(line for line in witness.engine.rules.lines.values() if line.into is not None)
    witness.told(answered_call(1).replace(b'"12345"', f'"{merged.number}"'.encode()))
    await witness.hourly()
    call = await witness.records.call(id_of(1))
    assert call is not None
    assert (call.number, call.line) == (merged.number, merged.into)


async def test_lines_that_nobody_can_read_are_kept_aside_counted_and_named_once(witness: Witness) -> None:
    witness.told(answered_call(1), b'"CHAN_START","17\n')
    witness.keeps(1)
    asked = await witness.asked()
    assert (asked["agree"], asked["corrupt"]) == (False, [{"file": "hotline.csv", "line": 6, "why": "not whole"}])
    assert not (witness.settings.data_dir / ASIDE_FILE).exists()
    for _ in range(2):
        await witness.hourly()
    witness.restarted()
    await witness.hourly()
    assert (witness.settings.data_dir / ASIDE_FILE).read_bytes() == b'hotline.csv:6\tnot whole\t"CHAN_START","17\n'
    assert witness.drift == {"line_corrupt": 1}


WHOLE = begun(9).rstrip(b"\n")
CORRUPT: dict[str, bytes] = {
    "empty": b"",
    "cut": WHOLE[:40],
    "beginning lost": WHOLE[40:],
    "two in one": WHOLE[:40] + WHOLE,
    "binary": bytes(range(11, 256)),
    "NUL": b"\0" * 300,
    "many NULs": b"\0" * 3 * LONGEST_LINE,
    "no UTF-8": WHOLE.replace(b"carrier", b"\xff\xfe"),
    "half a character": WHOLE.replace(b"carrier", b"\xe5\x9d"),
    "huge": b'"' + b"x" * 2_000_000 + b'"',
    "JSON": b'{"kind": "CHAN_START", "at": 1795399439}',
    "numbers": b'1,2,3,4,5,6,7,8,9',
    "fields too few": b'"CHAN_START","1795399439.000500"',
    "fields too many": WHOLE + b',"more"',
    "unknown event": WHOLE.replace(b"CHAN_START", b"CHAN_STOP"),
    "no time": WHOLE.replace(b"1795399439.000500", b"09:00"),
    "endless time": WHOLE.replace(b"1795399439.000500", b"9" * 300 + b".000500"),
    "odd digits": WHOLE.replace(b"1795399439.000500", "１７９５３９９４３９.000500".encode()),
    "odd uniqueid": WHOLE.replace(b'"1795399430.9"', b'"; rm -rf /"'),
}  # fmt: skip


@pytest.mark.parametrize("first", [False, True], ids=["between", "first"])
@pytest.mark.parametrize("raw", CORRUPT.values(), ids=CORRUPT)
async def test_corrupt_line_is_skipped_kept_aside_counted_and_named_and_changes_no_call(
    witness: Witness, raw: bytes, first: bool
) -> None:
    calls = answered_call(1).splitlines(keepends=True)
    place = 0 if first else 2
    witness.told(*calls[:place], raw + b"\n", *calls[place:], answered_call(2))
    witness.keeps(1)
    shown = await witness.hourly()
    assert (shown["cel_calls"], shown["missing"], shown["differing"], shown["unplaced"]) == (2, 1, 0, 0)
    assert [(bad["file"], bad["line"]) for bad in shown["corrupt"]] == [("hotline.csv", place + 1)]
    assert witness.drift == {"line_corrupt": 1, "call_missed": 1}
    aside = (witness.settings.data_dir / ASIDE_FILE).read_bytes()
    assert aside.startswith(f"hotline.csv:{place + 1}\t".encode())
    assert raw[:LONGEST_LINE] in aside
    assert witness.kinds(id_of(2))[-1] == "ended"


async def test_lines_that_come_twice_are_one_call_and_no_drift(witness: Witness) -> None:
    witness.keeps(1)
    witness.told(*(raw * 2 for raw in answered_call(1).splitlines(keepends=True)), answered_call(1))
    shown = await witness.hourly()
    assert (shown["record_calls"], shown["missing"], shown["differing"]) == (1, 0, 0)
    assert witness.drift == {}


async def test_call_that_this_process_has_counted_is_not_counted_again(witness: Witness) -> None:
    """Its record was lost, the metric was not."""
    lost = Step(id_of(1), 1, 0.0, StepKind.OFFERED, {})
    witness.reconciling.follow(lost)
    witness.told(begun(9))
    await witness.hourly()
    del witness.counted[:]
    witness.told(answered_call(1))
    assert (await witness.hourly())["recovered"] == 1
    assert witness.counted == []
    assert await witness.records.call(id_of(1)) is not None


async def test_without_a_look_for_days_not_all_calls_are_remembered(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.reconciling.MOST_COUNTED", 3)
    for channel in range(10):
        witness.reconciling.follow(Step(id_of(channel), 1, 0.0, StepKind.OFFERED, {}))
    remembered = witness.reconciling._counted | witness.reconciling._counted_before
    assert remembered == {id_of(channel) for channel in range(6, 10)}


async def test_nothing_is_told_before_ami_is_up(witness: Witness) -> None:
    witness.told(answered_call(1))
    witness.ready = False
    assert await witness.reconciling._turn() == LOOK_S
    with pytest.raises(Refused, match="Asterisk Manager is not connected") as caught:
        await witness.asked()
    assert caught.value.status == 503
    assert await witness.records.recent_calls() == []


async def test_what_is_young_waits_for_the_next_look(witness: Witness) -> None:
    witness.now_ms = BASE_MS + 7_500 + SETTLE_MS - 1_000
    witness.told(answered_call(1))
    assert (await witness.hourly())["open"] == 1
    witness.now_ms += 2_000
    assert (await witness.hourly())["missing"] == 1


async def test_first_look_of_a_process_goes_back_to_where_the_last_one_ended(witness: Witness) -> None:
    witness.told(answered_call(1))
    await witness.hourly()
    witness.now_ms += 50 * 3_600_000
    witness.told(abandoned_call(7_200))
    witness.now_ms += 50 * 3_600_000
    witness.restarted()
    assert (await witness.hourly())["missing"] == 1
    assert len(await witness.records.recent_calls()) == 2


async def test_first_look_of_a_process_goes_back_a_day_at_least(witness: Witness, tmp_path: Path) -> None:
    """A database that was lost, or is an old copy: what the last process had read is not in it."""
    witness.told(answered_call(1))
    await witness.hourly()
    os.utime(witness.settings.cel_file, (BASE_MS / 1000 + 100,) * 2)  # nothing was written since the last look
    async with opened(Database(f"sqlite+aiosqlite:///{tmp_path}/other.db", tmp_path / "other")) as other:
        witness.records = other
        witness.now_ms += 20 * 3_600_000
        witness.restarted()
        assert (await witness.hourly())["missing"] == 1
    async with opened(Database(f"sqlite+aiosqlite:///{tmp_path}/third.db", tmp_path / "third")) as third:
        witness.records = third
        witness.now_ms += 20 * 3_600_000
        witness.restarted()
        assert (await witness.hourly())["missing"] == 0
        assert (await witness.asked(hours=48))["missing"] == 1


async def test_asked_for_hours_only_calls_of_these_hours_are_looked_at(witness: Witness) -> None:
    witness.told(answered_call(1), answered_call(2000))
    found = await witness.asked(hours=0.5)
    assert (found["missing"], [call["call_id"] for call in found["missing_calls"]]) == (1, [id_of(2000)])
    assert (await witness.hourly())["missing"] == 1


async def test_folder_that_cannot_be_written_is_told(witness: Witness) -> None:
    witness.told(answered_call(1))
    (witness.settings.data_dir / MARKS_FILE).mkdir()
    with pytest.raises(Refused, match="cannot be used"):
        await witness.asked()


async def test_file_that_is_not_there_is_told_and_tried_again(witness: Witness) -> None:
    assert await witness.reconciling._turn() == 60.0
    with pytest.raises(Refused, match="there is no") as caught:
        await witness.asked()
    assert caught.value.status == 409
    witness.told(answered_call(1))
    assert (await witness.hourly())["missing"] == 1


async def test_many_calls_leave_the_loop_to_others(witness: Witness) -> None:
    witness.told(*(answered_call(number) for number in range(1, 600)))
    most = 0  # steps told at one go

    async def others() -> None:
        nonlocal most
        while True:
            before = len(witness.counted)
            await asyncio.sleep(0)
            most = max(most, len(witness.counted) - before)

    task = asyncio.create_task(others())
    found = await witness.hourly()
    task.cancel()
    assert (found["missing"], found["recovered"]) == (599, 599)
    assert most == 5  # one call


async def test_witness_asks_the_records_by_id_by_channel_and_by_period(database: Database) -> None:
    first = storage_stories.FIRST_MS
    async with opened(database) as records:
        records.write(*storage_stories.answered_call(1), *storage_stories.abandoned_call(2), storage_stories.offered(3))
        assert await records.flush(20)
        ids = [storage_stories.call_id(number) for number in (1, 2, 3, 4)]
        kept = await records.kept([*ids, *(f"nobody-{number}" for number in range(500))])
        assert list(kept.values()) == [
            Kept(ids[0], first + 1, first + 2_501, first + 32_501),
            Kept(ids[1], first + 2, None, first + 8_002),
            Kept(ids[2], first + 3, None, None),
        ]
        channel = ids[0].partition("-")[2]
        assert await records.kept_of_channel(channel, first + 50_000) == kept[ids[0]]
        assert await records.kept_of_channel(channel, first + 70_000) is None
        assert await records.kept_of_channel(channel[1:], first) is None
        assert await records.kept_of_channel("%", first) is None
        assert await records.ended_calls(first, first + 10, first + 100_000) == 2
        assert await records.ended_calls(first + 2, first + 10, first + 100_000) == 1
        assert await records.ended_calls(first, first + 2, first + 100_000) == 1
        assert await records.ended_calls(first, first + 10, first + 8_003) == 1
        assert await records.kept([]) == {}


async def test_without_a_service_everything_is_told_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(write_starter(tmp_path / "hotline", seats=2, cel_file=str(tmp_path / CEL_FILE)))
    records = await Records.open(settings.database_url(), settings.data_dir)
    await records.close()
    settings.cel_file.parent.mkdir()
    settings.cel_file.write_bytes(answered_call(1) + b"torn\n" + begun(2))
    found = await compared(settings, BASE_MS + 3_000_000, 24)
    assert (found["missing"], found["recovered"], found["record_calls"], found["open"]) == (1, 0, 0, 1)
    assert found["corrupt_lines"] == 1
    assert not any((settings.data_dir / name).exists() for name in (MARKS_FILE, ASIDE_FILE))
    assert (await compared(settings, BASE_MS + 3_000_000, 24))["missing"] == 1
