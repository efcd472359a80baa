"""Emergency centres that the dialplan calls by itself, because the service did not answer in time or was not there.

It is act 0 of the call, told as any other and never driven: the dialplan dials the routes, moves agent and caller to the
conference, and gives up (`extensions_emergency.conf`). What it does comes as events; what it did while nobody listened is
shown by its legs in a picture, and how far the records know of it is stamped on the caller's channel.
"""

from __future__ import annotations

from routing import act_book, gathering, thirds
from routing import commands as c
from routing import events as e
from routing.call_state import CallState
from routing.calls import Call
from routing.desk import Desk
from routing.joined import ALONE, Act, Joined, Third, Verb
from routing.steps import ActOutcome, StepKind
from routing.targets import Target

LASTS_S = 180.0  # the dialplan's own limit
NO_ROUTE = "no route was reached by the dialplan alone"


def told(desk: Desk, event: e.EmergencyAlone) -> None:
    """Every one of its events begins the act, should the ones before have been missed."""
    call, target = desk.calls.get(event.call_id), desk.rules.emergencies.get(event.number)
    if event.noted and event.at <= desk.unseen_since:
        return
    if call is None or call.state is not CallState.CONNECTED or target is None:
        if event.state == "failed":
            _told_afterwards(desk, call, target, event)
        return
    joined = _begun(desk, call, desk.joined.get(call.id) or Joined(call.id), target, event.asked_at)
    if event.state == "route":
        _dialled(desk, joined, event.route, event.at)
    elif event.state in ("joined", "failed"):
        joined = _given_up(desk, joined, event.at, failed=event.state == "failed")
        if event.state == "failed" and joined.act is not None and joined.act.alone:
            act_book.end_act(desk, joined, ActOutcome.FAILED, NO_ROUTE)


def _told_afterwards(desk: Desk, call: Call | None, target: Target | None, event: e.EmergencyAlone) -> None:
    """It failed while we were away: all that is left of it is an alarm, and what the records can be told."""
    desk.out.append(c.RaiseAlarm(event.call_id, event.number, NO_ROUTE))
    if call is None or target is None:
        return
    joined = desk.joined.get(call.id) or Joined(call.id)
    if event.asked_at > joined.alone_told:
        desk.joined[call.id] = joined._replace(alone_told=event.asked_at)
        _tell_asked(desk, call, target, event.asked_at)
        desk.step(
            call, StepKind.ACT_ENDED, event.at, act=ALONE, verb=Verb.EMERGENCY, outcome=ActOutcome.FAILED,
            reason=NO_ROUTE, **act_book.told(target),
        )  # fmt: skip


def found(desk: Desk, call: Call, joined: Joined, shown: e.SeenAlone | None) -> Joined:
    """What a picture shows of it. What nobody has told yet is told now; what the records know is only known again."""
    target = None if shown is None else desk.rules.emergencies.get(shown.number)
    if shown is not None and target is not None:
        news = shown.asked_at > joined.alone_told
        if news:
            joined = _begun(desk, call, joined, target, shown.asked_at)
        joined = _known_again(desk, call, joined, target, news)
        met = any(third.act == ALONE for third in joined.there)
        if joined.act is None and shown.dials and not met:
            joined = joined._replace(act=_act(desk, joined, call, target))
    return _over_unheard(desk, joined, dials=shown is not None and shown.dials)


def _begun(desk: Desk, call: Call, joined: Joined, target: Target, asked_at: float) -> Joined:
    """The dialplan goes on whatever we do, so what we dial is given up: never two centres at a time."""
    if asked_at <= joined.alone_told:
        return joined
    if joined.act is not None:
        joined = act_book.end_act(
            desk, joined, ActOutcome.CANCELLED, "the dialplan calls an emergency centre by itself"
        )
    for third in joined.dialled:
        if third.act != ALONE:
            joined = thirds.drop(desk, joined, third)
    _tell_asked(desk, call, target, asked_at)
    joined = joined._replace(act=_act(desk, joined, call, target), alone_told=asked_at)
    joined = act_book.put(desk, joined)
    act_book.stamp(desk, joined)
    return joined


