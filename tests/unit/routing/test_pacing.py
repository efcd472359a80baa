"""When the service offers a call-back, to whom, and when one gives way: callers always go first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from routing import calling_out, pacing
from routing import commands as c
from routing import events as e
from routing.agent_state import AgentState
from routing.hours import parse
from routing.lending import ENOUGH
from routing.model import DeviceState, PacingRules, Zone
from routing.need import Named
from routing.outbound import Outbound, OutEvent, OutKind, OutOutcome
from routing.pacing import Group, chosen, kept_free, may_call, next_try_at
from routing.roster import Roster, Shift
from routing.workdays import Workdays
from tests.unit.routing.floor_plan import EPOCH, FREE, Drive, presented

ID = "out-1-a"
CITIZEN = "r-lost"
NOBODY: frozenset[str] = frozenset()
ALL_FREE = PacingRules(keep_free=0, keep_free_ratio=0.0)
ONE_KEPT = PacingRules(keep_free=1, keep_free_ratio=0.0)


def group(*lines: str, ring: int = 0, there: int = 2, free: int = 2, first: Any = (1.0, "a"), **more: Any) -> Group:
    return Group(frozenset(lines), ring, there, free, first, **more)


@pytest.mark.parametrize(
    ("groups", "waiting", "rules", "expected"),
    [
        ([group("12345")], NOBODY, ONE_KEPT, "a"),
        ([group("12345", free=1)], NOBODY, ONE_KEPT, None),  # the last free seat is the callers'
        ([group("12345", free=1)], NOBODY, ALL_FREE, "a"),
        ([group("12345")], frozenset({"12345"}), ONE_KEPT, None),  # somebody waits whom he could take
        ([group("12345")], frozenset({"12333"}), ONE_KEPT, "a"),  # whom he could not
        ([group("12345", "12333")], frozenset({"12333"}), ONE_KEPT, None),
        ([group("12333")], NOBODY, ONE_KEPT, None),  # not of the entry's line
        ([group("12345", lent=False)], NOBODY, ONE_KEPT, None),
        ([group("12345", first=None)], NOBODY, ONE_KEPT, None),  # nobody is willing
        ([group("12345", free=5), group("12345", "12333", free=1, first=(0.0, "b"))], NOBODY, ONE_KEPT, "a"),
        ([group("12345", ring=1), group("12345", first=(9.0, "b"))], NOBODY, ONE_KEPT, "b"),  # the earlier ring
        ([group("12345", first=(9.0, "a")), group("12345", first=(2.0, "b"))], NOBODY, ONE_KEPT, "b"),  # longer idle
        ([group("12345", there=20, free=2)], NOBODY, PacingRules(keep_free=1, keep_free_ratio=0.1), None),
        ([group("12345", there=20, free=3)], NOBODY, PacingRules(keep_free=1, keep_free_ratio=0.1), "a"),
    ],
)
def test_agent_is_chosen_only_while_callers_keep_their_seats(
    groups: list[Group], waiting: frozenset[str], rules: PacingRules, expected: str | None
) -> None:
    assert chosen(groups, waiting, "12345", rules) == expected


@pytest.mark.parametrize(("there", "kept"), [(0, 1), (10, 1), (11, 2), (30, 3), (31, 4)])
def test_so_many_seats_stay_free(there: int, kept: int) -> None:
    assert kept_free(there, PacingRules(keep_free=1, keep_free_ratio=0.1)) == kept


@pytest.mark.parametrize(("attempts", "pause_s"), [(1, 1800.0), (2, 3600.0), (3, None)])
def test_pause_grows_from_try_to_try_and_after_the_last_there_is_none(attempts: int, pause_s: float | None) -> None:
    expected = None if pause_s is None else EPOCH + pause_s
    assert next_try_at(attempts, EPOCH, PacingRules()) == expected


def test_who_was_never_dialled_may_be_called_at_once() -> None:
    assert next_try_at(0, None, PacingRules()) == float("-inf")


@pytest.mark.parametrize(("hours", "may"), [("", True), ("daily 00:00-24:00", True), ("daily 01:00-02:00", False)])
def test_citizens_are_called_in_their_hours_only(hours: str, may: bool) -> None:
    at = 1_795_305_600.0  # midnight, UTC
    assert may_call(PacingRules(hours=Roster(parse(hours))), at, Workdays()) is may
    assert may_call(PacingRules(hours=Roster(parse("daily 01:00-02:00"))), at + 5400, Workdays())


# -- at the desk -------------------------------------------------------------------------------------------------------


def drive(*seats: str, pace: PacingRules = ALL_FREE) -> Drive:
    made = Drive(*seats)
    made.send(e.RulesChanged(replace(made.engine.rules, pacing=pace)))
    return made


def offer(made: Drive, line: str = "12345", owed_at: float | None = None, out_id: str = ID) -> list[c.Command]:
    return made.send(e.CallbackOffered(out_id, 7, line, "PJSIP/13800000000@carrier", CITIZEN, owed_at, "A1"))


def rung(out: list[c.Command]) -> list[str]:
    return [command.seat_id for command in out if isinstance(command, c.DialOut)]


def moved(made: Drive, *what: OutEvent, cause: int | None = None) -> list[c.Command]:
    return [command for one in what for command in made.send(e.OutboundMoved(ID, one, made.wall, cause))]


def dropped(out: list[c.Command]) -> list[str]:
    return [command.out_id for command in out if isinstance(command, c.DropOutbound)]


def last(out: list[c.Command]) -> Outbound:
    return [command.outbound for command in out if isinstance(command, c.WriteOutbound)][-1]


def test_agent_sees_that_it_is_a_call_back_and_of_which_entry() -> None:
    made = drive("1001")
    (dial,) = [command for command in offer(made, owed_at=made.wall - 60) if isinstance(command, c.DialOut)]
    assert (dial.seat_id, dial.line, dial.shown) == ("1001", "12345", f"{calling_out.LOST} 7")
    assert "138" not in repr(dial)
    out = made.engine.outbound[ID]
    assert (out.kind, out.paced, out.by, out.callback, out.case) == (OutKind.CALLBACK, True, "service", 7, "A1")


def test_entry_that_was_promised_is_shown_as_such() -> None:
    (dial,) = [command for command in offer(drive("1001")) if isinstance(command, c.DialOut)]
    assert dial.shown == f"{calling_out.PROMISED} 7"


@pytest.mark.parametrize(("test", "given_way"), [("", True), ("test-1", False)])
def test_call_back_gives_way_to_a_caller_and_not_to_a_test_call(test: str, given_way: bool) -> None:
    made = drive("1001")
    assert rung(offer(made)) == ["1001"]
    assert bool(dropped(made.call("t", test=test))) is given_way


@pytest.mark.parametrize(("test", "seats"), [("", []), ("test-1", ["1002"])])
def test_test_call_that_rings_keeps_nobody_from_a_call_back(test: str, seats: list[str]) -> None:
    made = drive("1001", "1002")
    made.call("t", test=test)
    made.ring("t", "1001")
    assert rung(offer(made)) == seats


def test_nobody_is_rung_while_a_caller_waits_whom_he_could_take_later() -> None:
    """1001 has the general skill: a caller of 12333 reaches him after six seconds only."""
    made = drive("1001", "1003")
    made.call("a", "12333")
    made.ring("a", "1003")
    made.answer("a", "1003")
    made.call("b", "12333")
    assert made.engine.calls["b"].open_rings == 1
    assert rung(offer(made)) == []


def test_caller_who_is_being_rung_for_still_waits() -> None:
    made = drive("1001", "1002")
    assert presented(made.call("a")).seat_ids == ("1001",)
    assert rung(offer(made)) == []
    made.answer("a", "1001")
    assert rung(offer(made)) == ["1002"]


def test_seats_of_callers_stay_free() -> None:
    made = drive("1001", "1002", pace=ONE_KEPT)
    assert rung(offer(made)) == ["1001"]
    assert rung(offer(made, out_id="out-2-b")) == []


def test_only_who_is_on_duty_for_the_line_calls_back_for_it() -> None:
    made = drive("1001", "1002")
    roster = Roster((Shift(lines=frozenset({"12345"}), people=Named("1002")),))
    made.send(e.RulesChanged(replace(made.engine.rules, roster=roster)))
    assert rung(offer(made)) == ["1002"]


@pytest.mark.parametrize("in_time", [True, False])
def test_agent_whom_his_zone_keeps_calls_nobody_back_for_another_line(in_time: bool) -> None:
    made = drive("1003")
    made.send(e.RulesChanged(replace(made.engine.rules, zones={"hrss": Zone("hrss", "", lend_ratio=0.9)})))
    for _ in range(ENOUGH):
        made.engine.lending.judged("hrss", in_time, made.now)
    made.send(e.Tick())
    assert rung(offer(made)) == (["1003"] if in_time else [])
    assert rung(offer(made, line="12333", out_id="out-2-b")) == ([] if in_time else ["1003"])


@pytest.mark.parametrize(
    "missing",
    ["offers", "hours", "ami", "deciding", "line", "agent", "device"],
)
def test_nothing_is_offered_when_something_speaks_against_it(missing: str) -> None:
    night = Roster(parse("2020-01-01 08:00-09:00"))
    pace = replace(ALL_FREE, offers=missing != "offers", hours=night if missing == "hours" else Roster())
    made = drive("1001", pace=pace)
    speaks: dict[str, e.Event] = {
        "ami": e.AmiLost(),
        "deciding": e.DecisionsHeld(),
        "agent": e.AgentPaused("1001", "rest"),
        "device": e.SeatStateChanged("1001", DeviceState.INUSE, made.wall),
    }
    if missing in speaks:
        made.send(speaks[missing])
    assert rung(offer(made, line="99999" if missing == "line" else "12345")) == []
    assert rung(offer(drive("1001"))) == ["1001"]


def test_citizen_who_is_with_us_is_not_called() -> None:
    made = drive("1001", "1002")
    made.call("a", caller_ref=CITIZEN)
    made.answer("a", "1001")
    assert rung(offer(made)) == []


def test_citizen_who_spoke_to_a_person_since_is_not_called_though_the_records_do_not_know_it_yet() -> None:
    made = drive("1001", "1002")
    lost_at = made.wall
    made.now += 5
    made.call("a", caller_ref=CITIZEN)
    made.answer("a", "1001")
    made.now += 5
    made.send(e.CallEnded("a", made.wall, 16, "caller"))
    assert rung(offer(made, owed_at=lost_at)) == []
    assert rung(offer(made, owed_at=made.wall)) == ["1002"]  # lost again after that


def test_citizen_is_not_called_twice_at_once() -> None:
    made = drive("1001", "1002")
    offer(made)
    assert rung(offer(made, out_id="out-2-b")) == []


@pytest.mark.parametrize("cause", [17, 19, 20])
def test_agent_who_does_not_take_it_stays_ready_for_callers_and_is_offered_none_for_a_while(cause: int) -> None:
    made = drive("1001")
    offer(made)
    moved(made, OutEvent.AGENT_RINGS, OutEvent.GONE, cause=cause)
    assert made.engine.floor.agents["1001"].state is AgentState.READY
    assert rung(offer(made)) == []
    made.after(299)
    assert rung(offer(made)) == []
    made.after(1)
    assert rung(offer(made)) == ["1001"]


def test_agent_who_has_called_may_be_offered_the_next_one() -> None:
    made = drive("1001")
    offer(made)
    moved(made, OutEvent.AGENT_ANSWERED, OutEvent.DIALLED, OutEvent.NOT_REACHED, OutEvent.GONE, cause=17)
    made.after(10)
    assert rung(offer(made)) == ["1001"]


def test_caller_who_finds_no_other_seat_goes_first() -> None:
    made = drive("1001")
    offer(made)
    moved(made, OutEvent.AGENT_RINGS)
    assert dropped(made.call("a")) == [ID]
    assert made.engine.outbound[ID].outcome is OutOutcome.WITHDRAWN
    assert dropped(made.call("b")) == []  # asked once
    out = moved(made, OutEvent.GONE, cause=16)
    assert last(out).outcome is OutOutcome.WITHDRAWN
    assert presented(out).call_id == "a"
    made.send(e.CallEnded("a", made.wall, 16, "caller"))
    made.send(e.CallEnded("b", made.wall, 16, "caller"))
    assert rung(offer(made)) == ["1001"]  # it was not he who refused


def test_caller_for_whom_a_seat_is_free_disturbs_no_call_back() -> None:
    made = drive("1001", "1002")
    offer(made)
    out = made.call("a")
    assert (presented(out).seat_ids, dropped(out)) == (("1002",), [])


def test_call_back_goes_on_once_the_citizen_is_dialled() -> None:
    made = drive("1001")
    offer(made)
    moved(made, OutEvent.AGENT_ANSWERED, OutEvent.DIALLED)
    assert dropped(made.call("a")) == []


def test_call_that_the_agent_asked_for_himself_is_not_taken_from_him() -> None:
    made = drive("1001")
    made.send(e.OutboundAsked(ID, OutKind.CALLBACK, "1001", "12345", "x", callback=7, caller_ref=CITIZEN))
    assert dropped(made.call("a")) == []


@pytest.mark.parametrize("far", [(), (OutEvent.AGENT_ANSWERED, OutEvent.DIALLED, OutEvent.CITIZEN_RINGS)])
def test_citizen_who_calls_in_while_his_call_back_rings_ends_it(far: tuple[OutEvent, ...]) -> None:
    made = drive("1001", "1002")
    offer(made)
    moved(made, *far)
    assert dropped(made.call("a", caller_ref=CITIZEN)) == [ID]
    ended = last(moved(made, OutEvent.GONE, cause=16))
    assert (ended.outcome, ended.dialled_at is not None) == (OutOutcome.WITHDRAWN, bool(far))


def test_citizen_who_was_reached_in_the_instant_of_the_withdrawal_was_reached() -> None:
    made = drive("1001")
    offer(made)
    made.call("a")
    moved(made, OutEvent.AGENT_ANSWERED, OutEvent.DIALLED, OutEvent.CONNECTED)
    assert last(moved(made, OutEvent.GONE, cause=16)).outcome is OutOutcome.ANSWERED


def test_withdrawal_that_asterisk_does_not_confirm_is_over_after_its_time() -> None:
    made = drive("1001")
    offer(made)
    made.call("a")
    out = made.after(6)
    assert last(out).outcome is OutOutcome.WITHDRAWN
    assert made.engine.outbound == {}


# -- what was not seen -------------------------------------------------------------------------------------------------


def noted(**note: Any) -> Outbound:
    """What becomes of a call that rang the agent when the service died, by the dialplan's note."""
    made = Drive(ami=False)
    old = Outbound(ID, OutKind.CALLBACK, "1001", "1001", "12345", made.wall - 60, callback=7, paced=True)
    made.send(e.Remembered((), {"1001": "1001"}, outbound=(old,)))
    out = [] if not note else made.send(e.OutboundNoted(ID, ended_at=made.wall - 5, **note))
    out += made.send(e.Picture((), {"1001": FREE}, made.wall))
    assert made.engine.outbound == {}
    return last(out)


@pytest.mark.parametrize(
    ("note", "outcome", "dialled"),
    [
        ({"dialled_at": EPOCH + 950, "answered_at": EPOCH + 960}, OutOutcome.ANSWERED, True),
        ({"dialled_at": EPOCH + 950, "answered_at": None, "cause": 17}, OutOutcome.BUSY, True),
        ({"dialled_at": EPOCH + 950, "answered_at": None}, OutOutcome.CANCELLED, True),
        ({}, OutOutcome.UNKNOWN, False),  # the agent has not picked up, or there would be a note
    ],
)
def test_note_tells_whether_the_citizen_was_called_while_the_service_was_away(
    note: dict[str, Any], outcome: OutOutcome, dialled: bool
) -> None:
    found = noted(**note)
    assert (found.outcome, found.dialled_at is not None) == (outcome, dialled)


def test_note_of_a_call_that_is_known_to_be_over_changes_nothing() -> None:
    made = drive("1001")
    assert made.send(e.OutboundNoted(ID, EPOCH, None, EPOCH)) == []
    assert pacing.to_withdraw(made.engine) == []
