"""A joined call whose service dies."""

from __future__ import annotations

from sandbox.waiting import until
from telephony import names
from telephony.ami import joins
from telephony.ami.actions import AmiAction
from tests.e2e.joining.cells import NAMED, QUEUED, WORLDS, Cell, Moment, Who, World, begin, leave, picked_up
from tests.e2e.joining.lanes import Lane, Lanes
from tests.e2e.joining.play import Play
from tests.e2e.manager import action


class Survivor(Play):
    """One call in one state; `world` is what outsiders should see of it now."""

    def __init__(self, lanes: Lanes, lane: Lane, state: str) -> None:
        super().__init__(lanes, lane, Cell(state, "", None, Moment.AFTER, "department"))
        self.state, self.world = state, WORLDS[state]

    async def reach(self) -> None:
        await self._reach()

    async def is_so(self) -> World:
        """As outsiders hear it, and as Asterisk's lists have it; the service is not asked."""
        return await self._until({self.world})

    async def is_known(self) -> None:
        """The service says the same."""
        await self._in_state(NAMED.get(self.state, self.state))

    async def ask(self, act: str) -> None:
        await self._ask(act)
        self.world = begin(self.world, act)

    async def pick_up(self) -> None:
        """Whoever rings."""
        assert self.world.rings is not None
        await self._answer(self.world.rings)
        self.world = picked_up(self.world)

    async def leaves(self, who: Who) -> None:
        """Somebody hangs up. Whoever rings then is picked up."""
        await self._leaves(who)
        self.world = picked_up(leave(self.world, who))

    async def dies(self, who: Who) -> None:
        """His phone is gone. Whoever rings then is picked up."""
        await self._dies(who)
        self.world = picked_up(leave(self.world, who, dies=True))

    async def stranded(self) -> None:
        """From his talk with the agent alone into the room of the call, where nobody is: the agent's leg ends with that."""
        where = {"Context": names.CONFERENCE, "Exten": names.Room.CALLER.value, "Priority": "1"}
        fields = {"Channel": self.call_id.partition("-")[2], **where}
        await action(self._lanes.stage, AmiAction("Redirect", tuple(fields.items())))
        await self.agent.until_ended()
        self._somebody_left, self.world = True, QUEUED

    async def unfindable(self) -> None:
        """The third party stands in a room that nobody finds by the name of the call, when the agent leaves (see
        docs/decisions/0020, where Asterisk does that by itself)."""
        third, elsewhere = joins.third_id(self.call_id, "1.1"), f"elsewhere-{self.call_id}"
        await self._third_is_of(third, elsewhere)
        where = {"Context": names.CONFERENCE, "Exten": names.Room.THIRD.value, "Priority": "1"}
        await action(self._lanes.stage, AmiAction("Redirect", tuple({"Channel": third, **where}.items())))

        async def there() -> bool:
            return elsewhere in await self._lanes.stage.sandbox.cli("confbridge list")

        await until(there, 20, "the third party is elsewhere")
        await self._third_is_of(third, self.call_id)
        await self.leaves(Who.AGENT)

    async def _third_is_of(self, third: str, call: str) -> None:
        fields = {"Channel": third, "Variable": names.CALL, "Value": call}
        await action(self._lanes.stage, AmiAction("Setvar", tuple(fields.items())))

    async def end(self) -> None:
        self._revive()
        await self._tidy()
        await self._records()
