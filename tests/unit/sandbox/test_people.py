"""Which calls are a listener's own, from what its SIPp has written down."""

from __future__ import annotations

from pathlib import Path

from sandbox.people import Listener
from sandbox.phone import MESSAGES

INVITE = (
    "----\nUDP message received [9] bytes :\n\nINVITE sip:110@127.0.0.3 SIP/2.0\nFrom: {who};tag=1\nCall-ID: {id}\n\n"
)


def listener(folder: Path, callers: set[str] | None = None) -> Listener:
    return Listener(("127.0.0.1", 5060), "127.0.0.3", 5070, folder, callers=callers)


def came(centre: Listener, call_id: str, who: str) -> None:
    trace = f"2026-11-22\t17:25:03.2\t1795368303.2\tR\t{call_id}\tCSeq:1 INVITE\tINVITE sip:110@127.0.0.3 SIP/2.0\n"
    with (centre.sipp.folder / "short.log").open("a") as short, (centre.sipp.folder / MESSAGES).open("a") as whole:
        short.write(trace)
        whole.write(INVITE.format(who=who, id=call_id))


def test_calls_of_others_are_no_legs_of_a_listener_that_waits_for_certain_callers(tmp_path: Path) -> None:
    centre = listener(tmp_path, {"13800000001"})
    came(centre, "of-an-earlier-test", "<sip:13800000002@127.0.0.1>")
    came(centre, "own", "<sip:13800000001@127.0.0.1>")
    came(centre, "without-number", "<sip:127.0.0.1>")
    assert [leg.call_id for leg in centre.legs] == ["own"]
    assert centre.leg.call_id == "own"


def test_listener_takes_every_call_as_its_own_unless_told(tmp_path: Path) -> None:
    centre = listener(tmp_path)
    came(centre, "one", "<sip:13800000002@127.0.0.1>")
    assert [leg.call_id for leg in centre.legs] == ["one"]
