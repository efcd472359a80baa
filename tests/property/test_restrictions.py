"""Nobody restricted waits for ever, nobody of a storm does, and an emergency or a withheld number is never restricted."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from routing import commands as c
from routing import events as e
from routing.engine import Engine
from routing.model import AgentProfile, Line, RestrictionRules, Ring, Rules, SeatProfile, SignIn, Timing
from routing.need import Anybody
from routing.restrictions import Afterwards, Kind, Restriction
from routing.steps import Judgement, Step, StepKind
from tests.unit.routing.floor_plan import EPOCH, FREE

BEHIND_S = 100.0
SEAT = "1001"
LINE = Line("12345", "", rings=(Ring(0, Anybody()),))
FOR_EVER = EPOCH + 1e6
KINDS = [None, *Kind]

# (seconds since the last arrival, number, kind of its restriction, emergency, withheld)
Arrival = tuple[float, int, Kind | None, bool, bool]
arrival = st.tuples(
    st.floats(0, 30), st.integers(0, 5), st.sampled_from(KINDS), st.sampled_from([False] * 5 + [True]),
    st.sampled_from([False] * 5 + [True]),
)  # fmt: skip


class OneSeat:
    """One agent serves whoever is next; every caller stays, and comes back after a notice."""

    def __init__(self, restricted: dict[str, Kind]) -> None:
        rules = Rules(
            replace(Timing(), wrap_up_s=0.0, answer_notice_after_s=0.0), {"12345": LINE},
            {SEAT: AgentProfile(SEAT, SEAT, sign_in=SignIn.AGENT)}, {SEAT: SeatProfile(SEAT, f"PJSIP/{SEAT}")},
            restricting=RestrictionRules(behind_s=BEHIND_S),
        )  # fmt: skip
        self.engine, self.now, self.sessions = Engine(rules), 0.0, 0
        self.served: list[str] = []
        self.steps: list[Step] = []
        self.came: dict[str, tuple[str | None, bool]] = {}
        for event in (
            e.Picture((), {SEAT: FREE}, EPOCH),
            e.DecisionsAllowed(),
            e.AgentSignedIn(SEAT, SEAT),
            e.AgentReady(SEAT),
        ):
            self.send(event)
        entries = (
            Restriction(n, ref, kind, FOR_EVER, "abuse", Afterwards.END)
            for n, (ref, kind) in enumerate(restricted.items())
        )
        self.send(e.RestrictionsChanged(tuple(entries)))
        self.call("first", None, emergency=False)
        self.send(e.CallAnswered("first", SEAT, EPOCH))

    def send(self, event: e.Event) -> None:
        for command in self.engine.handle(event, self.now, EPOCH + self.now):
            if isinstance(command, c.WriteStep):
                self.steps.append(command.step)
            elif isinstance(command, c.PresentCall):
                self.served.append(command.call_id)
            elif isinstance(command, c.Inform):
                ref, emergency = self.came[command.call_id]
                self.call(command.call_id, ref, emergency=emergency, heard=True)

    def call(self, call_id: str, ref: str | None, *, emergency: bool, heard: bool = False) -> None:
        self.sessions += 1
        self.came[call_id] = ref, emergency
        blocks = ("block",) if ref else ()
        self.send(
            e.CallHeld(call_id, self.sessions, "12345", EPOCH + self.now, emergency=emergency, caller_ref=ref,
                       caller_blocks=blocks, heard=heard)
        )  # fmt: skip

    def serve(self) -> None:
        self.send(e.CallEnded(self.served[-1], EPOCH + self.now, 16, "caller"))
        self.send(e.CallAnswered(self.served[-1], SEAT, EPOCH + self.now))


@settings(deadline=None)
@given(st.lists(arrival, min_size=1, max_size=25))
def test_everybody_is_served_and_only_restricted_callers_who_are_no_emergency_are_held_back(
    arrivals: list[Arrival],
) -> None:
    kinds = {f"n{number}": kind for _, number, kind, _, _ in arrivals if kind is not None}
    one = OneSeat(kinds)
    for number, (gap_s, who, _, emergency, withheld) in enumerate(arrivals):
        one.now += gap_s
        one.call(f"c{number}", None if withheld else f"n{who}", emergency=emergency)
    for _ in arrivals:
        one.serve()
    assert sorted(one.served) == sorted(["first", *(f"c{number}" for number in range(len(arrivals)))]), "each once"
    for number, (_, who, _, emergency, withheld) in enumerate(arrivals):
        steps = [step for step in one.steps if step.call_id == f"c{number}"]
        kind = None if emergency or withheld else kinds.get(f"n{who}")
        told = [step.data["rule"] for step in steps if step.kind is StepKind.RESTRICTED]
        assert told == ([] if kind is None else [kind])
        results = [step.data["result"] for step in steps if step.kind is StepKind.JUDGED]
        assert (results == [Judgement.RESTRICTED]) == (kind in (Kind.REJECT, Kind.LOW_PRIORITY)), results


@settings(deadline=None)
@given(st.sampled_from([Kind.REJECT, Kind.LOW_PRIORITY]), st.integers(1, 4), st.integers(0, 3))
def test_restricted_caller_is_served_though_others_never_stop_coming(kind: Kind, per_turn: int, storms: int) -> None:
    """Whoever goes before him came within `BEHIND_S`, and a storm is no more than one of them a turn."""
    one = OneSeat({"bad": kind})
    one.call("restricted", "bad", emergency=False)
    between_s, ahead = 10.0, per_turn + (storms > 0)
    for turn in range(int(ahead * BEHIND_S / between_s) + 2 * ahead):
        one.now += between_s
        for who in range(per_turn):
            one.call(f"t{turn}.{who}", f"t{turn}.{who}", emergency=False)
        for again in range(storms):
            one.call(f"s{turn}.{again}", "storm", emergency=False)
        one.serve()
    assert "restricted" in one.served
