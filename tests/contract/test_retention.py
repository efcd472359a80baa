"""Forgetting, on both databases: figures stay to the last call, what is held stays whole, and nobody is stopped by it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from routing.commands import WriteSignIn
from routing.steps import Step, StepKind
from service import forgetting as work
from service.forgetting import Forgetting
from service.reports import audit as audits
from service.reports import lost, periods
from service.reports.counted import Keeping, counted
from service.reports.figures import Targets, report
from service.reports.remarks import quarter_of
from storage import forgetting, holds
from storage.audit import Act, AuditRow
from storage.callbacks import CallbackRow
from storage.fold import fold
from storage.forgetting import Kind, Window, without_people
from storage.holds import HoldKind, HoldRow
from storage.intake import IntakeRow
from storage.journal import Journal
from storage.records import Records
from tests.contract.storage_databases import Database, opened
from tests.contract.storage_stories import (
    FIRST_MS,
    abandoned_call,
    answered_call,
    call_id,
    consulted_call,
    emergency_call,
    offered,
    recorded,
)

ZONE = ZoneInfo("Asia/Shanghai")
HOUR, DAY_MS = 3_600_000, 86_400_000
RULES = SimpleNamespace(lines={})
WANTED = Targets({}, 15_000)
FIRST_DAY = periods.day("2023-11-15", ZONE, FIRST_MS / 1000 + 90 * 86_400)
SPAN = periods.interval("2023-11-15", "2023-11-18", ZONE, FIRST_MS / 1000 + 90 * 86_400)
FAR_MS = SPAN.until_ms + 50 * DAY_MS
Killed = type("Killed", (Exception,), {})


def day_of(number: int) -> periods.Period:
    at = datetime.fromtimestamp((FIRST_MS + number) / 1000, ZONE).date()
    return periods.day(at.isoformat(), ZONE, FAR_MS / 1000)


def by_caller(story: list[Step], ref: str) -> list[Step]:
    first = story[0]
    return [replace(first, data={**first.data, "caller_ref": ref}), *story[1:]]


def stories() -> list[list[Step]]:
    """Four days of calls of every kind, some by the same caller, some lost and served on another day."""
    chance = random.Random(7)
    told: list[list[Step]] = []
    for place in range(48):
        number = chance.randrange((SPAN.until_ms - FIRST_MS) // 1000 - 600) * 1000 + place
        line = chance.choice(["12345", "12333", "96510"])
        made = [
            lambda n, li: answered_call(n, wait_s=chance.choice([0.5, 2.0, 15.0, 15.001, 40.0]), line=li),
            lambda n, li: abandoned_call(n, wait_s=chance.choice([0.4, 8.0, 22.5]), line=li),
            lambda n, li: consulted_call(n),
            lambda n, li: emergency_call(n),
        ][place % 4](number, line)
        told.append(by_caller(made, f"{place % 9:032x}"))
    flagged = told[0]
    end = flagged[-1]
    flag = Step(end.call_id, end.seq + 1, end.at, StepKind.FLAG, {"flag": "storm"})
    told[0] = [*flagged, flag]
    return told


async def filled(records: Records) -> list[list[Step]]:
    told = stories()
    for story in told:
        records.write(*story)
    assert await records.flush(30)
    for place, story in enumerate(told[:12]):
        await records.add_intake(
            IntakeRow(story[0].call_id, "投诉", "路灯不亮", "v1:n", False, "v1:x", "天宁区", "a1", FIRST_MS + place)
        )
    ref = told[1][0].data["caller_ref"]
    row = CallbackRow(str(ref), "v1:number", "12345", FIRST_MS, "a1", FIRST_MS, note="下午", state="done")
    await records.add_callback(row)
    return told


def worker(records: Records, hook: Callable[[], Awaitable[None]] | None = None) -> Forgetting:
    found = Forgetting(records, lambda: SimpleNamespace(zone_info=ZONE))  # type: ignore[arg-type, return-value]

    async def rest(seconds: float) -> None:
        if hook is not None:
            await hook()

    found.rest = rest
    return found


ALL = dict.fromkeys(Kind, SPAN.until_ms)
PEOPLE = dict.fromkeys((Kind.NUMBERS, Kind.INTAKES, Kind.CALLBACKS), SPAN.until_ms)


async def figures(records: Records) -> dict[str, Any]:
    """All that reports say of the days, each and together, and of a part of one."""
    parts = [SPAN, *(periods.day(day.isoformat(), ZONE, FAR_MS / 1000) for day in SPAN.days)]
    found: dict[str, Any] = {}
    for period in parts:
        made = report(await counted(records, period), RULES, WANTED)  # type: ignore[arg-type]
        made.pop("forgotten")
        found[period.title] = made
    morning = periods.interval("2023-11-16T06:00", "2023-11-16T18:30", ZONE, FAR_MS / 1000)
    part = report(await counted(records, morning), RULES, WANTED)  # type: ignore[arg-type]
    found["part"] = {key: it for key, it in part.items() if key not in ("forgotten", "data")}
    found["departments"] = [asdict(one) for one in await records.department_figures(SPAN.since_ms, SPAN.until_ms)]
    drill = await records.emergency_legs(SPAN.since_ms, SPAN.until_ms)
    found["emergency"] = [(leg.target, leg.asked_ms, leg.answered_ms, leg.outcome) for leg in drill]
    arrivals = await records.arrivals_by(SPAN.since_ms, SPAN.until_ms, 900_000)
    found["arrivals"] = sorted(arrivals)
    found["first"] = await records.first_arrival_ms() is not None
    return found


async def told_lost(records: Records) -> dict[str, Any]:
    found = {}
    for day in SPAN.days:
        period = periods.day(day.isoformat(), ZONE, FAR_MS / 1000)
        found[period.title] = lost.report(await records.lost_calls(period.since_ms, period.until_ms), period)
    return found


async def everything(database: Database) -> dict[str, list[tuple]]:
    """All rows, without the moments of forgetting and the words that are drawn."""
    queries = {
        "calls": "SELECT call_id, caller_sealed, judged, redialled_ms, called_back_ms, forgotten_ms IS NULL FROM calls",
        "steps": "SELECT call_id, seq, kind FROM call_steps",
        "presentations": "SELECT call_id, presentation, outcome FROM presentations",
        "handoffs": "SELECT call_id, act, leg, target, asked_ms FROM handoffs",
        "intake": "SELECT id, name_sealed, text_sealed, subject FROM intake",
        "callbacks": "SELECT id, ref, sealed, note FROM callbacks",
        "days": "SELECT day, calls, data FROM forgotten_days",
        "figures": "SELECT since_ms, number FROM kept_figures",
    }
    return {name: sorted(map(repr, await database.rows(query))) for name, query in queries.items()}


def told(act: Act) -> AuditRow:
    return AuditRow(FIRST_MS, "s1", "supervisor", act, "hold", "", "court")


def hold(kind: HoldKind, **on: Any) -> HoldRow:
    return HoldRow(kind.value, "court", "s1", FIRST_MS, **on)


# -- figures -----------------------------------------------------------------------------------------------------------


async def test_reports_and_lost_calls_are_the_same_after_people_are_forgotten(database: Database) -> None:
    async with opened(database) as records:
        await filled(records)
        before, debts = await figures(records), await told_lost(records)
        assert any(call["served_at"] for day in debts.values() for call in day["calls"]), "else it proves nothing"
        assert any(not call["served_at"] for day in debts.values() for call in day["calls"])
        await worker(records).run(PEOPLE)
        assert await figures(records) == before
        assert await told_lost(records) == debts
        for day in SPAN.days:
            period = periods.day(day.isoformat(), ZONE, FAR_MS / 1000)
            found = await audits.audit(records, period, lambda calls: None)
            assert found.agrees
            assert found.recorded.forgotten == []
    assert await database.rows("SELECT count(*) FROM calls WHERE caller_sealed IS NOT NULL") == [(0,)]
    assert await database.rows("SELECT count(*) FROM call_steps WHERE CAST(data AS TEXT) LIKE '%caller_ref%'") == [(0,)]
    assert await database.rows("SELECT count(*) FROM intake WHERE name_sealed IS NOT NULL OR text_sealed <> ''") == [
        (0,)
    ]
    assert await database.rows("SELECT ref, sealed, note FROM callbacks") == [("", "", "")]
    refs = {story[0].data["caller_ref"] for story in stories()}
    assert refs.isdisjoint(row[0] for row in await database.rows("SELECT caller_ref FROM calls"))


async def test_reports_are_the_same_after_whole_days_are_deleted(database: Database) -> None:
    async with opened(database) as records:
        await filled(records)
        before = await figures(records)
        await worker(records).run(ALL)
        assert await figures(records) == before
        for day in SPAN.days:
            period = periods.day(day.isoformat(), ZONE, FAR_MS / 1000)
            found = await audits.audit(records, period, lambda calls: None)
            assert found.agrees
            assert [one.day for one in found.recorded.forgotten] == [period.title]
            assert found.recorded.data == before[period.title]["data"], "hotline audit --expect goes on to work"
    left = "SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM call_steps), (SELECT count(*) FROM presentations), (SELECT count(*) FROM intake)"  # noqa: E501
    assert await database.rows(left) == [(0, 0, 0, 0)]
    people = 'SELECT count(*) FROM handoffs WHERE "by" IS NOT NULL OR "case" IS NOT NULL OR seat IS NOT NULL'
    assert await database.rows(people) == [(0,)]


async def test_one_day_that_is_forgotten_changes_no_figure_of_the_days_around_it(database: Database) -> None:
    async with opened(database) as records:
        await filled(records)
        before = await figures(records)
        await worker(records).run({Kind.CALLS: FIRST_DAY.until_ms})
        assert await figures(records) == before
        (gone,) = await records.forgotten_days(SPAN.since_ms, SPAN.until_ms)
        assert gone.day == FIRST_DAY.title
    rest = await database.rows(f"SELECT count(*), min(arrived_ms) >= {FIRST_DAY.until_ms} FROM calls")
    assert bool(rest[0][1])
    assert rest[0][0] > 0


async def test_a_kept_day_that_lost_figures_does_not_pass_the_audit(database: Database) -> None:
    async with opened(database) as records:
        await filled(records)
        await worker(records).run({Kind.CALLS: FIRST_DAY.until_ms})
        async with records.engine.begin() as connection:
            await connection.exec_driver_sql("DELETE FROM kept_figures WHERE number = '12345'")
        assert not (await audits.audit(records, FIRST_DAY, lambda calls: None)).agrees


# -- killed between two batches ----------------------------------------------------------------------------------------


def short_lived(records: Records, kept: set[str]) -> Forgetting:
    """Dies after its first batch, and once after each day whose figures it kept."""
    found = worker(records)
    keep = found._keep

    def die(kind: Kind, rows: int) -> None:
        raise Killed

    async def keep_and_die(day: periods.Period) -> None:
        await keep(day)
        if day.title not in kept:
            kept.add(day.title)
            raise Killed

    found.told, found._keep = die, keep_and_die  # type: ignore[method-assign]
    return found


@pytest.mark.parametrize("befores", [PEOPLE, ALL], ids=["people", "days"])
async def test_a_run_that_is_killed_between_any_two_batches_ends_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch, befores: dict[Kind, int]
) -> None:
    monkeypatch.setattr(work, "AT_ONCE", 7)
    monkeypatch.setattr(work, "ROWS_AT_ONCE", 7)
    async with opened(database) as records:
        await filled(records)
        before, killed, kept = await figures(records), 0, set[str]()
        while True:
            try:
                await short_lived(records, kept).run(befores)
                break
            except Killed:
                killed += 1
                if killed % 4 == 1:
                    assert await figures(records) == before, "also in the middle of it"
        assert killed > 5
        assert await figures(records) == before
        broken_off = await everything(database)
    undisturbed = await fresh(database)
    async with opened(undisturbed) as records:
        await filled(records)
        await worker(records).run(befores)
    assert await everything(undisturbed) == broken_off


async def fresh(database: Database) -> Database:
    """Another one of the same kind."""
    folder = database.data_dir / "other"
    folder.mkdir()
    if database.cluster is None:
        path = folder / "hotline.db"
        return Database(f"sqlite+aiosqlite:///{path}", folder, name=str(path))
    name = await database.cluster.new_database()
    url = f"postgresql+asyncpg://hotline@/{name}?host={database.cluster.folder}"
    return Database(url, folder, database.password_file, database.cluster, name)


# -- holds -------------------------------------------------------------------------------------------------------------


def held_rows(story: list[Step]) -> Iterator[str]:
    this = f"'{story[0].call_id}'"
    for table in ("calls", "call_steps", "presentations", "handoffs", "intake"):
        yield f"SELECT * FROM {table} WHERE call_id = {this}"


@pytest.mark.parametrize("kind", list(HoldKind))
async def test_what_is_held_is_neither_deleted_nor_made_nameless(database: Database, kind: HoldKind) -> None:
    async with opened(database) as records:
        calls = await filled(records)
        before = await figures(records)
        mine = calls[2]  # with a consultation of case C-7, and an intake
        day = day_of(mine[0].seq - FIRST_MS)
        on = {
            HoldKind.CALL: {"call_id": mine[0].call_id},
            HoldKind.CALLER: {"ref": str(mine[0].data["caller_ref"])},
            HoldKind.CASE: {"case_id": "C-7"},
            HoldKind.DAYS: {"since_ms": day.since_ms, "until_ms": day.until_ms},
        }[kind]
        made = await holds.add_hold(records.engine, hold(kind, **on), told(Act.HOLD))
        assert await holds.covered(records.engine, made.id) >= 1
        whole = [sorted(map(repr, await database.rows(query))) for query in held_rows(mine)]
        assert all(whole), "the call has rows of every kind"
        await worker(records).run(ALL)
        assert [sorted(map(repr, await database.rows(query))) for query in held_rows(mine)] == whole
        assert await records.held_of([call[0].call_id for call in calls]) >= {mine[0].call_id}
        due = await forgetting.count_due(records.engine, Kind.CALLS, SPAN.until_ms)
        assert (due.due, due.held) == (0, await holds.covered(records.engine, made.id))
        assert await figures(records) == before, "what is held is not counted twice"

        await holds.forget_lifted_on(records.engine, str(mine[0].data["caller_ref"]))
        await holds.forget_lifted_before(records.engine, SPAN.until_ms)
        assert await holds.read_holds(records.engine) == [made], "it is in force"
        assert await holds.lift_hold(records.engine, made.id, told(Act.LIFT))
        assert not await holds.lift_hold(records.engine, made.id, told(Act.LIFT)), "once"
        await worker(records).run(ALL)
        assert await database.rows("SELECT count(*) FROM calls") == [(0,)]
        assert await figures(records) == before
        acts = [row.act for row in await records.audit_rows(subject_kind="hold")]
        assert acts == [Act.LIFT, Act.HOLD]


async def test_a_held_call_keeps_its_explanation_and_its_closed_delivery(database: Database) -> None:
    async with opened(database, hand_over=True) as records:
        records.write(*answered_call(1), *answered_call(2))
        assert await records.flush(20)
        async with records.engine.begin() as connection:
            for number in (1, 2):
                await connection.exec_driver_sql(
                    f"INSERT INTO decisions VALUES ('{call_id(number)}', 1, {FIRST_MS}, 'e', {_bytes(database)})"
                )
            await connection.exec_driver_sql("UPDATE outbox SET state = 'delivered', closed_ms = 5")
            last = "INSERT INTO outbox (id, event, call_id, type, body, made_ms, state, attempts, next_ms)"
            await connection.exec_driver_sql(f"{last} VALUES (9, 'last', 'x', 't', '{{}}', 1, 'pending', 0, 0)")
        await holds.add_hold(records.engine, hold(HoldKind.CALL, call_id=call_id(1)), told(Act.HOLD))
        from storage.decisions import delete_decisions

        async with records.engine.begin() as connection:
            assert await delete_decisions(connection, FAR_MS) == 1
        assert await records.delete_deliveries(10, 100) == 1
    assert await database.rows("SELECT call_id FROM decisions") == [(call_id(1),)]
    assert await database.rows("SELECT call_id FROM outbox WHERE id < 9") == [(call_id(1),)]


def _bytes(database: Database) -> str:
    return "x'00'" if database.cluster is None else "'\\x00'::bytea"


# -- beside the writer -------------------------------------------------------------------------------------------------


async def test_records_are_written_between_any_two_batches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer gets its turn after each batch: by then it has written what happened meanwhile."""
    monkeypatch.setattr(work, "AT_ONCE", 5)
    written = 0
    async with opened(database) as records:
        await filled(records)

        async def meanwhile() -> None:
            nonlocal written
            written += 1
            records.write(*answered_call(60 * DAY_MS + written))
            assert await records.flush(20)

        before = records.stats.failures  # the writer may have met a lock before, on a slow disk
        await worker(records, meanwhile).run(ALL)
        assert written > 10
        assert records.stats.failures == before, "nothing was locked for longer than a batch"
    assert await database.rows("SELECT count(*) FROM calls") == [(written,)]