def _tell_asked(desk: Desk, call: Call, target: Target, asked_at: float) -> None:
    by = desk.agent_of(call.id) or (f"seat {call.seat_id}" if call.seat_id else None)
    desk.step(
        call, StepKind.ACT_ASKED, asked_at, act=ALONE, verb=Verb.EMERGENCY, by=by, via="dialplan",
        case=call.case or None, target_kind=target.kind, target=target.id, name=target.name,
    )  # fmt: skip


def _act(desk: Desk, joined: Joined, call: Call, target: Target) -> Act:
    tried = max((third.leg for third in joined.thirds if third.act == ALONE), default=0)
    by = desk.agent_of(call.id) or ""
    return Act(
        ALONE, Verb.EMERGENCY, target, by, desk.now + LASTS_S, target.routes[tried:], tried, alone=True, case=call.case
    )


def _dialled(desk: Desk, joined: Joined, route: int, at: float) -> Joined:
    """The next route is dialled beside those that still ring; the ones before it were silent for too long, or are gone."""
    act = joined.act
    if act is None or not act.alone or act.target is None or joined.third(f"{ALONE}.{route}e") is not None:
        return joined
    others = tuple(third._replace(late=True) if third.act == ALONE else third for third in joined.thirds)
    third = Third(ALONE, route, desk.now, emergency=True, target=act.target)
    _tell_dialled(desk, desk.calls[joined.call_id], third, at)
    act = act._replace(tried=route, routes=act.target.routes[route:])
    return act_book.put(desk, joined._replace(act=act, thirds=(*others, third)))


def _tell_dialled(desk: Desk, call: Call, third: Third, at: float) -> None:
    routes = () if third.target is None else third.target.routes
    way = routes[third.leg - 1].name if 0 < third.leg <= len(routes) else None
    desk.step(call, StepKind.THIRD_DIALED, at, act=ALONE, leg=third.leg, route=third.leg, way=way)


def _given_up(desk: Desk, joined: Joined, at: float, *, failed: bool) -> Joined:
    """Its routes that nobody has answered are over: some of them never had a channel whose end would tell."""
    for third in joined.dialled:
        if third.act == ALONE:
            given_up = third._replace(dropped=True, late=third.late or failed)
            outcome = thirds.outcome_of(given_up, None)
            thirds.tell_ended(desk, desk.calls[joined.call_id], given_up, outcome, None, at)
    kept = tuple(third for third in joined.thirds if third.act != ALONE or third.joined)
    return act_book.put(desk, joined._replace(thirds=kept))


def _known_again(desk: Desk, call: Call, joined: Joined, target: Target, news: bool) -> Joined:
    """Its legs in the picture, with what they are to."""
    for third in joined.thirds:
        if third.act != ALONE or third.target is not None:
            continue
        third = third._replace(target=target)
        if news:
            _tell_dialled(desk, call, third, desk.wall)
        if news and third.joined:
            desk.step(call, StepKind.THIRD_JOINED, desk.wall, act=ALONE, leg=third.leg)
        joined = joined._replace(thirds=tuple(third if t.key == third.key else t for t in joined.thirds))
    return joined


def _over_unheard(desk: Desk, joined: Joined, *, dials: bool) -> Joined:
    """The act is over by what the picture shows, and nobody has told us."""
    act = joined.act
    if act is None or not act.alone:
        return joined
    if any(third.act == ALONE for third in joined.there):
        return act_book.end_act(desk, joined, ActOutcome.DONE)
    if dials or desk.now - (act.until - LASTS_S) < gathering.MOVE_S:
        return joined
    return act_book.end_act(desk, _given_up(desk, joined, desk.wall, failed=True), ActOutcome.FAILED, NO_ROUTE)
