"""Any interleaving of events, sensible or not, leaves the engine sane."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from routing import choice
from routing import commands as c
from routing import events as e
from routing.agent_state import IGNORED as AGENT_IGNORED
from routing.agent_state import LATER as AGENT_LATER
from routing.agent_state import TRANSITIONS as AGENT_TRANSITIONS
from routing.agent_state import AgentState
from routing.call_state import IGNORED as CALL_IGNORED
from routing.call_state import TRANSITIONS as CALL_TRANSITIONS
from routing.call_state import CallState
from routing.candidates import FREE, UNCERTAIN, Candidates, Standings
from routing.codes import BETTER_WAS_THERE, Code
from routing.floor import AWAY, code_of
from routing.model import DeviceState, Surge, Zone
from routing.need import Anybody, InZone, Named, Not
from routing.restrictions import Afterwards, Kind, Restriction
from routing.roster import DAY_S, Roster, Shift
from routing.steps import StepKind
from tests.unit.routing.floor_plan import Drive

SEATS = ("1001", "1002", "1003", "1004")
CALLS = tuple("abcdefgh")
calls, seats = st.sampled_from(CALLS), st.sampled_from(SEATS)
STATUS = ("BUSY", "NOANSWER", "CANCEL", "CHANUNAVAIL", "CONGESTION", "ANSWER", "GUARD", "")


ONLY = frozenset({"12333"})  # what the seat 1003 takes


class AnyOrder(RuleBasedStateMachine):
    make: type[Drive] = Drive

    def __init__(self) -> None:
        super().__init__()
        self.drive = self.make(*SEATS[:3])
        known = self.drive.engine.rules
        lines = {number: replace(line, last_agent_s=3.0) for number, line in known.lines.items() if number != "12333"}
        zones = {"hrss": Zone("hrss", "人社专区", lend_wait_s=2.0)}
        own = {"1002": replace(known.seats["1002"], remote=True), "1003": replace(known.seats["1003"], lines=ONLY)}
        changes = {"lines": {**known.lines, **lines}, "zones": zones, "seats": {**known.seats, **own}}
        self.drive.send(e.RulesChanged(replace(known, **changes)))

    def send(self, event: e.Event) -> None:
        for command in self.drive.send(event):
            if isinstance(command, c.PresentCall):
                assert len(set(command.seat_ids)) == len(command.seat_ids)

    @rule(
        call=calls,
        number=st.sampled_from(["12345", "12333", "12336"]),
        ref=st.sampled_from([None, "x", "y", "y"]),
        personal=st.booleans(),
        emergency=st.sampled_from([False, False, True]),
        heard=st.booleans(),
    )
    def held(self, call: str, number: str, ref: str | None, personal: bool, emergency: bool, heard: bool) -> None:
        blocks = ("all", f"block {ref}") if ref and personal else ()
        self.drive.call(call, number, caller_ref=ref, caller_blocks=blocks, emergency=emergency, heard=heard)

    @rule(
        entries=st.lists(
            st.tuples(st.sampled_from(["x", "y", "all", "block y"]), st.sampled_from(list(Kind)), st.floats(-5, 60)),
            max_size=3,
        ),
        ends=st.booleans(),
    )
    def restrictions(self, entries: list[tuple[str, Kind, float]], ends: bool) -> None:
        afterwards = Afterwards.END if ends else Afterwards.WAIT
        self.send(
            e.RestrictionsChanged(
                tuple(
                    Restriction(number, ref, kind, self.drive.wall + for_s, "abuse", afterwards)
                    for number, (ref, kind, for_s) in enumerate(entries)
                )
            )
        )

    @rule(call=calls, status=st.sampled_from(STATUS), right=st.booleans())
    def back(self, call: str, status: str, right: bool) -> None:
        known = self.drive.engine.known(call)
        shown = known.presentation if known else None
        id_ = shown.id if shown and right else "other"
        self.drive.call(call, known.number if known else "12345", last_presentation=id_, last_status=status)

    @rule(call=calls, seat=seats)
    def rings(self, call: str, seat: str) -> None:
        self.drive.ring(call, seat)

    @rule(call=calls, seat=seats)
    def answers(self, call: str, seat: str) -> None:
        self.drive.answer(call, seat)

    @rule(call=calls, seat=seats, status=st.sampled_from(STATUS[:6]))
    def dial_ends(self, call: str, seat: str, status: str) -> None:
        self.send(e.SeatDialEnded(call, seat, status, self.drive.wall))

    @rule(call=calls, seat=seats, lost=st.booleans())
    def leg_ends(self, call: str, seat: str, lost: bool) -> None:
        self.send(e.AgentLegEnded(call, seat, lost, self.drive.wall))

    @rule(call=calls, seat=seats)
    def goodbye(self, call: str, seat: str) -> None:
        self.send(e.GoodbyeAsked(call, 900, seat))

    @rule(call=calls, by=st.sampled_from(["caller", "agent", "pbx"]))
    def ends(self, call: str, by: str) -> None:
        self.send(e.CallEnded(call, self.drive.wall, 16, by))

    @rule(call=calls)
    def session_closes(self, call: str) -> None:
        known = self.drive.engine.known(call)
        self.send(e.SessionClosed(call, known.session or 0 if known else 0))

    @rule(call=calls, stage=st.sampled_from(["seats", "queue", "telephone"]))
    def fallback(self, call: str, stage: str) -> None:
        self.send(e.CallSeen(call, "12345", self.drive.wall))
        self.send(e.FallbackUsed(call, stage, self.drive.wall))

    @rule(seat=seats, state=st.sampled_from(list(DeviceState)))
    def device(self, seat: str, state: DeviceState) -> None:
        self.send(e.SeatStateChanged(seat, state, self.drive.wall))

    @rule(agent=seats, act=st.sampled_from([e.AgentPaused, e.AgentReady, e.AgentSignedOut, e.WrapUpExtended]))
    def act(self, agent: str, act: Any) -> None:
        self.send(act(agent))

    @rule(agent=seats, seat=seats)
    def signs_in(self, agent: str, seat: str) -> None:
        self.send(e.AgentSignedIn(agent, seat))

    @rule()
    def ami_lost(self) -> None:
        self.send(e.AmiLost())

    @rule(keep=st.sets(calls), talk=st.booleans(), seat=seats)
    def picture(self, keep: set[str], talk: bool, seat: str) -> None:
        wall = self.drive.wall
        seen = [e.SeenCall(id_, "12345", wall - 5) for id_ in sorted(keep)]
        if talk and seen:
            seen[0] = e.SeenCall(seen[0].call_id, "12345", wall - 5, wall - 1, seat, bridged=True)
        self.send(e.Picture(tuple(seen), dict.fromkeys(SEATS, DeviceState.NOT_INUSE), wall))

    @rule(ref=st.sampled_from(["x", "y"]), number=st.sampled_from(["12345", "12336", "99999"]), ago_s=st.floats(0, 200))
    def somebody_gave_up_before(self, ref: str, number: str, ago_s: float) -> None:
        left = e.LeftCall(ref, number, "carrier", self.drive.wall - ago_s - 5, self.drive.wall - ago_s)
        self.send(e.Remembered((), left=(left,)))

    @rule(allowed=st.booleans())
    def decisions(self, allowed: bool) -> None:
        self.send(e.DecisionsAllowed() if allowed else e.DecisionsHeld())

    @rule(
        people=st.sampled_from([None, Anybody(), InZone("hrss"), Named("1001"), Not(Named("1002"))]),
        in_s=st.integers(0, 90),
    )
    def roster(self, people: Any, in_s: int) -> None:
        """From a moment soon on other people are on duty for 12345; before it 1001 and 1004 are."""
        configured = self.drive.engine.configured
        begins_s = int(datetime.fromtimestamp(self.drive.wall + in_s, UTC).timestamp()) % DAY_S
        line = frozenset({"12345"})
        now = Shift(line, Not(InZone("hrss")), begins_s=(begins_s - 3600) % DAY_S, ends_s=begins_s or DAY_S)
        shifts = (now, Shift(line, people, begins_s=begins_s, ends_s=(begins_s + 3600) % DAY_S)) if people else ()
        self.send(e.RulesChanged(replace(configured, roster=Roster(shifts))))

    @rule(for_s=st.floats(0, 100))
    def surge(self, for_s: float) -> None:
        self.send(e.SurgeDeclared(Surge(self.drive.wall, self.drive.wall + for_s, "storm", "x")))

    @rule()
    def surge_over(self) -> None:
        self.send(e.SurgeEnded("x"))

    @rule(seconds=st.floats(0, 70))
    def time_passes(self, seconds: float) -> None:
        self.drive.after(seconds)

    @invariant()
    def one_open_presentation_per_seat(self) -> None:
        shown = Counter(
            seat
            for call in self.drive.engine.calls.values()
            if call.presentation is not None
            for seat in set(call.presentation.seats) - call.presentation.over
        )
        assert all(count == 1 for count in shown.values()), shown

    @invariant()
    def a_seat_rings_for_its_own_lines(self) -> None:
        engine = self.drive.engine
        for call in engine.calls.values():
            seats = call.presentation.seats if call.presentation is not None else ()
            assert all(choice.takes_line(call.line, engine.rules.seats[id_]) for id_ in seats)

    @invariant()
    def every_call_is_offered_judged_and_ended_once_at_most(self) -> None:
        counts = Counter((step.call_id, step.kind) for step in self.drive.steps)
        for (call_id, kind), count in counts.items():
            if kind in (StepKind.OFFERED, StepKind.JUDGED, StepKind.ENDED):
                lives = counts[call_id, StepKind.OFFERED]
                assert count <= lives or kind is not StepKind.OFFERED
        for call_id in CALLS:
            ended, judged = counts[call_id, StepKind.ENDED], counts[call_id, StepKind.JUDGED]
            alive = call_id in self.drive.engine.calls
            assert counts[call_id, StepKind.OFFERED] == ended + alive
            assert ended <= judged <= ended + alive

    @invariant()
    def no_free_seat_that_eligible_admits_while_a_caller_waits(self) -> None:
        engine = self.drive.engine
        if engine.deciding:
            for call_id in engine.queue:
                waiting = engine.waiting(engine.calls[call_id])
                for seat in engine.floor.all_seats():
                    assert choice.eligible(waiting, seat) is not None, (call_id, seat.seat.id)

    @invariant()
    def the_queue_holds_exactly_the_queued_calls(self) -> None:
        engine = self.drive.engine
        queued = {call.id for call in engine.calls.values() if call.state is CallState.QUEUED}
        assert {call_id for call_id in queued if not engine.calls[call_id].behind} == set(engine.queue)
        assert all(engine.calls[call_id].session is not None for call_id in queued)

    @invariant()
    def the_calls_of_one_number_share_one_place_and_somebody_holds_it(self) -> None:
        engine = self.drive.engine
        for ref in {call.caller_ref for call in engine.calls.values()} - {None}:
            mine = [call for call in engine.calls.values() if call.caller_ref == ref]
            mine = [call for call in mine if call.caller_blocks and not call.emergency and not call.head]
            holding = [call.id for call in mine if call.id in engine.queue]
            ringing = [call.id for call in mine if call.state is CallState.PRESENTED]
            assert len(holding) <= 1
            if any(call.state is CallState.QUEUED and call.behind for call in mine):
                head = [call for call in engine.calls.values() if call.caller_ref == ref and call.head]
                assert holding or ringing or head, "nobody is behind nobody"

    @invariant()
    def the_restriction_of_this_moment_is_on_every_call_and_on_no_emergency(self) -> None:
        engine, wall = self.drive.engine, self.drive.wall
        for call in engine.calls.values():
            if call.emergency or call.caller_ref is None:
                assert (call.restriction, call.last_place) == (None, None)
            elif call.answered_at is None and call.state is not CallState.CONNECTED:
                assert call.restriction == engine.book.find(call.caller_ref, call.caller_blocks, wall)
            late = call.restriction is not None and call.restriction.serves_last
            assert (call.last_place is not None) == late

    @invariant()
    def the_queue_knows_what_each_caller_wants_now(self) -> None:
        engine = self.drive.engine
        for call_id in engine.queue:
            call = engine.calls[call_id]
            assert engine.queue.want(call_id) == (call.line.number, call.open_rings, call.prefers, call.overdue)
            assert call.prefers is None or call.open_rings == 0
        hoping = {engine.calls[call_id].prefers for call_id in engine.queue} - {None}
        assert set(engine.queue.hoping) == hoping
        first = [engine.calls[call_id].line.rings[0] for call_id in engine.queue]
        assert +engine.queue.demand == Counter(skill for ring in first for skill in ring.skills)

    @invariant()
    def nobody_waits_for_one_agent_who_is_not_there_or_longer_than_the_line_wants(self) -> None:
        engine = self.drive.engine
        for call_id in engine.queue if engine.deciding else ():
            call = engine.calls[call_id]
            if call.prefers is not None:
                assert engine.floor.agents[call.prefers].state not in AWAY
                assert self.drive.now < call.arrived + call.line.last_agent_s

    @invariant()
    def somebody_is_there_for_a_ring_when_somebody_present_qualifies(self) -> None:
        floor = self.drive.engine.floor
        present = [now_at for now_at in floor.all_seats() if now_at.agent.state not in AWAY]
        for ring in {ring for line in floor.rules.lines.values() for ring in line.rings}:
            assert floor.anybody(ring) == any(choice.qualifies(n.profile, n.seat, ring) for n in present)

    @invariant()
    def the_roster_of_this_moment_is_in_force(self) -> None:
        engine, roster = self.drive.engine, self.drive.engine.configured.roster
        for number, duty in engine.duty.duties.items():
            assert duty == roster.duty(number, self.drive.wall, engine.workdays)
        for call in engine.calls.values():
            assert call.line == engine.serving(call.number)

    @invariant()
    def free_seats_are_exactly_those_that_could_be_rung(self) -> None:
        floor = self.drive.engine.floor
        assert set(floor.free) == {n.seat.id for n in floor.all_seats() if choice.takes_nobody(n) is None}

    @invariant()
    def each_seat_stands_as_it_is(self) -> None:
        floor = self.drive.engine.floor
        fresh = Standings(floor.rules)
        for now_at in floor.all_seats():
            if choice.takes_nobody(now_at) is not None:
                fresh.put(now_at.seat.id, code_of(now_at))
            else:
                kind = floor.free.kind_of(now_at.seat, now_at.profile).number
                uncertain = now_at.agent.state is not AgentState.READY
                fresh.put(now_at.seat.id, FREE + kind + (UNCERTAIN if uncertain else 0))
        assert floor.standings.copy() == fresh.copy()

    @invariant()
    def each_decision_and_each_note_has_a_code_for_every_seat(self) -> None:
        for step in self.drive.steps:
            assert (step.candidates is not None) == (step.kind in (StepKind.PRESENTED, StepKind.NOBODY))
            if isinstance(step.candidates, Candidates):
                codes = step.candidates.codes()
                chosen = {seat for seat, code in zip(SEATS, codes, strict=True) if code >= Code.CHOSEN}
                assert chosen == set(str(step.data.get("seats", "")).split(",")) - {""}
                assert step.kind is StepKind.PRESENTED or not any(code in BETTER_WAS_THERE for code in codes)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_the_two_tables_of_each_machine_never_overlap() -> None:
    assert not CALL_TRANSITIONS.keys() & CALL_IGNORED.keys()
    assert not AGENT_TRANSITIONS.keys() & AGENT_IGNORED.keys()
    assert not AGENT_LATER & (AGENT_TRANSITIONS.keys() | AGENT_IGNORED.keys())
