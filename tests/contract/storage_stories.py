"""Short stories of calls, as the engine would tell them."""

from __future__ import annotations

from routing.steps import Step, StepKind

K = StepKind
FIRST_MS = 1_700_000_000_000


def call_id(number: int) -> str:
    return f"{FIRST_MS + number}-1700000000.{number}"


def offered(number: int, line: str = "12345") -> Step:
    arrived = (FIRST_MS + number) / 1000
    data = {"number": line, "line": "12345", "trunk": "carrier", "arrived_at": arrived, "emergency": False}
    data |= {"caller_ref": f"{number:032x}", "caller_sealed": f"v1:sealed{number}"}
    return Step(call_id(number), FIRST_MS + number, arrived, K.OFFERED, data)


def answered_call(number: int, *, wait_s: float = 2.5, talk_s: float = 30.0, line: str = "12345") -> list[Step]:
    """Offered, presented, ringing, answered, judged, ended: seven steps."""
    first = offered(number, line)
    made = [first]

    def then(after_s: float, kind: StepKind, **data: object) -> None:
        at = round(first.at + after_s, 3)
        made.append(Step(first.call_id, first.seq + len(made), at, kind, data))

    shown = {"presentation": "p1", "seat": "1001"}
    then(0.001, K.PRESENTED, presentation="p1", seats="1001", agents="a1", ring=0, wait_s=0.001, why="longest idle")
    then(0.2, K.RINGING, **shown)
    then(wait_s, K.PRESENTATION_ENDED, **shown, outcome="answered", ring_s=wait_s - 0.2)
    then(wait_s, K.ANSWERED, **shown, agent="a1", wait_s=wait_s, by="engine")
    result = "in_time" if wait_s <= 15 else "late"
    then(wait_s, K.JUDGED, result=result, wait_s=wait_s, line="12345", number=line)
    then(wait_s + talk_s, K.ENDED, outcome="answered", by="caller", cause=16, talk_s=talk_s)
    return made


def abandoned_call(number: int, *, wait_s: float = 8.0, line: str = "12345") -> list[Step]:
    first = offered(number, line)
    at = round(first.at + wait_s, 3)
    judged = {"result": "abandoned", "wait_s": wait_s, "line": "12345", "number": line}
    end = {"outcome": "abandoned", "by": "caller", "cause": 16, "talk_s": None}
    return [
        first,
        Step(first.call_id, first.seq + 1, at, K.JUDGED, judged),
        Step(first.call_id, first.seq + 2, at, K.ENDED, end),
    ]


def consulted_call(number: int, *, second: str = "answered") -> list[Step]:
    """An answered call, and within it one consultation: the first number is busy, the second as told."""
    story = answered_call(number, talk_s=120.0)
    first, at = story[0], story[0].at + 10
    made = [*story[:-1]]

    def then(after_s: float, kind: StepKind, **data: object) -> None:
        made.append(Step(first.call_id, first.seq + len(made), round(at + after_s, 3), kind, {"act": 1, **data}))

    third = {"target_kind": "department", "target": "zjj", "name": "市住建局", "case": "C-7"}
    then(0.0, K.ACT_ASKED, verb="consult", by="a1", via="desk", **third)
    then(0.02, K.THIRD_DIALED, leg=1, route=1, way="80001@department")
    then(0.3, K.THIRD_ENDED, leg=1, outcome="busy", cause=17, talked=False)
    then(0.4, K.THIRD_DIALED, leg=2, route=2, way="80002@department")
    then(0.6, K.THIRD_RINGING, leg=2)
    if second == "answered":
        then(4.0, K.THIRD_ANSWERED, leg=2)
        then(4.1, K.THIRD_JOINED, leg=2)
        then(4.1, K.ACT_ENDED, verb="consult", outcome="done")
        then(60.0, K.THIRD_ENDED, leg=2, outcome="answered", cause=16, talked=True)
    else:
        then(30.5, K.THIRD_ENDED, leg=2, outcome=second, cause=19, talked=False)
        then(30.5, K.ACT_ENDED, verb="consult", outcome="failed", reason="nobody answered")
    end = story[-1]
    return [*made, Step(end.call_id, first.seq + len(made), end.at, end.kind, end.data)]


def emergency_call(number: int, target: str = "110", *, after_ms: int = 0) -> list[Step]:
    """An answered call that is handed to an emergency centre: the first route is dead, the second answers."""
    story = answered_call(number, talk_s=120.0)
    first, at = story[0], story[0].at + 5 + after_ms / 1000
    made = [*story[:-1]]

    def then(after_s: float, kind: StepKind, **data: object) -> None:
        made.append(Step(first.call_id, first.seq + len(made), round(at + after_s, 3), kind, {"act": 1, **data}))

    then(0.0, K.ACT_ASKED, verb="emergency", by="a1", via="phone", target_kind="emergency", target=target, name=target)
    then(0.05, K.THIRD_DIALED, leg=1, route=1, way=f"{target}@police")
    then(3.05, K.THIRD_DIALED, leg=2, route=2, way=f"{target}@carrier")
    then(3.25, K.THIRD_RINGING, leg=2)
    then(7.05, K.THIRD_ANSWERED, leg=2)
    then(7.1, K.THIRD_JOINED, leg=2)
    then(7.2, K.THIRD_ENDED, leg=1, outcome="not_reached", cause=None, talked=False)
    then(7.2, K.ACT_ENDED, verb="emergency", outcome="done")
    then(50.0, K.THIRD_ENDED, leg=2, outcome="answered", cause=16, talked=True)
    end = story[-1]
    return [*made, Step(end.call_id, first.seq + len(made), end.at, end.kind, end.data)]


def recorded(story: list[Step]) -> Step:
    """What became of the recording, told a moment after the end."""
    end = story[-1]
    data = {"what": "ended", "outcome": "kept", "file": "a.wav"}
    return Step(end.call_id, end.seq + 1, round(end.at + 0.3, 3), K.RECORDING, data)
