"""A small Asterisk Manager for tests: one call at a time, a list of what it was told, and faults on request.

It passes the same contract as the real thing (`ami_contract.py`). Its clock stands still but for a hundredth of a second
per event, so that every time in a test is known beforehand.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from telephony import names

EOL = "\r\n"
LINE_LIMIT = 1022
START = 1795300000.0


@dataclass
class FakeChannel:
    uniqueid: str
    name: str
    state: str = "Down"
    bridge: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def headers(self, prefix: str = "") -> list[tuple[str, str]]:
        named = {f"{prefix}Channel": self.name, f"{prefix}ChannelStateDesc": self.state, f"{prefix}CallerIDNum": ""}
        variables = [(f"{prefix}ChanVariable", f"{n}={self.variables.get(n, '')}") for n in names.CHANNEL_VARIABLES]
        return [*named.items(), (f"{prefix}Uniqueid", self.uniqueid), *variables]


class FakeAmi:
    """`told`: every action received, header by header. `devices`: what DeviceStateList shows."""

    def __init__(self, *, user: str = "hotline", secret: str = "right", version: str = "22.10.1") -> None:
        self.user, self.secret, self.version = user, secret, version
        self.told: list[dict[str, str]] = []
        self.devices = {"PJSIP/1001": "NOT_INUSE", "PJSIP/1002": "NOT_INUSE", "PJSIP/carrier": "UNAVAILABLE"}
        self.globals: dict[str, str] = {}
        self.channels: dict[str, FakeChannel] = {}
        self.boots = True  # FullyBooted follows the login
        self.silent = False  # reads, and never says a word
        self.refuses: set[str] = set()  # actions it does not know
        self.greeting = b"Asterisk Call Manager/11.0.0\r\n"
        self.now = START
        self.loaded_at = START  # when it read its configuration last
        self.logins = 0
        self.port = 0
        self.before_answer: Callable[[str], None] = lambda name: None
        self._server: asyncio.Server | None = None
        self._connections: list[asyncio.StreamWriter] = []
        self._writers: list[asyncio.StreamWriter] = []  # logged in: these are told of events
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> FakeAmi:
        """Again on the same port after stop(): the peer came back."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._connections:
            writer.transport.abort()
        await asyncio.gather(*self._tasks)

    def cut(self) -> None:
        """Every connection ends in the middle of whatever it is."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def asked(self, action: str) -> list[dict[str, str]]:
        return [told for told in self.told if told["action"] == action]

    # -- the wire ------------------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._connections.append(writer)
        writer.write(self.greeting)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self._hear((await reader.readuntil(b"\r\n\r\n")).decode(), writer)
        writer.transport.abort()

    def _hear(self, block: str, writer: asyncio.StreamWriter) -> None:
        lines = block.strip().split(EOL)
        if any(len(line.encode()) > LINE_LIMIT for line in lines):
            self._respond(writer, {}, "Error", Message="Failed to parse message: line too long")
            return
        action = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        self.told.append(action)
        if not self.silent:
            self.before_answer(action["action"])
            self._answer(action, writer)

    def _answer(self, action: dict[str, str], writer: asyncio.StreamWriter) -> None:
        match action["action"]:
            case name if name in self.refuses:
                self._respond(writer, action, "Error", Message=f"Invalid/unknown command: {name}.")
            case "Login":
                self._log_in(action, writer)
            case "Ping":
                self._respond(writer, action, "Success", Ping="Pong", Timestamp=f"{self.now:.6f}")
            case "CoreSettings":
                self._respond(writer, action, "Success", AsteriskVersion=self.version)
            case "CoreStatus":
                day, time = datetime.fromtimestamp(self.loaded_at).isoformat(" ", "seconds").split()  # noqa: DTZ006
                self._respond(writer, action, "Success", CoreReloadDate=day, CoreReloadTime=time)
            case "Getvar":
                value = self.globals.get(action["variable"], "")
                self._respond(writer, action, "Success", Variable=action["variable"], Value=value)
            case "DeviceStateList":
                shown = [[("Device", d), ("State", s)] for d, s in self.devices.items()]
                self._list(writer, action, "DeviceStateChange", shown)
            case "CoreShowChannels":
                shown = [
                    [*c.headers(), ("BridgeId", c.bridge), ("Context", "hotline-route"), ("Exten", "s")]
                    for c in self.channels.values()
                ]
                self._list(writer, action, "CoreShowChannel", shown)
            case "Hangup":
                self._asked_to_hang_up(action, writer)
            case name:
                self._respond(writer, action, "Error", Message=f"Invalid/unknown command: {name}.")

    def _log_in(self, action: dict[str, str], writer: asyncio.StreamWriter) -> None:
        if (action["username"], action["secret"]) != (self.user, self.secret):
            self._respond(writer, action, "Error", Message="Authentication failed")
            writer.close()
            return
        self.logins += 1
        self._respond(writer, action, "Success", Message="Authentication accepted")
        self._writers.append(writer)
        if self.boots:
            self.booted()

    def _asked_to_hang_up(self, action: dict[str, str], writer: asyncio.StreamWriter) -> None:
        channel = self.channels.get(action["channel"])
        if channel is None:
            self._respond(writer, action, "Error", Message="No such channel")
            return
        self._respond(writer, action, "Success", Message="Channel Hungup")
        self.event("DialEnd", self._caller, dest=channel, DialStatus="NOANSWER")
        self._gone(channel, 0)

    def _respond(self, writer: asyncio.StreamWriter, action: dict[str, str], response: str, **more: str) -> None:
        echo = {"ActionID": action["actionid"]} if "actionid" in action else {}
        writer.write(_block([("Response", response), *echo.items(), *more.items()]))

    def _list(
        self, writer: asyncio.StreamWriter, action: dict[str, str], name: str, shown: list[list[tuple[str, str]]]
    ) -> None:
        own = ("ActionID", action["actionid"])
        self._respond(writer, action, "Success", EventList="start")
        for item in shown:
            writer.write(_block([("Event", name), own, *item]))
        end = [("Event", f"{action['action']}Complete"), own, ("EventList", "Complete"), ("ListItems", str(len(shown)))]
        writer.write(_block(end))

    def say(self, data: bytes) -> None:
        """Raw bytes to everybody who is logged in."""
        for writer in self._writers:
            writer.write(data)

    def event(
        self, name: str, channel: FakeChannel | None = None, dest: FakeChannel | None = None, **more: str
    ) -> None:
        self.now = round(self.now + 0.01, 6)
        legs = (channel.headers() if channel else []) + (dest.headers("Dest") if dest else [])
        self.say(_block([("Event", name), ("Timestamp", f"{self.now:.6f}"), *legs, *more.items()]))

    # -- what happens in Asterisk --------------------------------------------------------------------------------------

    def booted(self) -> None:
        self.say(_block([("Event", "FullyBooted"), ("Status", "Fully Booted")]))

    def device(self, device: str, state: str) -> None:
        self.devices[device] = state
        self.event("DeviceStateChange", Device=device, State=state)

    @property
    def _caller(self) -> FakeChannel:
        return next(c for c in self.channels.values() if c.name.startswith("PJSIP/carrier"))

    def arrives(self, uniqueid: str = "1795300000.1") -> str:
        """A caller; returns the call id."""
        channel = self.channels[uniqueid] = FakeChannel(uniqueid, f"PJSIP/carrier-{uniqueid}", "Ring")
        self.event("Newchannel", channel)
        stamp = f"{int(self.now * 1000)}"
        call_id = f"{stamp}-{uniqueid}"
        channel.variables = {names.CALL: call_id, names.LINE: "12345", names.ARRIVED: stamp}
        ours = {
            "UserEvent": names.EVENT_ARRIVAL,
            "Call": call_id,
            "Line": "12345",
            "Arrived": stamp,
            "Trunk": "carrier",
        }
        self.event("UserEvent", channel, **ours)
        return call_id

    def rings(self, seat: str = "1001") -> FakeChannel:
        phone = FakeChannel(f"1795300000.{seat}", f"PJSIP/{seat}-00000001")
        self.channels[phone.uniqueid] = phone
        self.event("Newchannel", phone)
        phone.variables = {names.CALL: self._caller.variables[names.CALL], names.SEAT_VAR: seat}
        self.event("DialBegin", self._caller, dest=phone, DialString=seat)
        phone.state = "Ringing"
        self.event("Newstate", phone)
        self.event("DialState", self._caller, dest=phone, DialStatus="RINGING")
        self.device(f"PJSIP/{seat}", "BUSY")
        return phone

    def answers(self, phone: FakeChannel) -> None:
        phone.state = "Up"
        self.event("Newstate", phone)
        self._caller.variables |= {names.ANSWERED: f"{int(self.now * 1000)}", names.SEAT_VAR: "1001"}
        self.event("DialEnd", self._caller, dest=phone, DialStatus="ANSWER")
        for leg in (phone, self._caller):
            leg.state, leg.bridge = "Up", "bridge-1"
            self.event("BridgeEnter", leg, BridgeUniqueid="bridge-1", BridgeName="<unknown>")

    def says_goodbye(self, who: FakeChannel) -> None:
        """The first leg's far end hangs up, and Asterisk ends the others."""
        self.event("HangupRequest", who, Cause="16")
        for leg in [who, *(c for c in list(self.channels.values()) if c is not who)]:
            if leg.bridge:
                self.event("BridgeLeave", leg, BridgeUniqueid=leg.bridge)
        for leg in [who, *(c for c in list(self.channels.values()) if c is not who)]:
            self._gone(leg, 16)

    def caller_says_goodbye(self) -> None:
        self.says_goodbye(self._caller)

    def _gone(self, leg: FakeChannel, cause: int) -> None:
        del self.channels[leg.uniqueid]
        self.event("Hangup", leg, Cause=str(cause))
        device = leg.name.rpartition("-")[0]
        if self.devices.get(device) == "BUSY":
            self.device(device, "NOT_INUSE")


def _block(headers: list[tuple[str, str]]) -> bytes:
    return (EOL.join(f"{key}: {value}" for key, value in headers) + EOL + EOL).encode()
