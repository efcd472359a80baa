"""One cell of the matrix, played: the state is reached, the act asked for, somebody leaves, and outsiders judge the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from itertools import count
from typing import Final

from sqlalchemy import select

from config.feature_codes import feature_codes
from routing.steps import Step, StepKind
from sandbox.phone import Phone
from sandbox.trace import Leg
from sandbox.voice import Voice
from sandbox.waiting import until
from storage.schema import handoffs
from tests.e2e import evidence
from tests.e2e.joining.cells import DIALS, NAMED, OVER, REACHED_BY, WORLDS, Cell, Moment, Who, World, illegal
from tests.e2e.joining.lanes import Lane, Lanes
from tests.e2e.machine import tolerance_s
from tests.e2e.parties import SETTLED_S, Joined, difference, everybody, joined, who_hears_whom

LIMIT_S: Final = 30.0  # for one picture to come true; Asterisk and service take tenths of a second
RELEASED_S: Final = 1.0  # after the caller's goodbye everybody else is free
MUSIC_S: Final = 2.0  # the longest pause in it
KEYS: Final = {code.act.replace("_", "-"): code.keys for code in feature_codes(())}
_numbers = count(13700000001)


class Wrong(AssertionError):
    """The cell did not end as it should; the text says in what."""


class Play:
    """One cell in one lane."""

    def __init__(self, lanes: Lanes, lane: Lane, cell: Cell) -> None:
        self._lanes, self._lane, self.cell = lanes, lane, cell
        self._number = str(next(_numbers))
        self.caller = lanes.caller(lane, self._number)
        self.agent, self.expert = lanes.seats[lane.agent], lanes.seats[lane.expert]
        self.call_id = ""
        self._began = time.time()
        self._somebody_left = False
        self._taken: set[str] = set()
        self._dead: dict[Who, Phone] = {}
        self._pressing: asyncio.Task[None] | None = None

    async def run(self) -> World:
        """Plays it; the end that it came to.

        Raises:
            AssertionError: something was not as it should be.
        """
        async with self.caller:
            try:
                await self._reach()
                await self._act_and_leave()
                end = await self._until(self.cell.ends())
            finally:
                self._revive()
            await self._tidy()
        await self._records()
        return end

    # -- who is who ---------------------------------------------------------------------------------------------------

    def _phone(self, who: Who) -> tuple[Phone, Leg | None]:
        """The telephone of somebody and its newest call for this lane."""
        if who is Who.CALLER:
            return self.caller, self._newest(self.caller)
        if who is Who.AGENT:
            return self.agent, self._newest(self.agent)
        if who is Who.THIRD and self.cell.kind == "agent":
            return self.expert, self._newest(self.expert)
        trunk, leg = self._called(who)
        return self._lanes.thirds[trunk], leg

    def _called(self, who: Who) -> tuple[str, Leg | None]:
        """The trunk of a department or centre, and its newest call."""
        lane = self._lane
        trunks = lane.centre_trunks if who is Who.CENTRE else (lane.department_trunk,)
        trunk, leg = self._lanes.newest(*trunks)
        return trunk, self._recent(leg)

    def _newest(self, phone: Phone) -> Leg | None:
        return self._recent(next(reversed(phone.legs), None))

    def _recent(self, leg: Leg | None) -> Leg | None:
        """Not that of a cell before this one."""
        return leg if leg is not None and leg.invited_at >= self._began else None

    def _voices(self) -> dict[str, Voice]:
        found: dict[str, Voice] = {"spare": self.expert.voice}
        for who in Who:
            phone, leg = self._phone(who)
            if leg is not None:
                found[who] = phone.voice_of(leg)
        if found.get(Who.THIRD) is found["spare"] or self.cell.kind == "agent":
            found[Who.THIRD] = found.pop("spare")
        found.setdefault(Who.AGENT, self.agent.voice)
        return found

    def _endpoint(self, who: Who) -> str:
        if who is Who.CALLER:
            return "carrier"
        if who is Who.AGENT:
            return self._lane.agent
        return self._lane.expert if who is Who.THIRD and self.cell.kind == "agent" else self._called(who)[0]

    # -- what is done -------------------------------------------------------------------------------------------------

    async def _reach(self) -> None:
        """The caller is answered by the agent of the lane, and the state is reached by acts that must all succeed."""
        await self._answer(Who.AGENT)
        self.call_id = await self._call_id()
        await self._until({WORLDS["talking"]})
        *before, last = ("", *REACHED_BY[self.cell.state])
        for verb in filter(None, (*before, last)):
            await self._ask(verb)
            if verb in DIALS and not (verb == last and WORLDS[self.cell.state].rings):
                await self._answer(DIALS[verb])
                await self._in_state("three_way" if verb == "three-way" else "consulting")
        if (rings := WORLDS[self.cell.state].rings) is not None:
            await self._ringing(rings)
        await self._until({WORLDS[self.cell.state]})
        await self._in_state(NAMED.get(self.cell.state, self.cell.state))

    async def _act_and_leave(self) -> None:
        cell = self.cell
        if cell.moment is Moment.BEFORE and cell.leaver:
            await self._goes(cell.leaver)
            asked = await self._lanes.ask(self.call_id, cell.act, **self._target(cell.act))
            self._must(asked.status_code in (202, 404, 409, 422), f"{asked.status_code} {asked.text}")
            return
        await (self._acts() if cell.act else self._refused())
        if cell.act in DIALS:
            await self._ringing(DIALS[cell.act])
        if cell.moment is Moment.IN and cell.leaver:
            await self._goes(cell.leaver)
            return
        if cell.act in DIALS:
            await self._answer(DIALS[cell.act])
        if cell.leaver:
            await self._until({_done(cell)})
            await self._goes(cell.leaver)

    async def _acts(self) -> None:
        if not self.cell.keys:
            await self._ask(self.cell.act)
            return
        target = "".join(self._target(self.cell.act).values())
        keys = f"*{target}" if self.cell.act == "emergency" else KEYS[self.cell.act] + (target and f"{target}#")
        self._pressing = asyncio.create_task(self.agent.voice.press(keys))  # he may be gone before the last is up

        async def asked() -> bool:
            steps = await evidence.story(self._lanes.stage, self.call_id)
            return any(step.kind is StepKind.ACT_ASKED and step.data["via"] == "phone" for step in steps)

        await until(asked, LIMIT_S, f"{self.cell}: asked for by {keys}", poll_s=0.2)

    async def _refused(self) -> None:
        """Each act that is not legal now is refused with a sentence that says what is."""
        for act in illegal(self.cell.state):
            asked = await self._lanes.ask(self.call_id, act, **self._target(act))
            told = f"{act} answered with {asked.status_code} {asked.text}"
            self._must(asked.status_code == 409 and "ossible" in asked.text, told)

    async def _ask(self, verb: str) -> None:
        answer = await self._lanes.ask(self.call_id, verb, **self._target(verb))
        self._must(answer.status_code == 202, f"on the way {verb}: {answer.status_code} {answer.text}")

    def _target(self, verb: str) -> dict[str, str]:
        if verb not in DIALS:
            return {}
        if verb == "emergency":
            return {"emergency": self._lane.centre(self.cell.routes)}
        if self.cell.kind == "department":
            return {"department": self._lane.id}
        return {"agent": self._lane.expert}

    async def _ringing(self, who: Who) -> None:
        def so() -> bool:
            _, leg = self._phone(who)
            return leg is not None and leg.state == "ringing"

        await until(so, LIMIT_S, f"{self.cell}: the telephone of the {who} rings")

    async def _answer(self, who: Who) -> None:
        await self._ringing(who)
        phone, leg = self._phone(who)
        assert leg is not None
        await self._take(phone, leg)

    async def _goes(self, who: Who) -> None:
        await (self._dies(who) if self.cell.dies else self._leaves(who))

    async def _dies(self, who: Who) -> None:
        """His phone sends nothing any more and gives no reply."""
        self._somebody_left = True
        self._dead[who] = self._phone(who)[0]
        self._dead[who].freeze()

    def _revive(self) -> None:
        for phone in self._dead.values():
            phone.thaw()

    async def _leaves(self, who: Who) -> None:
        """Hangs up, or refuses what rings."""
        phone, leg = self._phone(who)
        assert leg is not None
        self._somebody_left = True
        refuses = leg.state == "ringing" and not leg.placed
        await phone.sipp.send("MESSAGE" if refuses else "INFO", leg.call_id)
        await phone.until(lambda legs: all(one.state == "ended" for one in legs if one.call_id == leg.call_id))

    # -- what is judged -----------------------------------------------------------------------------------------------

    async def _until(self, ends: Collection[World]) -> World:
        """One of these pictures, as heard, for longer than an ear remembers, and then as Asterisk's lists have it. Whoever
        rings after somebody has left is picked up.
        """
        end, since, now_is = time.monotonic() + LIMIT_S, 0.0, None
        while True:
            if self._somebody_left:
                await self._pick_up()
            found = next((world for world in ends if self._is(world)), None)
            if found is None or found != now_is:
                now_is, since = found, time.monotonic()
            elif time.monotonic() - since >= SETTLED_S and await self._listed(found):
                return found
            if time.monotonic() > end:
                raise Wrong(await self._wrong(ends))
            await asyncio.sleep(
                0.2 if self._dead else 0.05
            )  # a phone that dies is dead for Asterisk some seconds later

    async def _pick_up(self) -> None:
        for phone, leg in (*map(self._phone, Who), (self.expert, self._newest(self.expert))):
            if leg is not None and leg.state == "ringing" and not leg.placed and phone not in self._dead.values():
                await self._take(phone, leg)

    async def _take(self, phone: Phone, leg: Leg) -> None:
        """Picks a ringing call up, once: told again, the phone would hang up."""
        if leg.call_id not in self._taken:
            self._taken.add(leg.call_id)
            await phone.sipp.send("INFO", leg.call_id)

    def _is(self, world: World) -> bool:
        leg = self._phone(Who.CALLER)[1]
        if Who.CALLER not in self._dead and (leg is not None and leg.state == "ended") != world.over:
            return False
        heard = who_hears_whom(self._voices())
        if world.queued:
            return any(heard == _goal(heard, {Who.CALLER, seat}) for seat in self._seats(heard))
        if world.music and self._voices()[Who.CALLER].silent_for() > MUSIC_S:
            return False
        return heard == _goal(heard, world.room)

    def _seats(self, heard: Collection[str]) -> list[str]:
        """Names of those who may take a caller from the queue."""
        expert = Who.THIRD if self.cell.kind == "agent" else "spare"
        return [name for name in (Who.AGENT, expert) if name in heard]

    async def _listed(self, world: World) -> bool:
        """Asterisk's lists agree with what is heard."""
        found = await joined(self._lanes.stage.sandbox, self.call_id) if self.call_id else Joined("bridge", ("?",))
        if not self.call_id or world.queued:
            return True
        if world.over:
            return found == Joined("gone")
        others = tuple(sorted(self._endpoint(who) for who in world.room - {Who.CALLER}))
        if world.music:
            return (found.place, found.conference) == ("alone", others)
        return found.place in ("bridge", "conference") and found.others == others

    async def _wrong(self, ends: Collection[World]) -> str:
        heard = who_hears_whom(self._voices())
        where = await joined(self._lanes.stage.sandbox, self.call_id) if self.call_id else ""
        goal = next(iter(ends))
        leg = self._phone(Who.CALLER)[1]
        told = f"caller {leg.state if leg else 'has no call'}; {difference(_goal(heard, goal.room), heard)}; {where}"
        return f"{self.cell}: not [{'] or ['.join(map(str, ends))}], but: {told} (call {self.call_id})"

    async def _call_id(self) -> str:
        async def found() -> str:
            live = await self._lanes.live()
            return next((call["id"] for call in live if call["line"] == self._lane.line), "")

        return await until(found, LIMIT_S, f"{self.cell}: the call is live")

    async def _in_state(self, wanted: str) -> None:
        async def so() -> bool:
            live = await self._lanes.live()
            states.append(next((call["state"] for call in live if call["id"] == self.call_id), "gone"))
            return states[-1] == wanted

        states: list[str] = []
        try:
            await until(so, LIMIT_S)
        except AssertionError:
            raise Wrong(f"{self.cell}: state {states[-1:]}, not {wanted} (call {self.call_id})") from None

    async def _tidy(self) -> None:
        """The caller says goodbye, if he is there; everybody else is released within a second, and nothing is left. A phone
        that is back on the network hears from Asterisk that its call is over.
        """
        for phone in self._dead.values():
            await phone.until(lambda legs: all(one.state == "ended" for one in legs), LIMIT_S, "told of its end")
        if self._pressing is not None:
            self._pressing.cancel()
        leg = self._phone(Who.CALLER)[1]
        assert leg is not None
        if leg.state != "ended":
            await self._leaves(Who.CALLER)
        ended = next(one.ended_at for one in self.caller.legs if one.call_id == leg.call_id)
        await self._until({OVER})
        await until(lambda: not self._open(), LIMIT_S, f"{self.cell}: everybody is released")
        last = max((leg.ended_at or 0.0 for leg in self._others()), default=0.0)
        late_s = last - (ended or 0.0) - tolerance_s(ended or 0.0)
        self._must(
            leg.ended_by == "them" or late_s <= RELEASED_S, f"released only {late_s:.2f} s after the caller's goodbye"
        )
        await evidence.ready(self._lanes.stage, self._lane.agent, self._lane.expert)

    def _others(self) -> list[Leg]:
        phones = [self.agent.legs, self.expert.legs]
        phones += [self._lanes.thirds[trunk].legs for trunk in self._lane.thirds]
        return [leg for legs in phones for leg in legs if leg.invited_at >= self._began]

    def _open(self) -> list[Leg]:
        return [leg for leg in self._others() if leg.state != "ended"]

    async def _records(self) -> None:
        """One record, and every act that was asked for has come to an end."""
        (record,) = await evidence.records_of(self._lanes.stage, self._number)
        steps = await evidence.story(self._lanes.stage, record.call_id)
        asked = [step.data["act"] for step in steps if step.kind is StepKind.ACT_ASKED]
        ended = [step.data["act"] for step in steps if step.kind is StepKind.ACT_ENDED]
        rows = await evidence.rows(self._lanes.stage, select(handoffs).where(handoffs.c.call_id == record.call_id))
        told = {f"{row['act']}.{row['leg']}": row["outcome"] for row in rows if row["leg"]}  # 0: never dialled
        dialled = {_leg(step): None for step in steps if step.kind is StepKind.THIRD_DIALED}
        dialled |= {_leg(step): step.data["outcome"] for step in steps if step.kind is StepKind.THIRD_ENDED}
        self._must(told == dialled, f"handoffs {told}, steps {dialled}")
        self._must(asked == sorted(set(asked)) and sorted(ended) == asked, f"acts {asked} asked, {ended} ended")

    def _must(self, true: bool, text: str) -> None:
        if not true:
            raise Wrong(f"{self.cell}: {text} (call {self.call_id})")


def _goal(heard: Collection[str], room: Collection[str]) -> dict[str, set[str]]:
    """Who should hear whom when these are in one room and nobody else is in any."""
    return {name: set() for name in heard} | everybody([str(who) for who in room])


def _leg(step: Step) -> str:
    return f"{step.data['act']}.{step.data['leg']}"


def _done(cell: Cell) -> World:
    """The act's own end, when nobody leaves."""
    (world,) = Cell(cell.state, cell.act, None, cell.moment, cell.kind).ends()
    return world
