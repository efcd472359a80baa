"""The people of the sandbox, each a phone of SIPp's: callers, seats that register, and listeners that just answer.

A caller dials from the carrier's address, waits as long as its patience lasts, talks, and says goodbye or waits for it.
Seats register and do with each call what their `Habit` says. Departments and emergency centres are listeners: they
answer at a fixed address without registering. Everything they saw is a `Leg` with times in microseconds, by SIPp.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sandbox import scenario
from sandbox.phone import KEEP_MESSAGES, MESSAGES, POLL_S, Phone
from sandbox.process import PeopleError, Sipp
from sandbox.scenario import ANSWERS, Habit
from sandbox.trace import Leg
from sandbox.waiting import NeverTrue

CARRIER: Final = "127.0.0.2"
CENTRE: Final = "127.0.0.3"
DEPARTMENT: Final = "127.0.0.4"
CENTRES: Final = (CENTRE, "127.0.0.5", "127.0.0.6")  # an emergency centre's routes, where a test wants several
SEATS: Final = "127.0.0.1"
_presses = count(1)  # each INFO has a higher CSeq than the one before


@dataclass(frozen=True, slots=True)
class Plan:
    """One call to be placed. `patience_s`: gives up unanswered after this (None: never). `talk_s`: says goodbye after
    this (None: waits for the other's). `from_header` replaces the From header made of `caller` and `name` as it stands:
    for callers who send nonsense. `after_s`: one of several dials so long after the start.
    """

    number: str
    caller: str = "13800000001"
    name: str = ""
    patience_s: float | None = None
    talk_s: float | None = None
    from_header: str | None = None
    after_s: float = 0.0

    def header(self, ip: str) -> str:
        """The From header without its tag."""
        if self.from_header is not None:
            return self.from_header
        quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return (f'"{quoted}" ' if self.name else "") + f"<sip:{self.caller}@{ip}>"


class Callers(Phone):
    """Calls placed one after the other by one SIPp, `per_s` a second. `plans[i]` becomes `report(i)`.

    `at_once`: so many of them at a time, the next one dials when one is through; None: as many as come. `voice`: each has
    a tone of his own, and ears (`sandbox/voice.py`).
    """

    def __init__(
        self,
        pbx: tuple[str, int],
        plans: Sequence[Plan],
        folder: Path,
        *,
        per_s: float = 10.0,
        ip: str = CARRIER,
        sound: bool = True,
        at_once: int | None = None,
        voice: bool = False,
    ) -> None:
        super().__init__(Sipp("caller", pbx, ip, folder))
        self.plans = tuple(plans)
        self._per_s = per_s
        self._with_sound = sound
        self._at_once = at_once or 100_000
        if voice:
            self._give_voice(one=len(plans) == 1, paused=not sound)

    async def start(self) -> None:
        """Starts to dial.

        Raises:
            ValueError: one of several callers has a `;` or a line end in what SIPp reads from a table.
        """
        sound = self._sound() if self._with_sound else None
        options = ["-sf", "caller.xml", "-inf", "calls.csv", "-m", str(len(self.plans)), "-l", str(self._at_once)]
        if len(self.plans) == 1:  # as keywords: any text may stand in the headers
            plan = self.plans[0]
            options += ["-key", "number", plan.number, "-key", "from_header", plan.header(self.sipp.ip)]
            text = scenario.caller(
                number="[number]", from_header="[from_header]", sound=sound, media_port=self.media_port
            )
        else:
            later = any(plan.after_s for plan in self.plans)
            text = scenario.caller(
                number="[field0]", from_header="[field1]", sound=sound, later=later, media_port=self.media_port
            )
        self._write("caller.xml", text)
        self._write("calls.csv", self._table())
        kept = KEEP_MESSAGES if self.booth else ()
        await self.sipp.start([*options, *kept, "-r", *self._rate()])

    def _rate(self) -> list[str]:
        """SIPp's rate: whole calls in a period of milliseconds."""
        if self._per_s >= 1 and self._per_s == int(self._per_s):
            return [str(int(self._per_s))]
        return ["1", "-rp", str(max(1, round(1000 / self._per_s)))]

    def _table(self) -> str:
        rows = ["SEQUENTIAL"]
        for plan in self.plans:
            known = ["", ""] if len(self.plans) == 1 else [plan.number, plan.header(self.sipp.ip)]
            fields = [*known, *(str(scenario.milliseconds(s)) for s in (plan.patience_s, plan.talk_s, plan.after_s))]
            if any(sign in field for field in fields for sign in ";\r\n"):
                raise ValueError("several callers: no ';' and no line end in number or caller")
            rows.append(";".join(fields))
        return "\n".join(rows) + "\n"

    def report(self, index: int) -> Leg | None:
        """What the caller of `plans[index]` saw; None while it has not dialled."""
        wanted = self.sipp.call_id(index + 1)
        return next((leg for leg in self.legs if leg.call_id == wanted), None)

    def reports(self) -> list[Leg | None]:
        """What each caller saw, in the order of `plans`."""
        legs = {leg.call_id: leg for leg in self.legs}
        return [legs.get(self.sipp.call_id(number)) for number in range(1, len(self.plans) + 1)]

    async def until_all_ended(self, limit_s: float = 60.0) -> list[Leg]:
        """All legs, when every call was placed and is over."""

        def over(legs: list[Leg]) -> bool:
            return len(legs) == len(self.plans) and all(leg.state == "ended" for leg in legs)

        return await self.until(over, limit_s, "all ended", POLL_S if len(self.plans) < 50 else 10 * POLL_S)

    async def stop(self) -> None:
        """Hangs up what is still open, so that no call is left in the PBX, and ends."""
        for leg in self.legs if self.sipp.alive else ():
            if leg.state != "ended":
                await self.hang_up(leg)
        with contextlib.suppress(NeverTrue, PeopleError):
            await self.until(lambda legs: all(leg.state == "ended" for leg in legs), 2.0)
            await self.sipp.ended(0.5)
        self._end()


class Caller(Callers):
    """Somebody who dials `number` once. Times and end are in `leg`."""

    def __init__(
        self,
        pbx: tuple[str, int],
        number: str,
        folder: Path,
        *,
        caller: str = "13800000001",
        name: str = "",
        patience_s: float | None = None,
        talk_s: float | None = None,
        from_header: str | None = None,
        ip: str = CARRIER,
        sound: bool = True,
        voice: bool = False,
    ) -> None:
        plan = Plan(number, caller, name, patience_s, talk_s, from_header)
        super().__init__(pbx, [plan], folder, ip=ip, sound=sound, voice=voice)


class Dialler(Phone):
    """A seat's phone that dials `number` once and listens until it is hung up: feature codes."""

    def __init__(self, pbx: tuple[str, int], user: str, number: str, folder: Path) -> None:
        super().__init__(Sipp(f"dials-{user}", pbx, SEATS, folder))
        self._user, self._number = user, number

    async def start(self) -> None:
        self._write("dial.xml", scenario.dial(number=self._number, user=self._user))
        await self.sipp.start(["-sf", "dial.xml", "-m", "1", *KEEP_MESSAGES])

    async def cause(self) -> int | None:
        """Why the other side hung up, by the Reason header of its BYE; None without one.

        SIPp writes that a call has ended before it writes what it was told, so this waits for the whole BYE. Raises
        PeopleError: there is none.
        """
        await self.until(lambda _: self._bye(), what="told goodbye")
        match = re.search(r"Reason: Q.850;cause=(\d+)", self._bye())
        return int(match[1]) if match else None

    def _bye(self) -> str:
        """The headers of the BYE that came; "" before all of them are written."""
        text = (self.sipp.folder / MESSAGES).read_text(errors="replace")
        headers, end, _ = text.partition("\n\nBYE ")[2].partition("\n\n")
        return headers if end else ""


class Listener(Phone):
    """Somebody at a fixed address who is called, without registering: a department, an emergency centre, a duty phone.

    Several calls at a time. Those to a number in `by_number` are treated by its habit, all others by `habit`. `voice`: each
    call has a tone of its own, and ears. An address where nobody is to be reached simply has no listener.
    `callers`: calls from other numbers are answered by habit and are none of its `legs`. An INVITE that nobody has answered
    is sent again for 32 s, though it was given up long ago, and so reaches whoever listens there by then.
    """

    def __init__(
        self,
        pbx: tuple[str, int],
        ip: str,
        port: int,
        folder: Path,
        *,
        habit: Habit = ANSWERS,
        name: str = "listener",
        by_number: Mapping[str, Habit] = MappingProxyType({}),
        voice: bool = False,
        callers: Container[str] | None = None,
    ) -> None:
        super().__init__(Sipp(name, pbx, ip, folder, port=port))
        self.habit = habit
        self._by_number = by_number
        self._callers = callers
        if voice:
            self._give_voice(one=False, paused=not habit.audio)

    async def start(self) -> None:
        self._write_answers()
        await self.sipp.start(["-sf", "answer.xml", *KEEP_MESSAGES])

    def _write_answers(self) -> None:
        self._write("answer.xml", scenario.answer(self.habit, self._sound(), self.media_port, self._by_number))

    @property
    def legs(self) -> list[Leg]:
        legs = super().legs
        return legs if self._callers is None else [leg for leg in legs if self.caller_of(leg) in self._callers]

    def caller_of(self, leg: Leg) -> str | None:
        """The number that it was shown for a call, "" for none; None while the INVITE is not written down yet."""
        found = self._requests("INVITE", leg.call_id)
        match = re.search(r"^From: .*<sip:(?:([^@>]*)@)?[^@>]*>", found[0], re.MULTILINE) if found else None
        return (match[1] or "") if match else None

    def legs_to(self, number: str) -> list[Leg]:
        """Its calls to one number, oldest first."""
        return [leg for leg in self.legs if leg.number == number]

    async def pick_up(self, leg: Leg | None = None) -> None:
        """Answers a ringing call now, the newest by default."""
        await self.sipp.send("INFO", await self._rung(leg or self.leg))

    async def refuse(self, leg: Leg | None = None) -> None:
        """Refuses a ringing call now, the newest by default, with its habit's code or 486."""
        await self.sipp.send("MESSAGE", await self._rung(leg or self.leg))

    async def press(self, key: str, leg: Leg | None = None) -> None:
        """Presses a key in a call that it answered, the newest by default."""
        call_id = await self._acknowledged(leg or self.leg)
        await self.sipp.send("PUBLISH", call_id, f"{key}-{next(_presses)}")

    async def mute(self, leg: Leg | None = None) -> None:
        """Sends no more sound in a call, the newest by default, and says nothing about it."""
        if self.booth is not None:
            (self.voice_of(leg) if leg else self.voice).pause()
            return
        await self.sipp.send("MESSAGE", await self._acknowledged(leg or self.leg))

    async def _rung(self, leg: Leg) -> str:
        """The Call-ID, once it has said that it rings: SIPp discards what it is told between the INVITE and that."""
        await self.until(lambda legs: any(of.call_id == leg.call_id and of.ringing_at for of in legs), what="ringing")
        return leg.call_id

    async def _acknowledged(self, leg: Leg) -> str:
        """The Call-ID, once the ACK has come: SIPp begins the talk with it, and the times of the talk."""
        await self.until(lambda _: self._requests("ACK", leg.call_id), what="acknowledged")
        return leg.call_id

    def invite(self, leg: Leg | None = None) -> str:
        """The INVITE of a call as it came, headers and all: what the phone could show."""
        call_id = (leg or self.leg).call_id
        found = self._requests("INVITE", call_id)
        if not found:
            raise PeopleError(f"{self.sipp.name}: no INVITE with Call-ID {call_id}")
        return found[0]

    def _requests(self, method: str, call_id: str) -> list[str]:
        """Those of a call that came, headers and all."""
        text = (self.sipp.folder / MESSAGES).read_text(errors="replace").replace("\r", "")
        parts = (part.partition("\n----")[0] for part in text.split(f"\n\n{method} ")[1:])
        return [f"{method} {part}" for part in parts if f"Call-ID: {call_id}" in part]


class Seats(Listener):
    """Seats that register with the PBX from one address and one process. Password `seat-<user>`.

    `await seats.become(habit)` gives them another habit; calls they have then end without a word.
    """

    def __init__(
        self,
        pbx: tuple[str, int],
        users: Sequence[str],
        folder: Path,
        *,
        habit: Habit = ANSWERS,
        ip: str = SEATS,
        port: int | None = None,
        messages: bool = True,
        voice: bool = False,
    ) -> None:
        Phone.__init__(self, Sipp(f"seat-{users[0]}", pbx, ip, folder, port=port))
        self.users = tuple(users)
        self.habit = habit
        self._by_number, self._callers = {}, None
        self._messages = messages or voice
        if voice:
            self._give_voice(one=len(users) == 1, paused=not habit.audio)

    async def start(self, limit_s: float = 60.0) -> None:
        """Registers all of them; returns when the PBX has said yes to each.

        Raises:
            PeopleError: it did not within `limit_s`.
        """
        count = str(len(self.users))
        rows = ["SEQUENTIAL", *(f"{user};[authentication username={user} password=seat-{user}]" for user in self.users)]
        self._write("seats.csv", "\n".join(rows) + "\n")
        self._write("register.xml", scenario.register())
        self._write_answers()
        options = [
            "-sf",
            "register.xml",
            "-oocsf",
            "answer.xml",
            "-inf",
            "seats.csv",
            "-m",
            count,
            "-l",
            count,
            "-r",
            "50",
        ]
        await self.sipp.start([*options, *(KEEP_MESSAGES if self._messages else ())])
        await self.until(lambda _: self._registered() == len(self.users), limit_s, "registered")

    def questions(self) -> int:
        """How often the PBX asked whether the phones are there (OPTIONS)."""
        self.sipp.trace.read()
        return self.sipp.trace.questions

    def _registered(self) -> int:
        return sum(self.sipp.trace.registered.values())

    async def become(self, habit: Habit) -> None:
        """The same phones at the same address, with another habit."""
        self.sipp.kill()
        self.habit = habit
        self.sipp = self.sipp.again()
        if self.booth is not None:
            self.booth.follow(self.sipp.folder / MESSAGES)
        await self.start()

    async def stop(self, *, quietly: bool = False) -> None:
        """Signs out (unless `quietly`) and ends."""
        if self.sipp.alive and not quietly:
            self.sipp.thaw()
            for number in range(1, len(self.users) + 1):
                await self.sipp.send("INFO", self.sipp.call_id(number))
            with contextlib.suppress(NeverTrue):
                await self.sipp.ended(2.0)
        self._end()


class Seat(Seats):
    """One seat."""

    def __init__(
        self,
        pbx: tuple[str, int],
        user: str,
        folder: Path,
        *,
        habit: Habit = ANSWERS,
        ip: str = SEATS,
        port: int | None = None,
        voice: bool = False,
    ) -> None:
        super().__init__(pbx, [user], folder, habit=habit, ip=ip, port=port, voice=voice)
