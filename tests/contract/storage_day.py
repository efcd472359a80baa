"""A little of everything that the journal carries, and what all tables must look like after it.

Whatever befalls a database or a process, the tables must read in the end as if nothing had happened: so the test keeps the
same days in another database, undisturbed, and holds the two against each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from metrics.counting import together
from routing.candidates import Edition, pack
from routing.commands import WriteOutbound, WriteProbe, WriteSignIn
from routing.outbound import Outbound, OutKind, OutOutcome, OutState
from routing.probe import Probe, ProbeOutcome, ProbeState
from routing.steps import Step, StepKind
from routing.witness import Witnessed, story
from service.reports import figures, periods
from service.reports.counted import Counted, counted
from service.reports.figures import Targets
from storage.callbacks import CallbackRow
from storage.entries import Entry, KeptEdition, KeptEntry, SignIn, WriteEdition, decode
from storage.errors import EntryError
from storage.intake import IntakeRow
from storage.records import Records, archive_of
from storage.schema import metadata
from storage.segments import Follower, Position, known_id
from tests.contract.storage_databases import Database, opened
from tests.contract.storage_stories import (
    FIRST_MS,
    abandoned_call,
    answered_call,
    call_id,
    consulted_call,
    emergency_call,
    recorded,
)
from tests.unit.routing.floor_plan import rules

CALLS: Final = 5  # of a day
NOW: Final = FIRST_MS / 1000 + 12 * 3600
PARTS: Final = 4  # a day is told in so many
INTAKES: Final = 1_000_000  # calls from here on have intakes, and nothing else
EDITION: Final = Edition(rules())
_CODES: Final = pack(bytes(len(EDITION.place)))
# given out in the order of the batches, which nobody has fixed; and where each writer stands
_BY_BATCH: Final = {"outbox": "id", "agent_periods": "entry"}
_NOT_COMPARED: Final = ("journal_position",)


def day(number: int, callback: int) -> list[list[Entry]]:
    """Day `number`, in parts: five calls of every kind, a call to a citizen for entry `callback`, a test call,
    a shift.

    Each part goes on with every story.
    """
    stories = [*_calls(number), _shift(number), _outbound(number, callback), _probe(number)]
    pieces = [_cut(one) for one in stories]
    return [[entry for piece in part for entry in piece] for part in zip_longest(*pieces, fillvalue=())]


def _calls(number: int) -> list[list[Entry]]:
    first = number * CALLS
    answered = answered_call(first)
    decided = [
        replace(step, candidates=f"{EDITION.id}:{_CODES}") if step.kind is StepKind.PRESENTED else step
        for step in answered
    ]
    arrived_ms = FIRST_MS + first + 4
    alone = Witnessed(call_id(first + 4), "12345", "carrier", arrived_ms, arrived_ms + 9000, arrived_ms + 3000, "1001")
    told = story(alone, number="12345", line="12345", trunk="carrier", emergency=False, answer_within_s=15.0)
    edition = WriteEdition(EDITION, FIRST_MS / 1000 + number)
    return [
        [edition, *decided, recorded(answered)],
        [*abandoned_call(first + 1)],
        [*consulted_call(first + 2)],
        [*emergency_call(first + 3)],
        [*told],
    ]


def _shift(number: int) -> list[Entry]:
    at = FIRST_MS / 1000 + number
    states = ("ready", "talking", "wrap_up", "signed_out")
    return [WriteSignIn(f"a{number}", "1001", state, "", at + place) for place, state in enumerate(states)]


def _outbound(number: int, callback: int) -> list[Entry]:
    at = FIRST_MS / 1000 + number
    asked = Outbound(f"out-{number}", OutKind.CALLBACK, "a1", "1001", "12345", at, "C-7", callback, "cli")
    talks = asked._replace(state=OutState.TALKING, dialled_at=at + 2, answered_at=at + 5)
    over = talks._replace(state=OutState.ENDED, ended_at=at + 60, outcome=OutOutcome.ANSWERED, cause=16)
    return [WriteOutbound(asked), WriteOutbound(talks), WriteOutbound(over)]


def _probe(number: int) -> list[Entry]:
    at = FIRST_MS / 1000 + number
    asked = Probe(f"probe-{number}", "12345", "cli", at)
    rings = asked._replace(state=ProbeState.RINGING, dialled_at=at + 1, ringing_at=at + 2)
    over = rings._replace(state=ProbeState.ENDED, ended_at=at + 9, outcome=ProbeOutcome.ANSWERED, answered_at=at + 4)
    return [WriteProbe(asked), WriteProbe(rings), WriteProbe(over)]


def _cut(entries: Sequence[Entry]) -> list[Sequence[Entry]]:
    size = -(-len(entries) // PARTS)
    return [entries[start : start + size] for start in range(0, len(entries), size)]


async def written_of(records: Records, number: int) -> int:
    """What people write on that day goes into the tables at once: an intake, and an entry of a citizen to be called back.

    Each is added when it is not there, as somebody does who got no answer; the id of the entry.
    """
    call = call_id(INTAKES + number)
    if not await records.intakes_of(call):
        await records.add_intake(IntakeRow(call, "投诉", "路灯不亮", None, False, "v1:x", "天宁区", "a1", FIRST_MS))
    for row in await records.callbacks():
        if row.note == str(number):
            return row.id
    row = CallbackRow("r", "v1:x", "12345", FIRST_MS + 86_400_000, "cli", FIRST_MS, note=str(number))
    return (await records.add_callback(row)).id


# -- what is kept --


def key_of(entry: Entry | KeptEntry) -> tuple[Any, ...]:
    """By which an entry is the same, told and read."""
    if isinstance(entry, Step):
        return entry.call_id, entry.seq
    if isinstance(entry, WriteEdition):
        return entry.edition.id, entry.at
    if isinstance(entry, KeptEdition):
        return entry.id, entry.at
    if isinstance(entry, WriteOutbound | Outbound):
        out = entry.outbound if isinstance(entry, WriteOutbound) else entry
        return out.id, out.state.value
    if isinstance(entry, WriteProbe | Probe):
        probe = entry.probe if isinstance(entry, WriteProbe) else entry
        return probe.id, probe.state.value
    sign = entry.entry if isinstance(entry, SignIn) else entry
    return sign.agent_id, sign.state, sign.at


def journal_entries(data_dir: Path) -> list[KeptEntry]:
    """All that the journal has."""
    folder = data_dir / "journal"
    follower = Follower(folder, known_id(folder) or "", Position())
    found: list[KeptEntry] = []
    while lines := follower.read(1000):
        for line in lines:
            try:
                found.append(decode(line.raw))
            except EntryError:
                assert not line.whole, "only what a death has cut"
    follower.close()
    return found


def judged_by_journal(data_dir: Path) -> Counter[str]:
    """Calls by judgement, each counted by its first."""
    told: dict[str, str] = {}
    for entry in journal_entries(data_dir):
        if isinstance(entry, Step) and entry.kind is StepKind.JUDGED:
            told.setdefault(entry.call_id, str(entry.data["result"]))
    return Counter(told.values())


# -- what the tables say --


async def tell_days(records: Records, numbers: Iterable[int]) -> None:
    for number in numbers:
        callback = await written_of(records, number)
        for part in day(number, callback):
            records.write(*part)


async def assert_as_undisturbed(database: Database, days: int) -> None:
    """Every table is as that of a database to which the same days were told in peace."""
    undisturbed = await database.twin()
    async with opened(undisturbed, hand_over=True) as records:
        await tell_days(records, range(days))
        assert await records.flush(60)
    for table in _tables():
        assert await content(database, table) == await content(undisturbed, table), table
    calls = days * CALLS
    assert await database.rows("SELECT count(*), count(distinct call_id) FROM calls") == [(calls, calls)]
    assert await database.rows("SELECT count(*) FROM calls WHERE judged IS NULL OR ended_ms IS NULL") == [(0,)]


async def assert_reported_as_the_journal_counts(database: Database) -> None:
    """`hotline report` and the journal agree on how many calls there were, and what became of them."""
    report = await reported(database)
    judged = judged_by_journal(database.data_dir)
    total = figures.figures({"12345": together(report.places.values())}, Targets({}, 15_000))
    assert report.calls == total["offered"] == judged.total()
    assert (total["in_time"], total["abandoned"]) == (judged["in_time"], judged["abandoned"])
    assert total["answered"] == judged["in_time"] + judged["late"]


async def reported(database: Database) -> Counted:
    period = periods.day("2023-11-15", ZoneInfo("Asia/Shanghai"), NOW)
    async with archive_of(database.url, password_file=database.password_file) as archive:
        return await counted(archive, period)


def _tables() -> list[str]:
    return [table.name for table in metadata.sorted_tables if table.name not in _NOT_COMPARED]


async def content(database: Database, table: str) -> list[tuple[Any, ...]]:
    """Its rows; those of one call stay in the order in which they were given out."""
    given = _BY_BATCH.get(table)
    columns = [f'"{column.name}"' for column in metadata.tables[table].columns if column.name != given]
    rows = await database.rows(f"SELECT {', '.join(columns)} FROM {table}" + (f" ORDER BY {given}" if given else ""))
    return sorted(rows, key=lambda row: str(row[1] if table == "outbox" else row[0]) if given else str(row))
