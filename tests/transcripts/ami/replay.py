"""How a transcript is read: events and lists in the order of the wire, and routing events as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from routing import events as routing
from telephony.ami import picture
from telephony.ami.actions import list_is_complete, list_items
from telephony.ami.codec import Message, MessageReader
from telephony.ami.events import WANTED, shown_channel
from telephony.ami.feed import Feed

HERE = Path(__file__).parent
SCENARIOS = sorted(path.parent.name for path in HERE.glob("*/wire.ami"))
SEATS = {user: f"PJSIP/{user}" for user in ("1001", "1002", "1003")} | {"2001": "PJSIP/13900000001@carrier"}

Cut = Callable[[bytes], Iterator[bytes]]


@dataclass(frozen=True)
class Listed:
    """A finished list answer. `kind`: devices or channels."""

    kind: str
    items: list[Message]


def wire(scenario: str) -> bytes:
    return (HERE / scenario / "wire.ami").read_bytes()


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def items(data: bytes, cut: Cut = whole) -> list[Message | Listed]:
    """Events and finished lists, in the order in which Asterisk wrote them."""
    reader = MessageReader(WANTED)
    return list(_grouped(message for chunk in cut(data) for message in reader.feed(chunk)))


def _grouped(messages: Iterable[Message]) -> Iterator[Message | Listed]:
    answers: dict[str, list[Message]] = {}
    for message in messages:
        action_id = message.first("ActionID")
        if action_id is not None:
            answers.setdefault(action_id, []).append(message)
            if list_is_complete(message):
                yield Listed(action_id.partition("-")[0], list_items(answers.pop(action_id)))
        elif message.is_event:
            yield message


class Replay:
    """A feed that is given a transcript, as the link would give it."""

    def __init__(self) -> None:
        self.told: list[routing.Event] = []
        self.feed = Feed(SEATS, self.told.append)

    def rebuild(self, listed: Listed) -> None:
        if listed.kind == "devices":
            self.feed.devices(listed.items)
        else:
            self.feed.channels(listed.items, at=0.0)

    def differences(self, listed: Listed) -> set[tuple[str, str]]:
        """What the followed picture and a list of channels disagree on."""
        tracker = self.feed.tracker
        shown = [shown_channel(m) for m in listed.items]
        calls = picture.read_calls(shown, tracker.seats, tracker.calls, at=0.0)
        told = picture.picture(calls, tracker.devices, 0.0)
        return picture.differences(picture.picture(tracker.calls, tracker.devices, 0.0), told)

    def run(self, sequence: Iterable[Message | Listed]) -> list[str]:
        """Follows events; only the first pair of lists builds the picture. Returns what routing was told."""
        for item in sequence:
            if isinstance(item, Message):
                self.feed.message(item)
            elif not self.feed.live:
                self.rebuild(item)
        return lines(self.told)


def lines(told: Iterable[routing.Event]) -> list[str]:
    """One line an event: seconds since the first call arrived, what, and to whom. Calls are numbered as they come."""
    numbers: dict[str, int] = {}
    start = 0.0
    out = []
    for event in told:
        if isinstance(event, routing.Picture | routing.AmiLost):
            continue
        at = event.arrived_at if isinstance(event, routing.CallSeen) else getattr(event, "at", 0.0)
        start = start or at
        call_id = getattr(event, "call_id", None)
        call = "" if call_id is None else f" call {numbers.setdefault(call_id, len(numbers) + 1)}"
        more = " ".join(f"{f.name}={_text(getattr(event, f.name))}" for f in fields(event) if _shown(event, f.name))
        out.append(f"{at - start:9.6f} {type(event).__name__}{call} {more}".rstrip())
    return out


def _shown(event: routing.Event, name: str) -> bool:
    hidden = {"call_id", "at", "arrived_at", "emergency", "caller_ref", "caller_sealed", "caller_blocks"}
    if name in ("case", "test") and not getattr(event, name):
        return False  # most calls are about none
    return name not in hidden and getattr(event, name) is not None


def _text(value: object) -> str:
    return str(value) or "-"
