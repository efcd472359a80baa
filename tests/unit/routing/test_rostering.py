"""Rosters at work on simulated time: who rings, what a change of shift does to callers, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from routing import commands as c
from routing import events as e
from routing.agent_state import AgentState
from routing.choice import Reason, eligible
from routing.codes import Code
from routing.engine import Engine
from routing.model import AgentProfile, DutyView, Line, Ring, Rules, SeatProfile, SignIn, Timing
from routing.need import InGroup, Named, Skilled
from routing.restrictions import Kind, Restriction
from routing.roster import Days, Roster, Shift, Span
from routing.steps import StepKind
from routing.workdays import Day, DayKind, Workdays
from tests.unit.routing.floor_plan import FREE, Drive, presented, stood

SHANGHAI = ZoneInfo("Asia/Shanghai")
H = 3600
DAY, NIGHT, REST = InGroup("day"), InGroup("night"), InGroup("rest")
CITY = (
    Shift(frozenset({"12345"}), DAY, frozenset({Days.WORKDAY}), begins_s=8 * H, ends_s=18 * H),
    Shift(frozenset({"12345"}), NIGHT, frozenset({Days.WORKDAY}), begins_s=18 * H, ends_s=8 * H),
    Shift(frozenset({"12345"}), REST, frozenset({Days.REST}), begins_s=8 * H, ends_s=8 * H),
)
AT_MIDNIGHT = (
    Shift(people=DAY, days=frozenset({Days.FRI})),
    Shift(people=NIGHT, days=frozenset(Days) - {Days.DAILY, Days.FRI, Days.WORKDAY}),
)
AUTUMN = Workdays(
    {
        date(2026, 10, 7): Day(date(2026, 10, 7), DayKind.HOLIDAY),
        date(2026, 10, 10): Day(date(2026, 10, 10), DayKind.MOVED),
    }
)
SEATS = {"1001": "day", "1002": "night", "1003": "rest", "1004": "duty", "9001": "leaders"}


def city(*shifts: Shift, rings: tuple[Ring, ...] = (Ring(0, Skilled("general")),)) -> Rules:
    lines = [Line("12345", "城市热线", rings=rings), Line("12333", "人社", rings=rings)]
    agents = {id_: AgentProfile(id_, id_, {} if id_ == "9001" else {"general": 5}) for id_ in SEATS}
    seats = {id_: SeatProfile(id_, f"PJSIP/{id_}", frozenset({group})) for id_, group in SEATS.items()}
    return Rules(
        Timing(wrap_up_s=0, answer_notice_after_s=0, ring_several_after_s=0),
        {line.number: line for line in lines},
        agents,
        seats,
        roster=Roster(shifts, SHANGHAI),
    )


def moment_of(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()


class Clock(Drive):
    """A hotline whose clock on the wall shows what the test says."""

    def __init__(self, rules: Rules, moment: str, workdays: Workdays = AUTUMN) -> None:
        self.now, self.steps, self.session = 1000.0, [], 0
        self.offset = moment_of(moment) - self.now
        self.engine = Engine(rules)
        self.send(e.WorkdaysChanged(workdays))
        self.send(e.Picture((), dict.fromkeys(SEATS, FREE), self.wall))
        self.send(e.DecisionsAllowed())

    @property
    def wall(self) -> float:
        return self.now + self.offset

    def to(self, moment: str) -> list[c.Command]:
        return self.after(moment_of(moment) - self.wall)

    def rung(self, call_id: str, number: str = "12345") -> str:
        """Who rings for a call that comes now and ends at once."""
        (seat,) = presented(self.call(call_id, number)).seat_ids
        self.send(e.CallEnded(call_id, self.wall, 16, "caller"))
        return seat

    def talk(self, call_id: str, number: str = "12345") -> str:
        (seat,) = presented(self.call(call_id, number)).seat_ids
        self.ring(call_id, seat)
        self.answer(call_id, seat)
        return seat


def test_who_rings_is_who_is_on_duty_and_a_line_without_a_roster_rings_everybody() -> None:
    drive = Clock(city(*CITY), "2026-09-18 09:00")
    assert drive.rung("a") == "1001"
    drive.to("2026-09-18 18:00")
    assert drive.rung("b") == "1002"
    drive.to("2026-09-19 07:59:59")
    assert drive.rung("c") == "1002"
    drive.to("2026-09-19 08:00")
    assert drive.rung("d") == "1003"
    seats = {seat.seat.id: eligible(drive.engine.waiting(call), seat) for seat, call in _held(drive, "e", "12333")}
    assert {id_ for id_, reason in seats.items() if reason in (None, Reason.RINGING)} == SEATS.keys() - {"9001"}


def _held(drive: Clock, call_id: str, number: str):  # type: ignore[no-untyped-def]
    drive.call(call_id, number)
    return [(seat, drive.engine.calls[call_id]) for seat in drive.engine.floor.all_seats()]


def test_a_seat_that_is_not_on_duty_is_told_so_and_one_without_the_skill_is_not() -> None:
    drive = Clock(city(*CITY), "2026-09-18 09:00")
    reasons = {seat.seat.id: eligible(drive.engine.waiting(call), seat) for seat, call in _held(drive, "a", "12345")}
    assert reasons == {
        "1001": Reason.RINGING, "1002": Reason.OFF_DUTY, "1003": Reason.OFF_DUTY, "1004": Reason.OFF_DUTY,
        "9001": Reason.OFF_DUTY,
    }  # fmt: skip
    codes = stood(drive.last("a", StepKind.PRESENTED))
    assert codes == {"1001": Code.CHOSEN} | dict.fromkeys(("1002", "1003", "1004", "9001"), Code.OFF_DUTY)
    leaders = Shift(people=InGroup("leaders"))
    drive = Clock(city(replace(leaders, lines=frozenset({"12345"}))), "2026-09-18 09:00")
    reasons = {seat.seat.id: eligible(drive.engine.waiting(call), seat) for seat, call in _held(drive, "b", "12345")}
    assert (reasons["9001"], reasons["1001"]) == (Reason.SKILL, Reason.OFF_DUTY)


def test_the_caller_who_waits_at_midnight_is_taken_by_the_next_shift_in_that_second() -> None:
    drive = Clock(city(*AT_MIDNIGHT), "2026-09-18 23:59:30")
    assert drive.talk("a") == "1001"
    drive.call("b")
    assert drive.after(29.9) == []
    out = drive.to("2026-09-19 00:00")
    assert presented(out).seat_ids == ("1002",)
    assert drive.engine.floor.agents["1001"].state is AgentState.TALKING  # who talks at the change finishes
    drive.send(e.AgentLegEnded("a", "1001", False, drive.wall))
    drive.send(e.CallEnded("a", drive.wall, 16, "agent"))
    drive.free("1001")
    assert drive.engine.floor.agents["1001"].state is AgentState.READY
    drive.send(e.SeatDialing("b", "1002", drive.wall))
    drive.send(e.SeatDialEnded("b", "1002", "BUSY", drive.wall))
    drive.call("b", last_presentation="x", last_status="BUSY")
    assert drive.engine.calls["b"].presentation is None  # 1001 is free, and not on duty


def test_across_a_holiday_and_a_moved_workday() -> None:
    drive = Clock(city(*CITY), "2026-10-07 12:00")  # a Wednesday off
    found = [drive.rung("a")]
    for call_id, moment in (("b", "2026-10-08 12:00"), ("c", "2026-10-09 23:00"), ("d", "2026-10-10 12:00")):
        drive.to(moment)
        found.append(drive.rung(call_id))
    drive.to("2026-10-11 12:00")
    assert [*found, drive.rung("e")] == ["1003", "1001", "1002", "1001", "1003"]


def test_an_edit_of_the_calendar_takes_effect_at_once() -> None:
    drive = Clock(city(*CITY), "2026-09-18 09:00")
    assert drive.talk("a") == "1001"
    drive.call("b")
    assert drive.engine.calls["b"].presentation is None
    today = date(2026, 9, 18)
    out = drive.send(e.WorkdaysChanged(Workdays({today: Day(today, DayKind.HOLIDAY)})))
    assert presented(out).seat_ids == ("1003",)


def test_in_a_gap_the_duty_seats_ring_and_then_the_shift_with_its_rings() -> None:
    rings = (Ring(0, Named("1004")), Ring(6, Skilled("general")))
    day = Shift(frozenset({"12345"}), begins_s=8 * H, ends_s=18 * H)
    drive = Clock(city(day, rings=rings), "2026-09-18 07:59:58")
    assert drive.engine.duty.duties["12345"].gap
    assert drive.talk("a") == "1004"
    drive.call("b")
    assert drive.after(2.0) == []
    assert not drive.engine.duty.duties["12345"].gap
    assert drive.after(3.9) == []
    assert presented(drive.after(0.1)).seat_ids == ("1001",)


def test_who_is_on_duty_is_shown_with_its_end_and_a_line_without_a_roster_shows_nobody() -> None:
    leader = Shift(
        frozenset({"12345"}), Named("9001"), frozenset({Days.WORKDAY}), begins_s=9 * H, ends_s=10 * H, first=True
    )
    day = Shift(frozenset({"12345"}), DAY, frozenset({Days.WORKDAY}), begins_s=8 * H, ends_s=18 * H)
    clock = Clock(city(day, leader), "2026-10-09 09:30")

    def duty() -> dict[str, DutyView | None]:
        return {line.number: line.duty for line in clock.engine.view(clock.now).lines}

    ten, six, eight = (moment_of(f"2026-10-{moment}") for moment in ("09 10:00", "09 18:00", "10 08:00"))
    assert duty() == {"12345": DutyView("group:day", ("agent:9001",), gap=False, until=ten), "12333": None}
    clock.after(H)
    assert duty()["12345"] == DutyView("group:day", (), gap=False, until=six)
    clock.after(9 * H)
    assert duty()["12345"] == DutyView("group:duty", (), gap=True, until=eight)


class Spoilt(Workdays):
    """A calendar with a bug in it."""

    def kind(self, day: date) -> DayKind:
        raise ZeroDivisionError


def test_bug_in_the_look_at_the_roster_is_loud_and_callers_are_served_by_what_was_in_force() -> None:
    clock = Clock(city(*CITY), "2026-10-09 17:59")
    clock.free("1001")
    clock.engine.workdays = Spoilt()
    clock.now += 120  # the shift is over, and who is next cannot be worked out
    with pytest.raises(ZeroDivisionError):
        clock.call("a")
    assert presented(clock.engine.out).seat_ids == ("1001",)
    assert clock.engine.suspect is None  # nobody is let go for it


def test_bug_in_the_look_at_the_roster_keeps_no_restriction_in_force_for_longer() -> None:
    clock = Clock(city(*CITY), "2026-10-09 17:59")
    entry = Restriction(1, "ref", Kind.LOW_PRIORITY, clock.wall + 60)
    clock.send(e.RestrictionsChanged((entry,)))
    clock.send(e.AgentPaused("1001"))
    clock.call("a", caller_ref="ref")
    assert clock.engine.calls["a"].restriction == entry
    clock.engine.workdays = Spoilt()
    clock.now += 120
    with pytest.raises(ZeroDivisionError):
        clock.send(e.Tick())
    assert clock.engine.calls["a"].restriction is None


def test_in_a_gap_without_duty_seats_the_dialplan_finds_somebody() -> None:
    drive = Clock(city(CITY[0]), "2026-09-18 20:00")
    drive.send(e.AgentSignedOut("1004"))
    assert [type(command) for command in drive.call("a")] == [c.SendToFallback]


def test_leaders_take_the_line_first_for_their_hour_whatever_they_are_skilled_in() -> None:
    hour = Shift(frozenset({"12345"}), Named("9001"), spans=(Span(date(2026, 9, 18), date(2026, 9, 18)),),
                 begins_s=9 * H, ends_s=10 * H, first=True)  # fmt: skip
    drive = Clock(city(*CITY, hour), "2026-09-18 08:59")
    assert drive.rung("a") == "1001"
    drive.to("2026-09-18 09:00")
    assert drive.talk("b") == "9001"
    assert drive.rung("c") == "1001"  # while the leader talks others serve
    drive.to("2026-09-18 10:00")
    drive.send(e.CallEnded("b", drive.wall, 16, "caller"))
    drive.free("9001")
    assert drive.rung("d") == "1001"


def test_a_reload_takes_a_new_roster_and_loses_no_place_of_200_callers() -> None:
    drive = Clock(city(*CITY), "2026-09-18 09:00")
    assert drive.talk("a") == "1001"
    order = [f"c{number:03}" for number in range(200)]
    for call_id in order:
        drive.now += 0.01
        drive.call(call_id)
    assert list(drive.engine.queue) == order
    out = drive.send(e.RulesChanged(city(Shift(frozenset({"12345"}), NIGHT))))
    assert (presented(out).call_id, presented(out).seat_ids) == (order[0], ("1002",))
    assert list(drive.engine.queue) == order[1:]
    drive.send(e.CallEnded("a", drive.wall, 16, "caller"))
    assert drive.free("1001") == []
    assert list(drive.engine.queue) == order[1:]


def test_a_clock_that_steps_over_the_change_is_noticed_with_the_next_event() -> None:
    drive = Clock(city(*CITY), "2026-09-18 17:00")
    drive.offset += 2 * H
    assert drive.rung("a") == "1002"
    drive.offset -= 2 * H
    assert drive.rung("b") == "1001"


def test_an_agent_who_signed_out_is_not_signed_in_by_a_change_of_shift() -> None:
    drive = Clock(city(*CITY), "2026-09-18 17:59")
    drive.send(e.AgentSignedOut("1002"))
    drive.to("2026-09-18 18:00")
    assert drive.engine.floor.agents["1002"].state is AgentState.SIGNED_OUT


def test_the_engine_wants_to_be_woken_at_the_change_and_never_without_a_roster() -> None:
    drive = Clock(city(*CITY), "2026-09-18 17:00")
    assert drive.engine.next_wake() == drive.now + H
    drive.to("2026-09-18 18:00")
    assert drive.engine.next_wake() == drive.now + 14 * H
    assert Clock(city(), "2026-09-18 17:00").engine.next_wake() is None


def test_people_who_sign_in_by_an_act_serve_only_while_on_duty() -> None:
    rules = city(*CITY)
    rules = replace(rules, agents={k: replace(v, sign_in=SignIn.AGENT) for k, v in rules.agents.items()})
    drive = Clock(rules, "2026-09-18 17:59")
    for seat in ("1001", "1002"):
        drive.send(e.AgentSignedIn(seat, seat))
        drive.send(e.AgentReady(seat))
    assert drive.rung("a") == "1001"
    drive.to("2026-09-18 18:00")
    assert drive.rung("b") == "1002"
