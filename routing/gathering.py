"""Moves of a joined call: caller and agent to the conference or on hold, what is done when they are there, and who left.

A move is asked for once, and done when Asterisk's own events say where caller and agent are. It has a deadline; then the
picture is looked at again and the move is asked for once more, for those who have not arrived. A second time is the last:
the act has failed, and the state is what the facts say.

Who is left alone goes on in the dialplan by itself (`extensions_conference.conf`): nothing here is needed for that, and
nothing here may stand in its way. It asks us only whether the end was a goodbye. Asterisk lets a caller go on when the last
helper leaves him, not when he comes a moment after that: who is still alone in the room after `ALONE_S`, and after a look
at Asterisk's picture, is put on hold, where the dialplan finds that nobody is there.
"""

from __future__ import annotations

from typing import Final

from routing import act_book
from routing import commands as c
from routing import events as e
from routing.agent_state import AgentEvent
from routing.call_state import CallState
from routing.calls import Call
from routing.desk import Desk
from routing.joined import DIALS, Joined, Place, Verb
from routing.steps import ActOutcome, StepKind

MOVE_S: Final = 2.0  # a redirect takes milliseconds; Asterisk under load some tenths
MOST_MOVES: Final = 2
ALONE_S: Final = 1.0  # the dialplan goes on within milliseconds
GOODBYE_WAIT_S: Final = 0.5  # the dialplan asks before AMI has told who left
_LEAVE: Final = frozenset({Verb.BLIND, Verb.TRANSFER})
_MOVED_TO: Final = {Place.ROOM: "conference", Place.HOLD: "hold"}


def begin(desk: Desk, joined: Joined, goal: Place) -> Joined:
    """Moves the caller to the room or on hold, and an agent who is not in the room there. Who is on the way to the other of
    the two is not where he is believed to be."""
    on_the_way = joined.goal not in (None, goal)
    joined = joined._replace(goal=goal, goal_until=desk.now + MOVE_S, moves=0)
    if _arrived(joined) and not on_the_way:
        return reached(desk, joined)
    return _move(desk, joined)


def _move(desk: Desk, joined: Joined) -> Joined:
    joined = act_book.put(desk, joined._replace(moves=joined.moves + 1, goal_until=desk.now + MOVE_S))
    desk.timer(joined.goal_until, "joined", joined.call_id)
    if joined.caller in (Place.BRIDGE, Place.ROOM, Place.HOLD):  # who waits or is away comes by himself
        assert joined.goal is not None
        with_agent = joined.agent is Place.BRIDGE
        desk.out.append(c.Gather(joined.call_id, hold=joined.goal is Place.HOLD, with_agent=with_agent))
    return joined


def _arrived(joined: Joined) -> bool:
    return joined.caller is joined.goal and joined.agent is not Place.BRIDGE


def caller_placed(desk: Desk, event: e.CallerPlaced) -> None:
    call = desk.calls.get(event.call_id)
    if call is None:
        return
    joined = desk.joined.get(call.id) or Joined(call.id)
    place = Place(event.place)
    if place is not joined.caller and place in _MOVED_TO:
        desk.step(call, StepKind.CALLER_MOVED, event.at, to=_MOVED_TO[place])
    _look(desk, joined._replace(caller=place))


def agent_placed(desk: Desk, event: e.AgentPlaced) -> None:
    call = desk.calls.get(event.call_id)
    if call is not None and call.state is CallState.CONNECTED:
        joined = desk.joined.get(call.id) or Joined(call.id)
        _look(desk, joined._replace(agent=Place.ROOM) if joined.agent is Place.BRIDGE else joined)


def _look(desk: Desk, joined: Joined) -> None:
    if joined.goal is not None and _arrived(joined):
        reached(desk, joined)
    elif joined.goal is None and joined.caller is Place.HOLD and joined.emergency:
        begin(desk, joined, Place.ROOM)  # a move that was late: in an emergency nobody hears music
    elif joined.goal is None and joined.caller is Place.HOLD and joined.agent is Place.GONE:
        left_alone(desk, joined)  # put on hold in the instant in which the agent left
    else:
        _watch(desk, act_book.put(desk, joined))


