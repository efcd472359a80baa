"""The order of callers: classes and credits move a place by so much and no further, and nobody waits for ever."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from routing import events as e
from routing.engine import Engine
from routing.model import AgentProfile, Line, Ring, Rules, SeatProfile, SignIn, Timing, Trunk
from routing.need import Anybody
from routing.steps import StepKind
from tests.unit.routing.floor_plan import EPOCH, FREE

WORTH_S = 60.0
LINES = {str(20000 + priority): Line(str(20000 + priority), "", rings=(Ring(0, Anybody()),), priority=priority)
         for priority in range(-3, 4)}  # fmt: skip
TRUNKS = {"plain": Trunk(), "urgent": Trunk(priority=2)}
SEAT = "1001"

Arrival = tuple[float, str, str]
arrival = st.tuples(st.floats(0, 40), st.sampled_from(sorted(LINES)), st.sampled_from(sorted(TRUNKS)))


class OneSeat:
    """One agent serves whoever is next; every caller stays until served."""

    def __init__(self) -> None:
        rules = Rules(
            replace(Timing(), wrap_up_s=0.0, class_worth_s=WORTH_S, answer_notice_after_s=0.0), LINES,
            {SEAT: AgentProfile(SEAT, SEAT, sign_in=SignIn.AGENT)}, {SEAT: SeatProfile(SEAT, f"PJSIP/{SEAT}")},
            trunks=TRUNKS,
        )  # fmt: skip
        self.engine, self.now = Engine(rules), 0.0
        self.served: list[str] = []
        self.send(e.Picture((), {SEAT: FREE}, EPOCH))
        self.send(e.DecisionsAllowed())
        self.send(e.AgentSignedIn(SEAT, SEAT))
        self.send(e.AgentReady(SEAT))
        self.sessions = 0
        self.call("first", "20000", "plain")
        self.send(e.CallAnswered("first", SEAT, EPOCH))

    def send(self, event: e.Event) -> None:
        for command in self.engine.handle(event, self.now, EPOCH + self.now):
            step = getattr(command, "step", None)
            if step is not None and step.kind is StepKind.PRESENTED:
                self.served.append(step.call_id)

    def call(self, call_id: str, number: str, trunk: str) -> None:
        self.sessions += 1
        self.send(e.CallHeld(call_id, self.sessions, number, EPOCH + self.now, trunk))

    def serve(self) -> None:
        """The talk ends, the next one begins."""
        self.send(e.CallEnded(self.served[-1], EPOCH + self.now, 16, "caller"))
        self.send(e.CallAnswered(self.served[-1], SEAT, EPOCH + self.now))


def priority(arrived: Arrival) -> int:
    return LINES[arrived[1]].priority + TRUNKS[arrived[2]].priority


@settings(deadline=None)
@given(st.lists(arrival, min_size=1, max_size=30))
def test_nobody_is_overtaken_by_more_than_the_classes_are_worth(gaps: list[Arrival]) -> None:
    one = OneSeat()
    came: dict[str, tuple[float, Arrival]] = {}
    for number, arrived in enumerate(gaps):
        one.now += arrived[0]
        came[f"c{number}"] = one.now, arrived
        one.call(f"c{number}", arrived[1], arrived[2])
    for _ in gaps:
        one.serve()
    order = one.served[1:]
    assert sorted(order) == sorted(came), "everybody is served, once"
    places = [came[call_id][0] - WORTH_S * priority(came[call_id][1]) for call_id in order]
    assert places == sorted(places)


def test_caller_of_the_lowest_class_is_served_while_twice_as_many_of_the_highest_keep_coming_as_are_served() -> None:
    one = OneSeat()
    one.call("lowest", min(LINES), "plain")
    between_s = 16.0
    ahead = 2 * WORTH_S * (3 + 3 + 2) / between_s  # who came within the worth of the classes between them
    for number in range(int(ahead) + 1):
        one.now += between_s
        one.call(f"a{number}", max(LINES), "urgent")
        one.call(f"b{number}", max(LINES), "urgent")
        one.serve()
    assert one.served.index("lowest") == 1 + ahead