async def test_a_late_step_of_a_forgotten_caller_does_not_bring_him_back(database: Database) -> None:
    async with opened(database) as records:
        story = answered_call(1)
        records.write(*story)
        assert await records.flush(20)
        await worker(records).run({Kind.NUMBERS: SPAN.until_ms})
        records.write(*story, recorded(story))  # also told once more, as after a death
        assert await records.flush(20)
    (row,) = await database.rows("SELECT caller_sealed, recording, forgotten_ms IS NULL FROM calls")
    assert (row[0], row[1], bool(row[2])) == (None, "kept", False)
    data = await database.rows("SELECT count(*) FROM call_steps WHERE CAST(data AS TEXT) LIKE '%caller_ref%'")
    assert data == [(0,)]


async def test_a_late_step_of_a_deleted_call_makes_no_call(database: Database) -> None:
    async with opened(database) as records:
        story = answered_call(1)
        records.write(*story)
        assert await records.flush(20)
        await worker(records).run({Kind.CALLS: SPAN.until_ms})
        records.write(recorded(story), *answered_call(60 * DAY_MS))
        assert await records.flush(20)
    assert await database.rows("SELECT call_id FROM calls") == [(call_id(60 * DAY_MS),)]
    assert await database.rows(f"SELECT count(*) FROM recordings WHERE call_id = '{story[0].call_id}'") == [(0,)]


