"""Every seat that did not take a call has its one reason, at decisions and while nobody can take it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing import events as e
from routing.candidates import Edition, Standings, pack, unpack
from routing.choice import RANKED_BY, SeatNow, Waiting, rank
from routing.codes import RINGS_AT_MOST, Code, ring_code
from routing.engine import Engine
from routing.floor import BUSY, NO_ANSWER, NO_RINGING, SET_ASIDE
from routing.model import AgentProfile, DeviceState, Line, Ring, Rules, SeatProfile, Timing
from routing.need import Anybody, InGroup, Skilled
from routing.steps import Step, StepKind
from tests.unit.routing.floor_plan import EPOCH, FREE, Drive, presented, rules, stood

CHOSEN_1, CHOSEN_2 = Code.CHOSEN, Code.CHOSEN + 1
NOT_OPEN_2 = Code.NOT_OPEN + 1


def decided(drive: Drive, call_id: str = "a", number: str = "12345") -> dict[str, int]:
    drive.call(call_id, number)
    return stood(drive.last(call_id, StepKind.PRESENTED))


# -- seats that nobody could have --------------------------------------------------------------------------------------


def test_seats_where_nobody_sits_are_out() -> None:
    assert decided(Drive("1001")) == {"1001": CHOSEN_1, "1002": Code.OUT, "1003": Code.OUT, "1004": Code.OUT}


def test_seat_of_an_agent_who_left_is_out_again() -> None:
    drive = Drive("1001", "1002")
    drive.send(e.SeatStateChanged("1002", DeviceState.UNAVAILABLE, drive.wall))
    assert decided(drive)["1002"] == Code.OUT


def test_ringing_talking_and_wrapping_up_are_told_apart() -> None:
    drive = Drive("1001", "1002", "1003")
    decided(drive, "a")
    drive.ring("a", "1001")
    found = decided(drive, "b")
    assert found == {"1001": Code.RINGING, "1002": CHOSEN_1, "1003": Code.LOWER_LEVEL, "1004": Code.OUT}
    drive.answer("a", "1001")
    assert decided(drive, "c")["1001"] == Code.TALKING
    drive.send(e.CallEnded("a", drive.wall, 16, "caller"))
    drive.free("1001")
    drive.call("d")
    assert stood(drive.last("d", StepKind.NOBODY))["1001"] == Code.WRAP_UP


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("lunch", Code.PAUSED),
        (BUSY, Code.PAUSED_BUSY),
        (NO_ANSWER, Code.PAUSED_NO_ANSWER),
        (NO_RINGING, Code.PAUSED_NO_RINGING),
        (SET_ASIDE, Code.SET_ASIDE),
    ],
)
def test_a_pause_is_told_by_its_cause(reason: str, code: Code) -> None:
    drive = Drive("1001", "1002")
    drive.send(e.AgentPaused("1002", reason))
    assert decided(drive)["1002"] == code


def test_who_has_signed_in_and_is_not_ready_yet_is_told_so() -> None:
    drive = Drive("1001", "1004")
    drive.send(e.AgentSignedIn("1004", "1004"))
    assert decided(drive)["1004"] == Code.NOT_READY_YET


def test_a_seat_that_was_busy_is_paused_for_it_at_the_next_decision() -> None:
    drive = Drive("1001", "1002")
    drive.call("a")
    drive.send(e.SeatDialing("a", "1001", drive.wall))
    drive.send(e.SeatDialEnded("a", "1001", "BUSY", drive.wall))
    drive.call("a", last_presentation="x", last_status="BUSY")
    assert stood(drive.last("a", StepKind.PRESENTED)) == {
        "1001": Code.PAUSED_BUSY,
        "1002": CHOSEN_1,
        "1003": Code.OUT,
        "1004": Code.OUT,
    }


@pytest.mark.parametrize(
    ("device", "code"),
    [
        (DeviceState.INUSE, Code.IN_USE),
        (DeviceState.ONHOLD, Code.IN_USE),
        (DeviceState.UNAVAILABLE, Code.AWAY),
        (DeviceState.UNKNOWN, Code.AWAY),
    ],
)
def test_a_ready_agent_whose_phone_is_in_use_or_away_is_told_so(device: DeviceState, code: Code) -> None:
    drive = Drive("1001", "1004")
    drive.send(e.AgentSignedIn("1004", "1004"))
    drive.send(e.AgentReady("1004"))
    drive.send(e.SeatStateChanged("1004", device, drive.wall))
    assert decided(drive)["1004"] == code


# -- free seats --------------------------------------------------------------------------------------------------------


def test_free_seats_of_a_ring_that_is_not_open_and_of_no_ring_are_told_apart() -> None:
    drive = Drive("1001", "1003", "1004")
    drive.send(e.AgentSignedIn("1004", "1004"))
    drive.send(e.AgentReady("1004"))
    assert decided(drive, "a", "12333") == {
        "1001": Code.NOT_OPEN + 2,
        "1002": Code.OUT,
        "1003": CHOSEN_1,
        "1004": Code.NO_RING,
    }


def test_the_ring_of_the_chosen_seat_is_kept_with_it() -> None:
    drive = Drive("1004")
    drive.send(e.AgentSignedIn("1004", "1004"))
    drive.send(e.AgentReady("1004"))
    assert decided(drive)["1004"] == CHOSEN_2  # anybody: nobody of the first ring is there


def test_more_rings_than_codes_are_the_last_code() -> None:
    assert ring_code(Code.NOT_OPEN, 5) == Code.NOT_OPEN + 5
    assert ring_code(Code.NOT_OPEN, 500) == Code.NOT_OPEN + RINGS_AT_MOST - 1 < Code.CHOSEN
    assert ring_code(Code.CHOSEN, 500) < 256


WORSE = {
    "other zone": (AgentProfile("x", "x", {"a": 5}, "west"), Code.OTHER_ZONE),
    "scarce": (AgentProfile("x", "x", {"a": 5, "b": 1}, "east"), Code.SCARCE),
    "lower level": (AgentProfile("x", "x", {"a": 4}, "east"), Code.LOWER_LEVEL),
    "more skills": (AgentProfile("x", "x", {"a": 5, "c": 1}, "east"), Code.MORE_SKILLS),
    "less idle": (AgentProfile("x", "x", {"a": 5}, "east"), Code.LESS_IDLE),
    "later ring": (AgentProfile("x", "x", {"late": 5}, "east"), Code.LATER_RING),
}


def choosing(worse: AgentProfile, *, several_after_s: float = 0.0, more: int = 0) -> tuple[Engine, float]:
    """Agent `best`, then `worse` and as many of his kind, all free; a caller of another line waits for skill b."""
    agents = [AgentProfile("best", "best", {"a": 5}, "east"), worse]
    agents += [replace(worse, id=f"more{n}") for n in range(more)]
    lines = [
        Line("20001", "one", zone="east", rings=(Ring(0, Skilled("a")), Ring(0, Skilled("late")))),
        Line("20002", "two", rings=(Ring(0, Skilled("b", 9)), Ring(99, Anybody()))),
    ]
    seats = {agent.id: SeatProfile(agent.id, f"PJSIP/{agent.id}") for agent in agents}
    timing = Timing(ring_several_after_s=several_after_s)
    engine = Engine(Rules(timing, {line.number: line for line in lines}, {a.id: a for a in agents}, seats))
    now = 1000.0
    engine.handle(e.Picture((), {}, EPOCH + now), now, EPOCH + now)
    for agent in agents:
        now += 1
        engine.handle(e.SeatStateChanged(agent.id, FREE, EPOCH + now), now, EPOCH + now)
    engine.handle(e.CallHeld("b", 1, "20002", EPOCH + now), now, EPOCH + now)
    return engine, now


def told(engine: Engine, now: float, call_id: str = "a") -> dict[str, int]:
    commands = engine.handle(e.DecisionsAllowed(), now, EPOCH + now)
    steps = [command.step for command in commands if hasattr(command, "step")]
    (step,) = [step for step in steps if step.call_id == call_id and step.kind is StepKind.PRESENTED]
    return stood(step)


@pytest.mark.parametrize("case", list(WORSE))
def test_a_free_seat_that_was_not_the_best_has_the_first_difference_as_its_reason(case: str) -> None:
    worse, code = WORSE[case]
    engine, now = choosing(worse)
    engine.handle(e.CallHeld("a", 2, "20001", EPOCH + now), now, EPOCH + now)
    assert told(engine, now) == {"best": CHOSEN_1, "x": code}


def test_all_free_seats_of_a_kind_have_the_reason_of_their_kind() -> None:
    engine, now = choosing(WORSE["lower level"][0], more=30)
    engine.handle(e.CallHeld("a", 2, "20001", EPOCH + now), now, EPOCH + now)
    found = told(engine, now)
    assert {code for seat, code in found.items() if seat != "best"} == {Code.LOWER_LEVEL}


def test_of_several_chosen_each_is_chosen_and_the_next_is_worse_than_the_last_of_them() -> None:
    engine, now = choosing(WORSE["lower level"][0], several_after_s=5, more=2)
    engine.handle(e.CallHeld("a", 2, "20001", EPOCH + now - 6), now, EPOCH + now)
    assert told(engine, now) == {"best": CHOSEN_1, "x": CHOSEN_1, "more0": CHOSEN_1, "more1": Code.LESS_IDLE}


def test_a_seat_that_let_this_caller_ring_out_is_told_so() -> None:
    engine, now = choosing(WORSE["less idle"][0])
    engine.handle(e.CallHeld("a", 2, "20001", EPOCH + now), now, EPOCH + now)
    engine.calls["a"] = engine.calls["a"]._replace(missed=frozenset({"best"}))
    assert told(engine, now) == {"best": Code.MISSED, "x": CHOSEN_1}


def test_without_ami_a_seat_whose_talk_has_no_known_end_comes_last_and_is_told_so() -> None:
    drive = Drive("1001", "1002")
    drive.call("a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.send(e.AmiLost())
    assert decided(drive, "b")["1001"] == Code.MAY_TALK


def test_each_place_of_the_rank_has_its_words() -> None:
    drive = Drive("1001")
    (now_at,) = drive.engine.floor.all_seats()
    assert isinstance(now_at, SeatNow)
    line = rules().lines["12345"]
    places = rank(Waiting("a", line, 0.0, 1), now_at, {})
    assert sum(len(place) if isinstance(place, tuple) else 1 for place in places) == len(RANKED_BY)


# -- while nobody can take the call ------------------------------------------------------------------------------------


def test_who_waits_is_told_of_once_for_every_ring_that_opens() -> None:
    drive = Drive("1001", "1003")
    decided(drive, "y", "12333")
    drive.answer("y", "1003")
    drive.send(e.AgentPaused("1001", "lunch"))
    drive.call("a", "12333")
    for _ in range(40):
        drive.after(0.5)
    notes = [step for step in drive.steps if step.call_id == "a" and step.kind is StepKind.NOBODY]
    assert [(step.data["open_rings"], step.data["wait_s"]) for step in notes] == [
        (1, 0.0),
        (2, 3.0),
        (3, 6.0),
        (4, 10.0),
    ]
    assert [stood(step)["1003"] for step in notes] == [Code.TALKING] * 4
    assert stood(notes[0])["1001"] == Code.PAUSED


def test_a_note_tells_free_seats_of_rings_to_come_and_the_place_in_the_queue() -> None:
    drive = Drive("1001", "1003")
    decided(drive, "y", "12333")
    drive.answer("y", "1003")
    drive.call("a", "12333")
    drive.call("b", "12333")
    note = drive.last("b", StepKind.NOBODY)
    assert (note.data["place"], stood(note)["1001"]) == (2, Code.NOT_OPEN + 2)


def test_who_waits_is_not_told_of_again_when_everything_is_looked_at_anew() -> None:
    drive = Drive("1001", "1003")
    decided(drive, "y", "12333")
    drive.answer("y", "1003")
    drive.call("a", "12333")
    for _ in range(3):
        drive.send(e.DecisionsAllowed())
        drive.after(0.1)
    assert drive.kinds("a").count(StepKind.NOBODY) == 1


def test_who_is_served_at_once_needs_no_note() -> None:
    drive = Drive("1001")
    drive.call("a")
    assert StepKind.NOBODY not in drive.kinds("a")


# -- what was sent and came back ---------------------------------------------------------------------------------------


def of(drive: Drive, kind: StepKind) -> Step:
    return drive.last("a", kind)


def test_sessions_statuses_and_verbs_are_kept() -> None:
    drive = Drive("1001")
    id_ = presented(drive.call("a")).presentation
    assert (of(drive, StepKind.HELD).data, of(drive, StepKind.PRESENTED).data["session"]) == ({"session": 1}, 1)
    drive.send(e.SeatDialing("a", "1001", drive.wall))
    drive.send(e.SeatDialEnded("a", "1001", "CHANUNAVAIL", drive.wall))
    assert of(drive, StepKind.PRESENTATION_ENDED).data["status"] == "CHANUNAVAIL"
    drive.call("a", last_presentation=id_, last_status="CHANUNAVAIL")
    assert of(drive, StepKind.HELD).data == {"session": 2, "back_from": "CHANUNAVAIL", "presentation": id_}
    drive.send(e.SessionClosed("a", 2, "hangup"))
    assert of(drive, StepKind.LET_GO).data == {"session": 2, "reason": "hangup"}


def test_a_refused_decision_is_kept() -> None:
    drive = Drive("1001")
    id_ = presented(drive.call("a")).presentation
    drive.send(e.DecisionRefused("a", 1))
    assert of(drive, StepKind.REFUSED).data == {"session": 1, "presentation": id_}


def test_a_goodbye_and_a_lost_leg_are_answered_and_kept() -> None:
    for lost, verb in ((False, "goodbye"), (True, "back")):
        drive = Drive("1001")
        drive.call("a")
        drive.ring("a", "1001")
        drive.answer("a", "1001")
        drive.send(e.AgentLegEnded("a", "1001", lost, drive.wall))
        drive.send(e.GoodbyeAsked("a", 9, "1001"))
        assert of(drive, StepKind.SENT).data == {"verb": verb, "session": 9}


def test_who_is_sent_to_the_fallback_is_told_so() -> None:
    drive = Drive()
    drive.call("a")
    drive.after(10.0)
    assert of(drive, StepKind.SENT).data == {"verb": "fallback", "session": 1}


# -- editions ----------------------------------------------------------------------------------------------------------


def test_an_edition_is_known_by_its_content() -> None:
    assert Edition(rules()).id == Edition(rules()).id
    fewer = replace(rules(), seats={"1001": rules().seats["1001"]})
    other = Line("12345", "城市热线", rings=(Ring(0, InGroup("x")),))
    assert len({Edition(rules()).id, Edition(fewer).id, Edition(replace(rules(), lines={"12345": other})).id}) == 3


def test_new_rules_are_a_new_edition_and_seats_stand_in_its_order() -> None:
    drive = Drive("1001", "1002")
    old = drive.engine.floor.standings.edition
    seats = {id_: rules().seats[id_] for id_ in ("1002", "1001")}
    drive.send(e.RulesChanged(replace(rules(), seats=seats)))
    assert drive.engine.floor.standings.edition is not old
    assert list(decided(drive).items()) == [("1002", Code.LOWER_LEVEL), ("1001", CHOSEN_1)]


def test_a_seat_that_is_not_in_the_rules_stands_nowhere() -> None:
    standings = Standings(rules())
    standings.put("9999", Code.TALKING)
    assert standings.copy() == Standings(rules()).copy()


@pytest.mark.parametrize("text", ["", "!", "eJw=", "AAAA", "é"])
def test_text_that_is_no_codes_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        unpack(text)


def test_a_thousand_seats_are_some_hundred_characters() -> None:
    codes = bytes([Code.TALKING] * 700 + [Code.PAUSED, Code.WRAP_UP, Code.NO_RING] * 100)
    assert len(pack(codes)) < 100