def _alone(joined: Joined) -> bool:
    """In a room with nobody, as far as we know, and on the way nowhere."""
    return joined.goal is None and joined.caller is Place.ROOM and joined.agent is Place.GONE and not joined.there


def _watch(desk: Desk, joined: Joined) -> None:
    if _alone(joined):
        joined = act_book.put(desk, joined._replace(goal_until=desk.now + ALONE_S, moves=0))
        desk.timer(joined.goal_until, "joined", joined.call_id)


def _still_alone(desk: Desk, joined: Joined) -> None:
    if joined.moves:
        begin(desk, joined, Place.HOLD)
        return
    desk.out.append(c.LookAgain())  # somebody may be there of whom we were not told
    joined = act_book.put(desk, joined._replace(goal_until=desk.now + ALONE_S, moves=1))
    desk.timer(joined.goal_until, "joined", joined.call_id)


def reached(desk: Desk, joined: Joined) -> Joined:
    """Everybody is where the act wants them."""
    joined = act_book.put(desk, joined._replace(goal=None))
    act = joined.act
    if act is None or (act.target is not None and not any(third.act == act.no for third in joined.there)):
        return joined  # a move without an act of its own, or one beside the dialling
    if act.verb in _LEAVE and joined.agent is not Place.GONE:
        joined = joined._replace(released=True)
        desk.out.append(c.DropAgent(joined.call_id, joined.agent_key))
    return act_book.end_act(desk, joined, ActOutcome.DONE)


def refused(desk: Desk, event: e.MoveRefused) -> None:
    """Asterisk did not take the redirect: a leg has gone, or moves already. The next look tells."""
    joined = desk.joined.get(event.call_id)
    if joined is not None and joined.goal is not None:
        desk.timer(desk.now, "joined", event.call_id)
        act_book.put(desk, joined._replace(goal_until=desk.now))


def due(desk: Desk, call_id: str) -> None:
    """The deadline of a move, or of a caller's being alone."""
    joined = desk.joined.get(call_id)
    if joined is None or joined.goal_until > desk.now or call_id not in desk.calls:
        return
    if _alone(joined):
        _still_alone(desk, joined)
        return
    if joined.goal is None:
        return
    desk.out.append(c.LookAgain())
    if joined.moves < MOST_MOVES:
        _move(desk, joined)
        return
    joined = act_book.put(desk, joined._replace(goal=None))
    if joined.act is not None:
        joined = act_book.end_act(desk, joined, ActOutcome.FAILED, "Asterisk did not move the legs in time")
    _watch(desk, joined)


def agent_left(desk: Desk, call: Call, *, lost: bool, at: float) -> None:
    """The agent's leg of a joined call is over: the caller stays with whoever else is there, or is on the way to be."""
    joined = desk.joined[call.id]
    why = "lost" if lost else "transferred" if joined.released else "goodbye"
    desk.talk_ended(call, lost, at)
    helped = joined.there or joined.act is not None
    if helped:
        desk.step(desk.calls[call.id], StepKind.AGENT_LEFT, at, seat=call.seat_id, agent=call.agent_id, why=why)
    desk.release(call.seat_id, call.id, AgentEvent.CALL_ENDED)
    missed = call.missed | ({call.seat_id} if lost and call.seat_id else set())
    desk.put(desk.calls[call.id]._replace(seat_id=None, agent_id=None, leg_lost=lost, missed=missed))
    goodbye = not lost and not helped and not joined.in_music
    joined = joined._replace(agent=Place.GONE, agent_key="", released=False, said_goodbye=goodbye)
    left_alone(desk, promoted(desk, joined))