async def test_a_call_that_lasts_keeps_its_caller(database: Database) -> None:
    async with opened(database) as records:
        records.write(offered(1))
        assert await records.flush(20)
        await worker(records).run({Kind.NUMBERS: SPAN.until_ms})
    assert await database.rows("SELECT caller_sealed FROM calls") == [("v1:sealed1",)]


# -- a caller, a call, agents ------------------------------------------------------------------------------------------


async def test_callers_of_a_day_are_told_apart_afterwards_too_and_across_days_no_more(database: Database) -> None:
    async with opened(database) as records:
        for number, ref in ((1, "a"), (2, "a"), (3, "b"), (DAY_MS, "a")):
            records.write(*by_caller(answered_call(number), ref))
        assert await records.flush(20)
        engine, today = records.engine, day_of(1)
        window = Window(today.since_ms, today.until_ms)
        assert len(await forgetting.forget_callers(engine, window, 1, FAR_MS)) == 2, "all of him on that day, at once"
        await worker(records).run({Kind.NUMBERS: SPAN.until_ms})
    refs = [row[0] for row in await database.rows("SELECT caller_ref FROM calls ORDER BY arrived_ms")]
    assert refs[0] == refs[1]
    assert len({*refs, "a", "b"}) == 5


async def test_a_citizen_is_forgotten_and_others_are_not(database: Database) -> None:
    async with opened(database, hand_over=True) as records:
        for number, ref in ((1, "a"), (2, "b"), (DAY_MS, "a")):
            records.write(*by_caller(answered_call(number), ref))
        assert await records.flush(20)
        for ref, state in (("a", "open"), ("a", "placed"), ("b", "open")):
            await records.add_callback(CallbackRow(ref, "v1:x", "12345", 1, "s1", 1, note="n", state=state))
        engine = records.engine
        assert await forgetting.count_of(engine, "a") == {"calls": 2, "held": 0, "open": 0, "callbacks": 2}
        while (oldest := await forgetting.oldest_named_ms(engine, FAR_MS, "a")) is not None:
            day = day_of(oldest - FIRST_MS)
            window = Window(day.since_ms, day.until_ms)
            assert await forgetting.named_calls(engine, window, "a")
            assert await forgetting.forget_callers(engine, window, 100, FAR_MS, ref="a")
        assert await forgetting.forget_callbacks_of(engine, "a", "s1", 9) == 1
    named = await database.rows("SELECT call_id FROM calls WHERE caller_sealed IS NOT NULL")
    assert named == [(call_id(2),)]
    entries = await database.rows("SELECT ref, state, note FROM callbacks ORDER BY id")
    assert entries == [("", "given_up", ""), ("a", "placed", "n"), ("b", "open", "n")]
    bodies = await database.rows("SELECT CAST(body AS TEXT) FROM outbox ORDER BY id")
    assert [('"caller_ref": null' in body[0]) for body in bodies].count(True) == 2


