"""The book of joined calls: the one place where their state changes, and where an act is stamped and ended."""

from __future__ import annotations

from typing import Any, Final

from routing import commands as c
from routing.desk import Desk
from routing.joined import TRANSITIONS, Joined, Verb, state_of
from routing.steps import ActOutcome, StepKind, ThirdOutcome
from routing.targets import Target

_TONES: Final = {
    ThirdOutcome.BUSY.value: c.Tone.BUSY,
    ThirdOutcome.REFUSED.value: c.Tone.BUSY,
    ThirdOutcome.NO_ANSWER.value: c.Tone.NO_ANSWER,
    ThirdOutcome.NOT_REACHED.value: c.Tone.NOT_REACHED,
}


def put(desk: Desk, joined: Joined) -> Joined:
    """With the state that follows from the facts. A change that the table does not know is counted: our picture differs
    from the switch; the facts stand all the same, for they come from there.
    """
    state = state_of(joined)
    if state is not joined.state and state not in TRANSITIONS[joined.state]:
        desk.illegal["joined"] += 1
    joined = joined._replace(state=state)
    desk.joined[joined.call_id] = joined
    return joined


def recover(desk: Desk, joined: Joined) -> Joined:
    """With the state that a picture shows, whatever it was before."""
    joined = joined._replace(state=state_of(joined))
    desk.joined[joined.call_id] = joined
    return joined


def stamp(desk: Desk, joined: Joined) -> None:
    """What is under way, on the caller's channel: so that the dialplan alone, and we after a restart, know of it. The last
    number of an act stands behind it, for one that was refused has a number too.
    """
    act = joined.act
    known = f":{round(joined.alone_told * 1000)}" if joined.alone_told else ""
    if act is None or act.alone:
        desk.out.append(c.StampAct(joined.call_id, f":{joined.acts}:0:" + (f":{joined.acts}{known}" if known else "")))
        return
    until = int(desk.wall + act.until - desk.now) + 1
    target = "" if act.target is None else act.target.id
    desk.out.append(c.StampAct(joined.call_id, f"{act.verb}:{act.no}:{until}:{target}:{joined.acts}{known}"))


def refused(desk: Desk, joined: Joined, no: int) -> None:
    """An act of this number changed nothing; no other has its number, in this call, before a restart and after."""
    stamp(desk, put(desk, joined._replace(acts=no)))


def end_act(desk: Desk, joined: Joined, outcome: ActOutcome, reason: str = "") -> Joined:
    """The act is over, however; what was dialled for it is the caller's of this to end."""
    act = joined.act
    assert act is not None
    call = desk.calls[joined.call_id]
    desk.step(
        call, StepKind.ACT_ENDED, act=act.no, verb=act.verb, outcome=outcome, reason=reason or None, **told(act.target)
    )
    joined = joined._replace(act=None)
    joined = put(desk, joined)
    stamp(desk, joined)
    if outcome is ActOutcome.FAILED and act.verb is Verb.EMERGENCY:
        alarm(desk, joined, act.target, reason, heard=act.alone)
    elif outcome is ActOutcome.FAILED:
        desk.out.append(c.TellAgent(joined.call_id, _TONES.get(act.failed, c.Tone.FAILED), joined.agent_key))
    return joined


def alarm(desk: Desk, joined: Joined, centre: Target | None, reason: str, *, heard: bool = False) -> None:
    """No emergency centre is reached: the agent hears it at once, supervisors are told until one of them acknowledges.
    `heard`: by the dialplan, which has told the agent.
    """
    if not heard:
        desk.out.append(c.TellAgent(joined.call_id, c.Tone.ALARM, joined.agent_key))
    desk.out.append(c.RaiseAlarm(joined.call_id, centre.id if centre else "", reason))


def told(target: Target | None) -> dict[str, Any]:
    """A target as the steps of an act tell it."""
    return {} if target is None else {"target_kind": target.kind, "target": target.id}
