"""Lost calls as debts: who abandoned is called back when an agent can be spared, once, and never before people who wait."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from sandbox.people import Caller, Listener
from sandbox.places import Ports
from sandbox.root import Asterisk
from sandbox.scenario import ANSWERS, BUSY, RINGS_FOR_EVER
from service.cli.stage import Stage
from storage.schema import outbound_calls
from tests.e2e.cast import Cast, number_of
from tests.e2e.evidence import in_state, ready, rows, several, until_waiting, with_key
from tests.e2e.parties import channels, nothing_left
from tests.e2e.staging import command, far_from_midnight, timing

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINE = "12345"
SEAT = "1011"  # general skill alone
CALLBACKS = """
[callbacks]
hours = "daily 00:00-24:00"
keep_free = 0
keep_free_ratio = 0.0
retry_s = 1.0
retry_growth = 1.0
declined_pause_s = 1.0
lost_after_s = 0.0
lost_calls_decision = "the city of the test"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    edit = several(
        timing(wrap_up_s=1, ring_s=10, no_answer_pause_s=1, call_out_agent_ring_s=60, call_out_ring_s=30, lease_s=10),
        with_key("line", LINE, "lost_calls = true"),
        lambda text: text + CALLBACKS,
        far_from_midnight,
    )
    async with Stage(folder / "stage", asterisk, ports, edit=edit).serving() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def people(stage: Stage) -> AsyncIterator[Cast]:
    """Each test ends with nothing left over, and with nobody to be called."""
    async with Cast(stage) as cast:
        yield cast
    await nothing_left(stage)
    assert await owed(stage) == []


