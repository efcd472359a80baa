"""The people of a period: handle time, occupancy, adherence to the rosters, and how many were there in each step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from metrics.working import Span, Work, Working, adherence, handle_s, occupancy, sum_of
from routing.agent_state import AgentState
from routing.model import AgentProfile, Rules
from routing.need import Need
from routing.roster import Roster
from routing.steps import Outcome
from routing.workdays import Workdays
from service.on_roster import admitted
from service.reports.periods import HOUR_MS, Period

Json = dict[str, Any]
MISSED: Final = (Outcome.NO_ANSWER, Outcome.NOT_CONFIRMED, Outcome.BUSY, Outcome.UNREACHABLE)
Duties = dict[Span, tuple[Need, ...]]


def section(working: Working | None, period: Period, needed: Callable[[int, Work], int | None]) -> Json:
    """`people`, and `there`: seats present on average in each step of the period, and needed; nothing when nobody was
    asked about. `needed`: of a step, with what all people did."""
    if working is None:
        return {}
    whole = sum_of(working.agents.values())
    there = [
        {
            "from": period.local(period.since_ms + place * period.step_ms).isoformat(),
            "seats": round(ms / period.step_ms, 2),
            "needed": needed(place, whole),
        }
        for place, ms in enumerate(working.there_ms)
    ]
    return {"people": {"agents": len(working.agents), **told(whole)}, "there": there}


def agents(
    working: Working,
    period: Period,
    profiles: Mapping[str, AgentProfile],
    presented: Iterable[tuple[str, str, int]],
    rules: Rules,
    workdays: Workdays,
) -> list[Json]:
    """Each agent who was signed in or on a roster, by id. `presented`: as `storage.figures.presented` tells it."""
    shown: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for agent_id, outcome, count in presented:
        shown[agent_id][outcome] = count
    duties = rostered(rules, period, workdays)
    found = []
    for agent_id in sorted(profiles.keys() | working.agents.keys()):
        profile, his = profiles.get(agent_id), working.agents.get(agent_id, Work())
        shifts = [] if profile is None else [span for span, needs in duties.items() if _is_his(rules, needs, profile)]
        if his.spans or shifts:
            name = agent_id if profile is None else profile.name
            found.append({"agent": agent_id, "name": name, **told(his), **_presented(shown[agent_id]),
                          "adherence": adherence(his, shifts)})  # fmt: skip
    return found


def _presented(outcomes: Mapping[str, int]) -> Json:
    return {"answered": outcomes.get(Outcome.ANSWERED, 0), "missed": sum(outcomes.get(one, 0) for one in MISSED)}


def told(work: Work) -> Json:
    """Hours and ratios."""
    return {
        "signed_in_h": _hours(work.signed_in_ms),
        **{f"{state}_h": _hours(work.states_ms[state]) for state in AgentState if state in work.states_ms},
        "pauses_h": {reason: _hours(ms) for reason, ms in sorted(work.pauses_ms.items())},
        "talks": work.talks,
        "handle_s": handle_s(work),
        "occupancy": occupancy(work),
    }


def rostered(rules: Rules, period: Period, workdays: Workdays) -> Duties:
    """When whose shift ran, on any line, by the rosters of now; lines without a roster have no shifts."""
    found: Duties = {}
    for line in rules.lines:
        for span, people in _duties(rules.roster, line, period, workdays):
            found[span] = tuple(dict.fromkeys((*found.get(span, ()), *people)))
    return found


def _duties(roster: Roster, line: str, period: Period, workdays: Workdays) -> Iterable[tuple[Span, tuple[Need, ...]]]:
    at, until = period.since_ms / 1000, period.until_ms / 1000
    while at < until:
        change = roster.next_change(line, at, workdays)
        ends = until if change is None else min(change, until)
        people = roster.duty(line, at, workdays).people
        if people:
            yield Span(round(at * 1000), round(ends * 1000)), people
        at = ends


def _is_his(rules: Rules, needs: Iterable[Need], profile: AgentProfile) -> bool:
    return any(admitted(rules, need, profile) for need in needs)


def _hours(ms: int) -> float:
    return round(ms / HOUR_MS, 3)
