"""A small Asterisk for one joined call: it does what the service asks and what `extensions_conference.conf` does by itself.

Legs are where Asterisk would have them. What the service asks for lies in `asked` until the test lets it happen, so that
anything can come in between: a hang-up before, in and after each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from routing import commands as c
from routing import events as e
from routing.targets import Target
from tests.unit.routing.floor_plan import FREE, Drive

CALL = "1795000000000-1.1"
AGENT, EXPERT = "1001", "1002"


class World:
    """`emergencies`: centres by number, as configured. `alone`: what the dialplan itself is at."""

    def __init__(self, emergencies: Mapping[str, Target] = MappingProxyType({})) -> None:
        self.emergencies = emergencies
        self.alone: e.SeenAlone | None = None
        self.drive = self._service(AGENT, EXPERT)
        self.caller = "bridge"  # bridge, room, hold, wait, asking, queue, gone
        self.agent: str | None = "bridge"  # bridge, room; None: no leg
        self.thirds: dict[str, str] = {}  # key -> dialled, rings, room
        self.seat_of: dict[str, str | None] = {}
        self.stamp, self.stamped = ("", 0, 0.0), ""
        self.asked: list[c.Command] = []
        self.heard: list[c.Tone] = []  # by the agent
        self.session = 1000
        self.take(self.drive.call(CALL))
        self.drive.ring(CALL, AGENT)
        self.drive.answer(CALL, AGENT)
        self.asked.clear()

    def _service(self, *seats: str) -> Drive:
        drive = Drive(*seats, ring_several_after_s=0)
        if self.emergencies:
            drive.send(e.RulesChanged(replace(drive.engine.rules, emergencies=self.emergencies)))
        return drive

    # -- what the service hears ---------------------------------------------------------------------------------------

    def send(self, event: e.Event) -> None:
        self.take(self.drive.send(event))

    def take(self, out: list[c.Command]) -> None:
        for command in out:
            if isinstance(command, c.SayGoodbye) and self.caller == "asking":
                self.caller_ends()
            elif isinstance(command, c.BringBack) and self.caller == "asking":
                self.caller = "queue"
                self.session += 1
                self.send(e.CallHeld(CALL, self.session, "12345", self.drive.wall))
            elif isinstance(command, c.AwaitThird) and self.caller == "asking":
                self.caller = "wait"
                self._stamp_comes()
                self._caller_moved()
            elif isinstance(command, c.StampAct):
                self.stamped = command.value
                self._stamp_comes()
            elif isinstance(command, c.TellAgent):
                self.heard.append(command.tone)
            elif isinstance(command, c.Gather | c.DialThird | c.DropThird | c.DropAgent | c.StopAlone):
                self.asked.append(command)

    def _stamp_comes(self) -> None:
        """The caller's channel has the stamp of the act, and so the dialplan knows of it."""
        verb, no, until, _ = self.stamped.split(":", 3)
        self.stamp = (verb, int(no), float(until))

    def wait(self, seconds: float) -> None:
        self.take(self.drive.after(seconds))
        self.dialplan()

    def restart(self) -> None:
        """The service is killed and comes back: what it had asked for may be lost, what Asterisk shows is there."""
        if self.caller in ("gone", "asking", "queue"):
            return
        now = self.drive.now
        self.drive = self._service()
        self.drive.now = now + 1.0
        self.asked.clear()
        arrived_at = self.drive.wall - 60.0
        known = e.RememberedCall(CALL, "12345", arrived_at, 1, True, arrived_at + 1.0, AGENT)
        self.take(self.drive.send(e.Remembered((known,), {AGENT: AGENT, EXPERT: EXPERT})))
        self.look()
        self.dialplan()

    def look(self) -> None:
        """The service sees what Asterisk has."""
        seats = dict.fromkeys((AGENT, EXPERT), FREE)
        self.send(e.Picture((self._seen(self.drive.wall - 60.0),), seats, self.drive.wall))

    def _seen(self, arrived_at: float) -> e.SeenCall:
        thirds = tuple(
            e.SeenThird(key, at == "room", at != "dialled", self.seat_of[key]) for key, at in self.thirds.items()
        )
        return e.SeenCall(
            CALL, "12345", arrived_at, arrived_at + 1.0, AGENT, bridged=self.agent is not None,
            place=self.caller, agent_place=self.agent or "gone", thirds=thirds, act=self.stamped,
            alone=self.alone,
        )  # fmt: skip

    # -- what the service asks for happens ----------------------------------------------------------------------------

    def do(self, command: c.Command) -> None:
        """One command, in the world as it is now."""
        match command:
            case c.DialThird(key=key, seat_id=seat_id):
                if self.caller == "gone":
                    return
                self.thirds[key], self.seat_of[key] = "dialled", seat_id
            case c.DropThird(key=key):
                if key in self.thirds:
                    self.third_leaves(key, 16)
            case c.DropAgent(key=key):
                self.third_leaves(key, 16) if key else self.agent_leaves(lost=False)
            case c.StopAlone():
                self.alone = None
            case c.Gather(hold=hold, with_agent=with_agent):
                self._gather(hold, with_agent)

    def _gather(self, hold: bool, with_agent: bool) -> None:
        there = self.caller in ("bridge", "room", "hold", "wait")
        if not there or (with_agent and self.agent != "bridge"):
            self.send(e.MoveRefused(CALL))
            return
        if self.caller == "bridge" and not with_agent:
            raise AssertionError("the caller alone was taken out of the bridge: the agent would be hung up")
        self.caller = "hold" if hold else "room"
        if with_agent:
            self.agent = "room"
            self.send(e.AgentPlaced(CALL, AGENT, self.drive.wall))
        if self.caller in ("hold", "room"):
            self.send(e.CallerPlaced(CALL, self.caller, self.drive.wall))
        self.dialplan()

    # -- what people do -----------------------------------------------------------------------------------------------

    def third_rings(self, key: str) -> None:
        self.thirds[key] = "rings"
        self.send(e.ThirdRinging(CALL, key, self.drive.wall))

    def third_answers(self, key: str) -> None:
        self.thirds[key] = "room"
        self.send(e.ThirdAnswered(CALL, key, self.drive.wall))
        self.send(e.ThirdJoined(CALL, key, self.drive.wall))
        self.dialplan()

    def third_leaves(self, key: str, cause: int, *, told_late: bool = False) -> None:
        """`told_late`: the dialplan has noticed, and asked, before AMI tells."""
        if self.thirds.pop(key, None) is None:
            return
        left = e.ThirdEnded(CALL, key, self.drive.wall, cause, lost=False)
        if not told_late:
            self.send(left)
        self.dialplan()
        if told_late:
            self.send(left)

    def agent_leaves(self, *, lost: bool, told_late: bool = False) -> None:
        """`told_late` as of a third party."""
        if self.agent is None:
            return
        was, self.agent = self.agent, None
        left = e.AgentLegEnded(CALL, AGENT, lost, self.drive.wall)
        if not told_late:
            self.send(left)
        if was == "bridge" and self.caller == "bridge":
            self.caller = "wait" if self._open() else "asking"
            self._caller_moved()
        self.dialplan()
        if told_late:
            self.send(left)

    def caller_ends(self) -> None:
        if self.caller == "gone":
            return
        self.caller, self.agent = "gone", None
        self.send(e.CallEnded(CALL, self.drive.wall, 16, "caller"))
        self.thirds.clear()

    # -- what the dialplan does by itself -----------------------------------------------------------------------------

    def _open(self) -> bool:
        dials = self.alone is not None and self.alone.dials
        return dials or (bool(self.stamp[0]) and self.stamp[2] > self.drive.wall)

    def helpers(self) -> bool:
        """Marked members of the conference."""
        return self.agent == "room" or "room" in self.thirds.values()

    def dialplan(self) -> None:
        if self.caller in ("room", "hold") and not self.helpers() and self.agent != "bridge":
            self.caller = "wait" if self._open() else "asking"
            self._caller_moved()
        elif self.caller == "wait" and self.helpers():
            self.caller = "room"
            self.send(e.CallerPlaced(CALL, "room", self.drive.wall))
        elif self.caller == "wait" and not self._open():
            self.caller = "asking"
            self._caller_moved()

    def _caller_moved(self) -> None:
        if self.caller == "wait":
            self.send(e.CallerPlaced(CALL, "wait", self.drive.wall))
            self.dialplan()
        else:
            self.session += 1
            self.send(e.GoodbyeAsked(CALL, self.session, AGENT))