async def owed(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await stage.api("/api/v1/callbacks?state=open&state=placed&state=not_reached")
    return found


async def the_debt(stage: Stage) -> int:
    """The one entry that is owed, once there is one; it says of what it was made."""

    async def there() -> list[dict[str, Any]]:
        return await owed(stage)

    found = await stage.until(there, 20, "a debt")
    assert isinstance(found, list)
    (entry,) = found
    assert (entry["lost"], entry["consent"], entry["line"], entry["added_by"]) == (True, False, LINE, "service")
    return int(entry["id"])


async def until_entry(stage: Stage, id_: int, *states: str) -> dict[str, Any]:
    async def so() -> dict[str, Any] | None:
        found: dict[str, Any] = await stage.api(f"/api/v1/callbacks/{id_}")
        return found if found["state"] in states else None

    found = await stage.until(so, 40, f"call-back {' or '.join(states)}")
    assert isinstance(found, dict)
    return found


async def placed(stage: Stage, id_: int) -> list[dict[str, Any]]:
    """The calls placed for an entry, the first one first, as the database has them."""
    table = outbound_calls.c
    return await rows(stage, select(outbound_calls).where(table.callback == id_).order_by(table.asked_ms))


async def until_out(stage: Stage, id_: int, state: str) -> None:
    async def so() -> bool:
        return any(call["state"] == state for call in await stage.api(f"/api/v1/outbound-calls?callback={id_}"))

    await stage.until(so, 30, f"an outbound call {state}")


async def nothing_on_the_line(stage: Stage) -> None:
    async def so() -> bool:
        return not await channels(stage.sandbox)

    await stage.until(so, 20, "no channel left")


async def speaking(stage: Stage, citizen: Listener) -> None:
    """Citizen and agent are in one bridge, whether the service sees it or not."""
    await citizen.until_talking()

    async def together() -> bool:
        bridges = [channel.bridge for channel in await channels(stage.sandbox) if channel.bridge]
        return len(bridges) > len(set(bridges))

    await stage.until(together, 20, "citizen and agent in one bridge")


async def abandoned(stage: Stage, people: Cast, *, caller: str | None = None) -> tuple[Caller, int]:
    """A caller who gave up while the only agent talked, and the debt that he left."""
    gives_up = await people.caller(caller=caller)
    await until_waiting(stage, LINE, 1)
    await gives_up.hang_up()
    return gives_up, await the_debt(stage)


async def test_caller_who_abandoned_is_called_back_when_the_seat_is_free_and_the_debt_is_closed(
    stage: Stage, people: Cast
) -> None:

    async def known() -> Any:
        return (await stage.api("/api/v1/status"))["lost_today"]

    before: Any = await stage.until(known, 20, "the lost calls of today are known")
    seat, talking = await people.busy_seat(SEAT)
    lost, id_ = await abandoned(stage, people)
    again = await people.caller(caller=number_of(lost))
    await until_waiting(stage, LINE, 1)
    await again.hang_up()  # he gives up twice, and is owed one call

    async def counted() -> bool:
        now = (await stage.api("/api/v1/status"))["lost_today"]
        return now is not None and now["calls"] == before["calls"] + 2 and now["not_served"] == before["not_served"] + 1

    await stage.until(counted, 30, "one citizen more is not served")
    assert await the_debt(stage) == id_
    citizen = await people.citizen()
    await talking.hang_up()
    await speaking(stage, citizen)
    assert "未接回拨" in seat.invite(seat.legs[-1])
    await in_state(stage, SEAT, "talking")
    await citizen.hang_up()
    await until_entry(stage, id_, "reached")
    (call,) = await placed(stage, id_)
    assert (call["outcome"], call["paced"], call["agent_id"], call["asked_by"]) == ("answered", True, SEAT, "service")
    _, told = await command(stage, "report", "lost")
    assert [one["served_by"] for one in told["calls"]][-2:] == ["called back", "called back"]

    async def agrees() -> bool:
        shown = (await stage.api("/api/v1/status"))["lost_today"]
        gauge = await stage.total("hotline_citizens_not_served_today")
        return bool(shown["not_served"] == told["not_served"] == gauge == before["not_served"])

    await stage.until(agrees, 30, "status, metric and report say the same")
    await nothing_left(stage)
    assert len(citizen.legs) == 1


async def test_citizen_who_is_not_reached_three_times_is_given_up_with_the_reason(stage: Stage, people: Cast) -> None:
    _, talking = await people.busy_seat(SEAT)
    _, id_ = await abandoned(stage, people)
    citizen = await people.citizen(BUSY)
    await talking.hang_up()
    found = await until_entry(stage, id_, "given_up")
    assert (found["attempts"], found["closed_by"], found["next_try_at"]) == (3, "service", None)
    assert found["reason"] == "not reached in 3 tries: busy, busy, busy"
    await ready(stage, SEAT)
    assert [call["outcome"] for call in await placed(stage, id_)] == ["busy"] * 3
    assert len(citizen.legs) == 3


async def test_whoever_waits_is_served_before_a_call_back(stage: Stage, people: Cast) -> None:
    seat, talking = await people.busy_seat(SEAT)
    _, id_ = await abandoned(stage, people)
    waiting = await people.caller()
    await until_waiting(stage, LINE, 1)
    citizen = await people.citizen()
    await talking.hang_up()
    await waiting.until_talking()
    assert await placed(stage, id_) == []
    await waiting.hang_up()
    await speaking(stage, citizen)
    await seat.hang_up()
    await until_entry(stage, id_, "reached")


async def test_caller_who_arrives_while_the_agent_is_rung_for_a_call_back_goes_first(
    stage: Stage, people: Cast
) -> None:
    seat, talking = await people.busy_seat(SEAT)
    _, id_ = await abandoned(stage, people)
    await seat.become(RINGS_FOR_EVER)
    citizen = await people.citizen()
    await talking.hang_up()
    await until_out(stage, id_, "agent_ringing")
    caller = await people.caller()
    await seat.until(lambda legs: len(legs) == 2 and legs[-1].state == "ringing", what="ringing for the caller")
    await seat.pick_up(seat.legs[-1])
    await caller.until_talking()
    assert not citizen.legs

    async def withdrawn() -> bool:
        return [call["outcome"] for call in await placed(stage, id_)] == ["withdrawn"]

    await stage.until(withdrawn, 10, "the first call-back withdrawn")
    await caller.hang_up()
    await seat.until(lambda legs: len(legs) == 3 and legs[-1].state == "ringing", what="ringing for the call-back")
    await seat.pick_up(seat.legs[-1])
    await speaking(stage, citizen)
    await citizen.hang_up()
    found = await until_entry(stage, id_, "reached")
    assert (found["attempts"], len(citizen.legs)) == (1, 1)


async def test_citizen_who_calls_in_while_his_call_back_rings_is_served_once(stage: Stage, people: Cast) -> None:
    _, talking = await people.busy_seat(SEAT)
    lost, id_ = await abandoned(stage, people)
    citizen = await people.citizen(RINGS_FOR_EVER)
    await talking.hang_up()
    await until_out(stage, id_, "citizen_ringing")
    himself = await people.caller(caller=number_of(lost))
    await himself.until_talking()
    await citizen.until_ended()
    found = await until_entry(stage, id_, "served")
    assert found["reason"] == "called again and spoke to a person"
    await himself.hang_up()
    await ready(stage, SEAT)
    assert len(citizen.legs) == 1


@pytest.mark.parametrize("killed", ["lost", "agent_ringing", "unseen", "citizen_ringing", "talking"])
async def test_service_killed_at_any_moment_calls_the_citizen_exactly_once(
    stage: Stage, people: Cast, killed: str
) -> None:
    """`unseen`: while the service is away the agent picks up, the citizen answers, and both have hung up."""
    seat, talking = await people.busy_seat(SEAT)
    if killed == "lost":
        lost = await people.caller()
        await until_waiting(stage, LINE, 1)
        await stage.end_service(signal.SIGKILL)
        await lost.hang_up()
        await stage.start_service()
        id_ = await the_debt(stage)
    else:
        _, id_ = await abandoned(stage, people)
    if killed in ("agent_ringing", "unseen"):
        await seat.become(RINGS_FOR_EVER)
    citizen = await people.citizen(RINGS_FOR_EVER if killed == "citizen_ringing" else ANSWERS)
    await talking.hang_up()
    if killed != "lost":
        await until_out(stage, id_, "agent_ringing" if killed == "unseen" else killed)
        await stage.end_service(signal.SIGKILL)
    if killed == "unseen":
        await seat.pick_up(seat.legs[-1])
        await speaking(stage, citizen)
        await citizen.hang_up()
        await nothing_on_the_line(stage)
    if killed != "lost":
        await stage.start_service()
    if killed == "agent_ringing":
        await seat.pick_up(seat.legs[-1])
    if killed == "citizen_ringing":
        await citizen.pick_up()
    if killed != "unseen":
        await speaking(stage, citizen)
        await citizen.hang_up()
    found = await until_entry(stage, id_, "reached")
    await ready(stage, SEAT)
    assert (found["attempts"], len(citizen.legs)) == (1, 1)
    assert [call["outcome"] for call in await placed(stage, id_)] == ["answered"]
