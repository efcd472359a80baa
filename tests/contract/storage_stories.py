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
