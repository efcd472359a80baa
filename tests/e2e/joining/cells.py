"""The matrix of joined calls: each act from each state, with somebody leaving before, in or after it, and the right end.

A `World` is what outsiders can see: who hears whom, whether the caller hears music, is back in the queue, or is gone. It
knows nothing of how the service does it: `act` and `leave` are the promises of design §5, in as few lines as they take.
When two things happen at about the same time, either order is right, so a cell may have more than one right end.

States are reached by acts of their own (`REACHED_BY`). `ringing` and `emergency` have a third party whose telephone rings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class Who(StrEnum):
    CALLER = "caller"
    AGENT = "agent"
    THIRD = "third"
    CENTRE = "centre"


AGENT: Final = "agent"  # the kind of a third party that is one
C, A, T, E = Who.CALLER, Who.AGENT, Who.THIRD, Who.CENTRE


class Moment(StrEnum):
    BEFORE = "before"
    IN = "in"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class World:
    """`room`: who hear each other, the caller among them when he is not on hold. `rings`: whose telephone rings for this
    call. `verb`: the act that they ring for. `queued`: back at the head of the queue; `over`: his call has ended.
    `ours`: the third party is an agent too, so that his goodbye to the caller is one. `routes`: other ways to the emergency
    centre, not dialled yet.
    """

    room: frozenset[Who] = frozenset({C, A})
    music: bool = False
    rings: Who | None = None
    verb: str = ""
    queued: bool = False
    over: bool = False
    ours: bool = False
    routes: int = 0

    def __str__(self) -> str:
        if self.over:
            return "the call is over"
        if self.queued:
            return "the caller talks with a person again"
        people = "+".join(sorted(self.room)) or "nobody"
        return people + (", caller in music" if self.music else "") + (f", {self.rings} rings" if self.rings else "")


OVER: Final = World(room=frozenset(), over=True)
QUEUED: Final = World(room=frozenset(), queued=True)
TALKING: Final = World()


def _room(*people: Who, music: bool = False) -> World:
    return World(frozenset(people), music)


# state -> the acts that lead there from talking; the one that is answered last, if any, is picked up unless it rings
REACHED_BY: Final[dict[str, tuple[str, ...]]] = {
    "talking": (),
    "returned": ("three-way", "return"),  # caller and agent again, but in the conference
    "held": ("hold",),
    "ringing": ("three-way",),
    "emergency": ("emergency",),
    "consulting": ("consult",),
    "three_way": ("three-way",),
    "handed_over": ("three-way", "transfer"),
}
WORLDS: Final[dict[str, World]] = {
    "talking": TALKING,
    "returned": TALKING,
    "held": _room(A, music=True),
    "ringing": World(rings=T, verb="three-way"),
    "emergency": World(rings=E, verb="emergency"),
    "consulting": _room(A, T, music=True),
    "three_way": _room(C, A, T),
    "handed_over": _room(C, T),
}
NAMED: Final = {"returned": "talking", "ringing": "dialing"}  # as the API calls them, where it does otherwise
DIALS: Final = {"consult": T, "three-way": T, "blind": T, "emergency": E}
_FREE: Final = ("talking", "returned", "held")
LEGAL: Final[dict[str, tuple[str, ...]]] = {
    "consult": _FREE,
    "three-way": _FREE,
    "blind": _FREE,
    "emergency": (*_FREE, "ringing", "consulting", "three_way"),
    "merge": ("consulting",),
    "transfer": ("consulting", "three_way"),
    "return": ("ringing", "emergency", "consulting", "three_way"),
    "hold": ("talking", "returned", "three_way"),
    "resume": ("held",),
}


def begin(world: World, verb: str) -> World:
    """The act has been taken; a third party that it needs rings."""
    if verb == "emergency":  # out of the music at once, and nobody else is dialled any more
        return replace(world, room=world.room | {C}, music=False, rings=E, verb=verb)
    if verb in DIALS:
        return replace(world, rings=DIALS[verb], verb=verb)
    return {
        "merge": replace(world, room=world.room | {C}, music=False),
        "transfer": replace(world, room=(world.room | {C}) - {A}, music=False),
        "return": replace(world, room=TALKING.room, music=False, rings=None, verb=""),
        "hold": replace(world, room=world.room - {C}, music=True),
        "resume": replace(world, room=TALKING.room, music=False),
    }[verb]


def picked_up(world: World) -> World:
    """Who rings has answered."""
    if world.rings is None or world.over or world.queued:
        return world
    room, third = world.room, world.rings
    if world.verb == "consult" and A in room:
        return replace(world, room=room - {C} | {third}, music=True, rings=None, verb="")
    gone = {A} if world.verb == "blind" else set()
    return replace(world, room=(room | {C, third}) - gone, music=False, rings=None, verb="")


def leave(world: World, who: Who, *, dies: bool = False) -> World:
    """Somebody hangs up, or refuses the call that rings at his telephone; or his phone `dies`, which is no goodbye."""
    if world.over or world.queued:
        return world
    if who is C:
        return OVER
    if who is world.rings:
        return replace(world, routes=world.routes - 1) if _has_next(world) else replace(world, rings=None, verb="")
    room = world.room - {who}
    helpers = room - {C}
    if helpers:  # the caller stays with them; on hold he is fetched as soon as it is not about him any more
        alone = A not in helpers or helpers == {A}
        music = world.music and not (alone and who is not C)
        return replace(world, room=room if music else room | {C}, music=music)
    if world.rings is not None:  # he hears ringing until they come
        return replace(world, room=frozenset({C}), music=False)
    said_goodbye = (who is A or (who is T and world.ours)) and not world.music and not dies
    return OVER if said_goodbye else QUEUED


def _has_next(world: World) -> bool:
    """A route to the emergency centre that rings when this one does not take the call."""
    return world.rings is E and world.routes > 0


def left_at_once(world: World) -> World:
    """An emergency centre that leaves within seconds was no person: the agent alone with the caller gets the next route."""
    if world.room == {C, A, E} and world.routes:
        return replace(world, routes=world.routes - 1)
    return leave(world, E)


@dataclass(frozen=True, slots=True)
class Cell:
    """`act` "": every act that is not legal in the state, one after the other. `leaver` None: nobody leaves. `kind`: what
    the third party is (agent, department); "" where none takes part. `routes`: ways to the emergency centre. `keys`: the
    act is asked for on the agent's phone. `dies`: the leaver's phone sends nothing more and gives no reply.
    """

    state: str
    act: str
    leaver: Who | None
    moment: Moment
    kind: str
    routes: int = 1
    keys: bool = False
    dies: bool = False

    def __str__(self) -> str:
        what = f"{self.act} from {self.state}" if self.act else f"what {self.state} does not allow"
        return (
            what
            + (" by keys" if self.keys else "")
            + (f", {self.leaver} {'dies' if self.dies else 'leaves'} {self.moment}" if self.leaver else "")
            + (f" ({self.kind})" if self.kind else "")
            + (f" ({self.routes} routes)" if self.routes > 1 else "")
        )

    def ends(self) -> frozenset[World]:
        """Every right end. After somebody has left whoever rings is picked up."""
        world = replace(WORLDS[self.state], ours=self.kind == AGENT, routes=self.routes - 1)
        begun = begin(world, self.act) if self.act else world
        done = picked_up(begun) if self.act else world
        if self.leaver is None:
            return frozenset({done})
        if self.moment is Moment.AFTER:
            found = {leave(done, self.leaver, dies=self.dies)}
            if self.leaver is E and not self.dies:
                found.add(left_at_once(done))
            return frozenset(map(picked_up, found))
        found = {leave(begun, self.leaver, dies=self.dies)}
        if self.act not in DIALS or self.moment is Moment.BEFORE:  # the act may come too late, or its last step may
            left = leave(world, self.leaver, dies=self.dies)
            found |= {left, leave(done, self.leaver, dies=self.dies)}
            if OVER in found and self.leaver is A:  # a goodbye amid an act may be none: a person takes the caller back
                found.add(QUEUED)
            if any(self.act in allowed(state) for state in _states_of(left)):
                found.add(begin(left, self.act))
        return frozenset(map(picked_up, found))


def _states_of(world: World) -> list[str]:
    """The states that look so. With an agent as the third party alone it is an ordinary talk, with him."""
    if world.ours and world.room == {C, T}:
        return ["returned"]
    return [state for state, other in WORLDS.items() if replace(other, ours=world.ours, routes=world.routes) == world]


def allowed(state: str) -> list[str]:
    return [act for act, states in LEGAL.items() if state in states]


def illegal(state: str) -> list[str]:
    """The acts that must be refused in a state."""
    return [act for act, states in LEGAL.items() if state not in states]


def cells(kinds: tuple[str, ...] = ("agent", "department")) -> list[Cell]:
    """All of them: every legal act from every state, with everybody leaving at every moment, and what is not legal; each
    act by keys too; emergencies also with a second route; and everybody's phone dying at every moment (`deaths`).
    """
    return [*lives(kinds), *deaths(kinds)]


def lives(kinds: tuple[str, ...] = ("agent", "department")) -> list[Cell]:
    """Those in which no phone dies: each takes its time, for Asterisk notices that by the silence alone."""
    return [*_cells(kinds), *_by_keys(kinds), *_by_two_routes(kinds)]


def _by_keys(kinds: tuple[str, ...]) -> Iterator[Cell]:
    found = (cell for cell in _cells(kinds) if cell.act and cell.leaver is None)
    yield from (replace(cell, keys=True) for cell in found)


def _by_two_routes(kinds: tuple[str, ...]) -> Iterator[Cell]:
    """A third party beside the centre is of one kind: what it is changes nothing about the routes."""
    for cell in _cells(kinds[-1:]):
        if cell.act and "emergency" in (cell.state, cell.act):
            yield replace(cell, routes=2)


def deaths(kinds: tuple[str, ...]) -> Iterator[Cell]:
    """Everybody's phone dying in every state, before every act and in it. A telephone that rings is left out but where
    another route is dialled beside it: it would go on ringing for as long as any that nobody picks up.
    """
    for state, world in WORLDS.items():
        people = {C} | world.room
        for kind in _kinds(kinds, state, ""):
            yield from (Cell(state, "", who, Moment.AFTER, kind, dies=True) for who in Who if who in people)
    yield Cell("emergency", "", E, Moment.AFTER, "", routes=2, dies=True)
    for cell in _cells(kinds[-1:]):
        ringing = cell.leaver is not None and cell.leaver is begin(WORLDS[cell.state], cell.act).rings
        if cell.leaver and cell.act and cell.moment is not Moment.AFTER and not ringing:
            yield replace(cell, dies=True)
        elif cell.leaver is E and cell.act == "emergency" and cell.moment is Moment.IN:
            yield replace(cell, routes=2, dies=True)


def _cells(kinds: tuple[str, ...]) -> Iterator[Cell]:
    for state, world in WORLDS.items():
        for kind in _kinds(kinds, state, ""):
            yield Cell(state, "", None, Moment.AFTER, kind)
        for act in allowed(state):
            for kind in _kinds(kinds, state, act):
                yield Cell(state, act, None, Moment.AFTER, kind)
                yield from (Cell(state, act, who, moment, kind) for who, moment in _leavers(world, act))


def _kinds(kinds: tuple[str, ...], state: str, act: str) -> tuple[str, ...]:
    """What the third party can be; handed over to an agent it would be an ordinary talk with him."""
    if not any(DIALS.get(verb) is T for verb in (*REACHED_BY[state], act)):
        return ("",)
    return tuple(kind for kind in kinds if kind != AGENT) if state == "handed_over" else kinds


def _leavers(world: World, act: str) -> Iterator[tuple[Who, Moment]]:
    begun = begin(world, act)
    for moment, there in (
        (Moment.BEFORE, world),
        (Moment.IN, begun if act in DIALS else world),
        (Moment.AFTER, picked_up(begun)),
    ):
        people = {C} | there.room | ({there.rings} if there.rings else set())
        yield from ((who, moment) for who in Who if who in people)
