"""The engine, which keeps free seats by kind, rings whom the rules alone would ring, asked about every seat."""

from __future__ import annotations

from collections import Counter
from heapq import nsmallest
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from routing import choice
from routing import events as e
from routing.engine import Engine
from routing.lending import ENOUGH
from routing.model import AgentProfile, DeviceState, Line, Ring, Rules, SeatProfile, SignIn, Timing, Zone
from routing.need import All, Anybody, Either, InGroup, InZone, Named, Not, Skilled
from routing.roster import Roster, Shift
from tests.unit.routing.floor_plan import EPOCH, FREE, presented

RINGS = (
    Ring(0, Skilled("a", 5)),
    Ring(3, Either((Skilled("b"), Named("1002")))),
    Ring(6, All((InGroup("reserve"), Not(Skilled("c"))))),
    Ring(9, Anybody()),
)
LAST_AGENT_S = 5.0
LINES = [
    Line("20001", "one", zone="east", rings=RINGS, last_agent_s=LAST_AGENT_S),
    Line("20003", "without a zone", rings=RINGS, last_agent_s=LAST_AGENT_S),
    Line("20002", "other", rings=(Ring(0, Skilled("c")), Ring(5, Anybody()))),
]
SEVERAL_AFTER_S = 11.0
NOW = 1000.0

Person = tuple[dict[str, int], str | None, frozenset[str], int, DeviceState, bool, frozenset[str]]
person = st.tuples(
    st.sampled_from([{"a": 9}, {"a": 5, "c": 1}, {"b": 1}, {}]),
    st.sampled_from([None, "east"]),
    st.sampled_from([frozenset[str](), frozenset({"reserve"})]),
    st.integers(0, 3),  # ready since
    st.sampled_from([FREE, FREE, DeviceState.INUSE]),
    st.booleans(),  # has let this caller ring
    st.sampled_from([frozenset[str](), frozenset({"20001"})]),  # lines of the seat
)


shift = st.builds(
    Shift,
    lines=st.sampled_from([frozenset[str](), frozenset({"20001"})]),
    people=st.sampled_from([Anybody(), InZone("east"), InGroup("reserve"), Named("1003"), Not(Named("1002"))]),
    first=st.booleans(),
)


def engine_with(people: dict[str, Person], ami_up: bool, talking: set[str], shifts: tuple[Shift, ...] = ()) -> Engine:
    """Nothing is decided yet."""
    agents = {id_: AgentProfile(id_, id_, p[0], p[1], SignIn.AGENT) for id_, p in people.items()}
    seats = {id_: SeatProfile(id_, f"PJSIP/{id_}", p[2], lines=p[6]) for id_, p in people.items()}
    timing = Timing(ring_several_after_s=SEVERAL_AFTER_S)
    lines, zones = {line.number: line for line in LINES}, {"east": Zone("east", "East", lend_ratio=0.9)}
    engine = Engine(Rules(timing, lines, agents, seats, zones=zones, roster=Roster(shifts)))

    def send(event: e.Event, at: float = NOW) -> None:
        engine.handle(event, at, EPOCH + at)

    send(e.Picture((), dict.fromkeys(people, FREE), EPOCH), NOW - 100)
    for id_, (_, _, _, since, _, _, _) in sorted(people.items(), key=lambda item: item[1][3]):
        send(e.AgentSignedIn(id_, id_), NOW - 50 + since)
        send(e.AgentReady(id_), NOW - 50 + since)
    for id_ in talking & people.keys():
        send(e.CallSeen(f"talk-{id_}", "20002", EPOCH))
        send(e.CallAnswered(f"talk-{id_}", id_, EPOCH))
    for id_, (_, _, _, _, device, _, _) in people.items():
        send(e.SeatStateChanged(id_, device, EPOCH))
    if not ami_up:
        send(e.AmiLost())
    return engine


@settings(max_examples=500, deadline=None)
@given(
    persons=st.lists(person, max_size=8),
    waited_s=st.sampled_from([0.0, 4.0, 7.0, 10.0, 12.0, 16.0]),
    others=st.integers(0, 3),
    ami_up=st.booleans(),
    talking=st.sets(st.sampled_from(["1001", "1002", "1003"])),
    knows=st.sampled_from([None, "1001", "1003"]),
    shifts=st.lists(shift, max_size=3).map(tuple),
    number=st.sampled_from(["20001", "20003"]),  # of the zone east, and of none
    keeps=st.booleans(),  # the zone east keeps its seats
)
def test_the_best_of_all_seats_rings(
    persons: list[Any],
    waited_s: float,
    others: int,
    ami_up: bool,
    talking: set[str],
    knows: str | None,
    shifts: tuple[Shift, ...],
    number: str,
    keeps: bool,
) -> None:
    people = {str(1001 + index): one for index, one in enumerate(persons)}
    engine = engine_with(people, ami_up, talking, shifts)
    for _ in range(ENOUGH):
        engine.lending.judged("east", not keeps, NOW)
    engine.spoke["ref"] = knows or "nobody", NOW - 3600
    engine.handle(e.CallHeld("a", 1, number, EPOCH + NOW - waited_s, caller_ref="ref"), NOW, EPOCH + NOW)
    for index in range(others):
        engine.handle(e.CallHeld(f"b{index}", 2 + index, "20002", EPOCH + NOW), NOW, EPOCH + NOW)
    call = engine.calls["a"] = engine.calls["a"]._replace(missed=frozenset(i for i, p in people.items() if p[5]))
    open_rings = choice.open_rings(call.line, waited_s, engine.floor.anybody)
    kept = frozenset({"east"} if keeps and number == "20003" and waited_s < call.line.answer_within_s else ())
    waiting = engine.waiting(call._replace(open_rings=open_rings, prefers=None))._replace(kept=kept)
    hoped = engine.waiting(call._replace(open_rings=0, prefers=knows))
    if knows in people and knows not in call.missed and waited_s < LAST_AGENT_S and _may_take(engine, hoped, knows):
        waiting = hoped
    lines = [engine.rules.lines[dialled] for dialled in (number, *["20002"] * others)]
    demand = Counter(skill for line in lines for skill in line.rings[0].skills)
    fit = [seat for seat in engine.floor.all_seats() if choice.eligible(waiting, seat) is None]
    best = nsmallest(3 if waited_s >= SEVERAL_AFTER_S else 1, fit, key=lambda seat: choice.rank(waiting, seat, demand))
    out = engine.handle(e.DecisionsAllowed(), NOW, EPOCH + NOW)
    shown = [command for command in out if getattr(command, "call_id", None) == "a" and hasattr(command, "seat_ids")]
    assert [seat.seat.id for seat in best] == (list(presented(shown).seat_ids) if shown else [])


def _may_take(engine: Engine, hoped: choice.Waiting, agent_id: str) -> bool:
    """On duty, for one."""
    return any(
        seat.agent.id == agent_id and choice.first_ring(hoped, seat) is not None for seat in engine.floor.all_seats()
    )
