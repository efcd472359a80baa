"""The matrix itself: all of it is there, and the right ends are those of the design."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing.joined import LEGAL as ENGINES
from routing.joined import JoinState
from tests.e2e.joining.cells import (
    DIALS,
    LEGAL,
    NAMED,
    OVER,
    QUEUED,
    WORLDS,
    Cell,
    Moment,
    Who,
    World,
    cells,
    illegal,
    lives,
)

C, A, T, E = Who.CALLER, Who.AGENT, Who.THIRD, Who.CENTRE
BEFORE, IN, AFTER = Moment.BEFORE, Moment.IN, Moment.AFTER


def room(*people: Who, music: bool = False) -> World:
    return World(frozenset(people), music)


def test_what_is_legal_is_what_the_engine_takes() -> None:
    ours = {act.replace("-", "_"): {NAMED.get(state, state) for state in states} for act, states in LEGAL.items()}
    assert ours == {verb.value: {state.value for state in states} for verb, states in ENGINES.items()}
    assert {NAMED.get(state, state) for state in WORLDS} <= {state.value for state in JoinState}


def test_every_act_from_every_state_is_played_or_refused() -> None:
    played = {(cell.state, cell.act) for cell in cells() if cell.act}
    assert played == {(state, act) for act, states in LEGAL.items() for state in states}
    for state in WORLDS:
        assert {act for where, act in played if where == state} | set(illegal(state)) == set(LEGAL)
        assert [cell for cell in cells() if cell.state == state and not cell.act]


def test_everybody_who_is_there_leaves_at_every_moment() -> None:
    found = {(cell.moment, cell.leaver) for cell in lives() if (cell.state, cell.act) == ("consulting", "emergency")}
    there = {(moment, who) for moment in Moment for who in (C, A, T)}
    assert found == there | {(IN, E), (AFTER, E), (AFTER, None)}


def test_everybodys_phone_dies_in_every_state_and_during_every_act() -> None:
    dead = [cell for cell in cells() if cell.dies]
    for state, world in WORLDS.items():
        assert {cell.leaver for cell in dead if cell.state == state and not cell.act} >= {C} | world.room
        assert {cell.act for cell in dead if cell.state == state} - {""} == set(LEGAL) - set(illegal(state))
    assert any(cell.leaver is E and cell.routes == 2 for cell in dead)  # dead while it rings: the next route
    assert not any(cell.dies for cell in lives())


def test_every_act_is_asked_for_by_keys_too_and_every_emergency_has_a_second_route() -> None:
    assert {cell.act for cell in cells() if cell.keys} == set(LEGAL)
    assert {cell.state for cell in cells() if cell.routes == 2 and cell.act == "emergency"} == set(LEGAL["emergency"])


def test_each_kind_of_third_party_takes_part_where_there_is_one() -> None:
    for cell in cells():
        has_third = cell.state in ("returned", "ringing", "consulting", "three_way", "handed_over")
        assert bool(cell.kind) == (has_third or DIALS.get(cell.act) is T), cell
    assert len(cells()) == len(set(cells()))


@pytest.mark.parametrize(
    ("state", "act", "leaver", "moment", "ends"),
    [
        ("talking", "consult", None, AFTER, {room(A, T, music=True)}),
        ("talking", "three-way", None, AFTER, {room(C, A, T)}),
        ("talking", "blind", None, AFTER, {room(C, T)}),
        ("held", "emergency", None, AFTER, {room(C, A, E)}),
        ("ringing", "emergency", None, AFTER, {room(C, A, E)}),
        ("consulting", "emergency", None, AFTER, {room(C, A, T, E)}),
        ("consulting", "merge", None, AFTER, {room(C, A, T)}),
        ("consulting", "transfer", None, AFTER, {room(C, T)}),
        ("consulting", "return", None, AFTER, {room(C, A)}),
        ("three_way", "hold", None, AFTER, {room(A, T, music=True)}),
        ("held", "resume", None, AFTER, {room(C, A)}),
        # the caller gone: everybody else is free
        ("consulting", "merge", C, IN, {OVER}),
        ("talking", "emergency", C, AFTER, {OVER}),
        # the agent gone: the caller stays with the third party, or goes to a person, never to silence
        ("talking", "three-way", A, AFTER, {room(C, T)}),
        ("talking", "consult", A, AFTER, {room(C, T)}),
        ("talking", "blind", A, IN, {room(C, T)}),
        ("talking", "emergency", A, IN, {room(C, E)}),
        ("talking", "hold", A, AFTER, {QUEUED}),
        ("held", "resume", A, AFTER, {OVER}),  # an ordinary talk again, and an ordinary goodbye
        # the third party gone, or not to be had: the caller never notices
        ("talking", "consult", T, IN, {room(C, A)}),
        ("held", "consult", T, IN, {room(A, music=True)}),
        ("talking", "consult", T, AFTER, {room(C, A)}),
        ("consulting", "emergency", E, IN, {room(C, A, T)}),
        ("consulting", "emergency", T, IN, {room(C, A, E)}),
        ("three_way", "transfer", T, AFTER, {QUEUED}),
        # two things at once: either order is right
        ("three_way", "transfer", T, IN, {QUEUED, room(C, A)}),
        ("talking", "three-way", A, BEFORE, {OVER, QUEUED, room(C, T)}),
        ("three_way", "hold", T, BEFORE, {room(C, A), room(A, music=True)}),
    ],
)  # fmt: skip
def test_right_ends(state: str, act: str, leaver: Who | None, moment: Moment, ends: set[World]) -> None:
    assert Cell(state, act, leaver, moment, "department").ends() == ends


def test_the_goodbye_of_an_agent_who_took_over_is_a_goodbye() -> None:
    (end,) = Cell("talking", "blind", T, AFTER, "agent").ends()
    assert end.over
    (end,) = Cell("talking", "blind", T, AFTER, "department").ends()
    assert end.queued


@pytest.mark.parametrize(
    ("state", "leaver", "moment", "routes", "dies", "ends"),
    [
        ("talking", E, IN, 1, False, {room(C, A)}),
        ("talking", E, IN, 2, False, {room(C, A, E)}),  # refuses: the next route
        ("talking", E, IN, 2, True, {room(C, A, E)}),
        ("talking", E, AFTER, 2, False, {room(C, A), room(C, A, E)}),  # at once, or as somebody who has spoken
        ("three_way", E, AFTER, 2, False, {room(C, A, T)}),  # another is there
        ("talking", A, AFTER, 1, True, {room(C, E)}),
    ],
)
def test_right_ends_of_an_emergency(
    state: str, leaver: Who, moment: Moment, routes: int, dies: bool, ends: set[World]
) -> None:
    cell = Cell(state, "emergency", leaver, moment, "department", routes, dies=dies)
    assert {replace(end, routes=0) for end in cell.ends()} == ends


@pytest.mark.parametrize("kind", ["agent", "department"])
def test_who_dies_says_no_goodbye(kind: str) -> None:
    for cell in (
        Cell("talking", "", A, AFTER, "", dies=True),
        Cell("held", "resume", A, BEFORE, "", dies=True),
        Cell("talking", "blind", T, AFTER, kind, dies=True),
    ):
        assert not any(end.over for end in cell.ends()), cell
        assert any(end.queued for end in cell.ends()), cell


def test_nobody_who_stays_is_ever_left_without_a_person() -> None:
    for cell in cells():
        for end in cell.ends():
            assert end.over or end.queued or C in end.room or (end.music and A in end.room) or cell.leaver is A, cell
            assert not end.music or end.room, cell