async def test_who_worked_when_is_forgotten_but_for_what_lasts_and_what_is_held(database: Database) -> None:
    async with opened(database) as records:
        for at_s in (0, 3600, 7200, 200_000):
            records.write(WriteSignIn("a1", "1001", "ready", "", FIRST_MS / 1000 + at_s))
        assert await records.flush(20)
        since = FIRST_MS + 3600 * 1000 + 1
        days = hold(HoldKind.DAYS, since_ms=since, until_ms=since + 1)
        await holds.add_hold(records.engine, days, told(Act.HOLD))
        await worker(records).run({Kind.AGENTS: FAR_MS})
        assert await records.periods_since_ms() == FAR_MS
    left = await database.rows("SELECT since_ms FROM agent_periods ORDER BY since_ms")
    assert left == [(FIRST_MS + 3_600_000,), (FIRST_MS + 200_000_000,)]


# -- pure parts --------------------------------------------------------------------------------------------------------


def test_steps_lose_the_caller_and_a_number_dialled_by_hand_and_fold_to_the_same_figures() -> None:
    by_hand = {"target_kind": "number", "target": "13800000000", "name": "13800000000", "verb": "consult"}
    assert without_people(by_hand) == {"target_kind": "number", "target": "", "name": "", "verb": "consult"}
    department = {"target_kind": "department", "target": "zjj", "name": "市住建局"}
    assert without_people(department) == department
    story = consulted_call(1)
    bare = [replace(step, data=without_people(step.data)) for step in story]
    told_of = {**fold(None, story), "caller_ref": None, "caller_sealed": None}
    assert fold(None, bare) == told_of


def test_what_is_kept_of_a_quarter_is_read_as_it_was() -> None:
    kept = Keeping(FIRST_DAY)
    from tests.unit.service.reports.test_figures import call

    kept.add([call(1), call(2, judged="abandoned", flags="storm,noted", wait_ms=3), call(3, wait_ms=-5, requeued=2)])
    (quarters,) = kept.bodies().values()
    for body in quarters.values():
        assert quarter_of(body).body() == body
    assert sum(quarter_of(body).calls for body in quarters.values()) == 3


def test_refused_lines_go_when_none_of_them_is_young(tmp_path: Any) -> None:
    journal = Journal(tmp_path)
    assert not journal.forget_refused(2**40)
    (tmp_path / "refused.txt").write_text("why\t{}\n")
    assert not journal.forget_refused(1.0)
    assert journal.forget_refused(2**40)
    assert not (tmp_path / "refused.txt").exists()
    journal.close()