def promoted(desk: Desk, joined: Joined) -> Joined:
    """A third party that is an agent of ours is the caller's agent from now on."""
    third = next((third for third in joined.there if third.seat_id is not None), None)
    if third is None:
        return joined
    call = desk.calls[joined.call_id]
    desk.put(call._replace(seat_id=third.seat_id, agent_id=third.agent_id, leg_lost=None, answered=desk.now))
    others = tuple(other for other in joined.thirds if other is not third)
    return joined._replace(agent=Place.ROOM, agent_key=third.key, thirds=others)


def left_alone(desk: Desk, joined: Joined, *, dropped: bool = False) -> None:
    """Somebody has left. A caller on hold is taken to whoever is still there; the rest is the dialplan's.

    `dropped`: we had asked for its end. Where the caller is since then is where the agent wants him.
    """
    joined = joined._replace(goal=None) if joined.agent is Place.GONE else joined
    joined = act_book.put(desk, joined)
    act, gone = joined.act, joined.agent is Place.GONE
    if act is not None and gone and act.verb not in DIALS:
        joined = act_book.end_act(desk, joined, ActOutcome.CANCELLED, "the agent has left")
    elif act is not None and act.verb in (Verb.MERGE, Verb.TRANSFER) and not joined.there:
        joined = act_book.end_act(desk, joined, ActOutcome.CANCELLED, "the third party has left")
    elif act is not None and gone and any(third.act == act.no for third in joined.there):
        joined = act_book.end_act(desk, joined, ActOutcome.DONE)  # caller and third party find each other
    elif act is not None and joined.agent_key.startswith(f"{act.no}."):
        joined = _taken_over(desk, joined)
    elif act is not None and act.verb in DIALS and not act.alone and not any(t.act == act.no for t in joined.thirds):
        joined = _come_to_nothing(desk, joined)
    met = joined.there and gone  # by whoever is there still
    back = not gone and not dropped and not joined.there and not joined.dialled  # to the agent
    if joined.caller is Place.HOLD and (met or back):
        begin(desk, joined, Place.ROOM)
    else:
        _watch(desk, joined)


def _taken_over(desk: Desk, joined: Joined) -> Joined:
    """The third party has become the caller's agent before everybody was with it. Nobody is put on hold for it any more."""
    joined = act_book.end_act(desk, joined, ActOutcome.DONE)
    return begin(desk, joined, Place.ROOM) if joined.goal is Place.HOLD else joined


def _come_to_nothing(desk: Desk, joined: Joined) -> Joined:
    """The third party has left before everybody was with it. Who was being put on hold for it comes back."""
    joined = act_book.end_act(desk, joined, ActOutcome.FAILED, "the third party left at once")
    return begin(desk, joined, Place.ROOM) if joined.goal is Place.HOLD else joined


def goodbye_asked(desk: Desk, call: Call, session: int) -> None:
    """The dialplan has the caller back from conference or music and asks whether it was a goodbye; AMI may tell later who
    has left."""
    joined = desk.joined[call.id]
    joined = act_book.put(desk, joined._replace(caller=Place.AWAY, goal=None, from_music=joined.in_music))
    desk.put(call._replace(goodbye_session=session, goodbye_until=desk.now + GOODBYE_WAIT_S))
    if not answer_goodbye(desk, joined):
        desk.timer(desk.now + GOODBYE_WAIT_S, "goodbye", call.id)


def _answer(joined: Joined) -> c.Answer:
    """The dialplan waits for a third party by itself; it asks when the act was too young for it to know of it yet."""
    if joined.said_goodbye:
        return c.SayGoodbye
    return c.AwaitThird if joined.act is not None and joined.dialled else c.BringBack


def answer_goodbye(desk: Desk, joined: Joined, *, at_last: bool = False) -> bool:
    """False: somebody seems to be there still, so AMI has not told yet who left. In doubt the caller comes back."""
    call = desk.calls[joined.call_id]
    unsettled = joined.agent is not Place.GONE or joined.there
    if call.goodbye_session is None or (unsettled and not at_last):
        return call.goodbye_session is None
    desk.answer_goodbye(call, c.BringBack if unsettled else _answer(joined))
    return True
