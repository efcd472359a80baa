"""Draws the pages of this folder from the tables in the code: `python docs/state-machines/draw.py`.

A test holds the pages to the tables, so the picture is never older than the code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from routing import agent_state, call_state, joined, outbound, probe

HERE = Path(__file__).parent
Table = Mapping[tuple[StrEnum, StrEnum], object]


def page(title: str, source: str, start: StrEnum, transitions: Table, ignored: Table, later: Iterable[object]) -> str:
    """One Markdown page: the diagram (Mermaid), then what is expected without effect."""
    arrows = sorted(f"    {state} --> {transitions[state, event]}: {event}" for state, event in transitions)
    lines = [f"# {title}", "", f"Drawn from `{source}` by `draw.py`; do not edit.", "", "```mermaid", "stateDiagram-v2"]
    lines += [f"    [*] --> {start}", *arrows, "```", ""]
    lines += ["Expected, without effect:", "", "| state | event | how it can arrive |", "|---|---|---|"]
    lines += sorted(f"| {state} | {event} | {why} |" for (state, event), why in ignored.items())
    wishes = sorted(f"`{event}` while `{state}`" for state, event in later)  # type: ignore[misc]
    if wishes:
        lines += ["", "Kept as a wish until the caller is done: " + ", ".join(wishes) + "."]
    return "\n".join(lines) + "\n"


def joined_page() -> str:
    """The joined call: its states follow from who is where, so its arrows have no events; then which act is legal when."""
    lines = ["# The life of a joined call", "", "Drawn from `routing/joined.py` by `draw.py`; do not edit.", ""]
    lines += ["```mermaid", "stateDiagram-v2", "    [*] --> talking"]
    lines += sorted(f"    {state} --> {after}" for state, others in joined.TRANSITIONS.items() for after in others)
    lines += ["```", "", "| act | may be asked for while |", "|---|---|"]
    lines += [f"| {verb} | {', '.join(sorted(states))} |" for verb, states in joined.LEGAL.items()]
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """File name -> text."""
    call = page(
        "The life of a call", "routing/call_state.py", call_state.CallState.ARRIVED,
        call_state.TRANSITIONS, call_state.IGNORED, (),
    )  # fmt: skip
    agent = page(
        "The life of an agent's shift", "routing/agent_state.py", agent_state.AgentState.SIGNED_OUT,
        agent_state.TRANSITIONS, agent_state.IGNORED, agent_state.LATER,
    )  # fmt: skip
    out = page(
        "The life of an outbound call", "routing/outbound.py", outbound.OutState.ASKED, outbound.TRANSITIONS, {}, (),
    )  # fmt: skip
    test = page(
        "The life of a test call", "routing/probe.py", probe.ProbeState.ASKED, probe.TRANSITIONS, {}, (),
    )  # fmt: skip
    return {"call.md": call, "agent.md": agent, "joined.md": joined_page(), "outbound.md": out, "probe.md": test}


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")
