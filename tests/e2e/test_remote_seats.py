"""Remote seats (云座席): any telephone behind a trunk, whose agent takes a call by a key, so that a mailbox never does."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import DEPARTMENT, Caller, Listener
from sandbox.root import Asterisk
from sandbox.scenario import RINGS_FOR_EVER, Habit
from service.cli.stage import Stage
from tests.e2e.cast import Cast, number_of
from tests.e2e.evidence import (
    act,
    caller_at,
    in_state,
    known_calls,
    new_calls,
    outcomes,
    pauses,
    record,
    several,
    story,
    until_waiting,
)
from tests.e2e.machine import tolerance_s
from tests.e2e.staging import nothing_left_over, timing

NEAR, FAR = "2001", "2002"  # behind the carrier and behind the trunk of the departments
DESK, NEXT = "1011", "1012"
TELEPHONE = "13900000001"
RING_S = 8.0
CONFIRM_S = 4.0  # a test asks Asterisk's console three times between picking up and the key
PICKS_UP = Habit(ring_s=0.2)  # and does nothing more: a mailbox, or an agent before he presses the key
SEATS = f"""
[[agent]]
id = "{NEAR}"
skills = {{ general = 5 }}
sign_in = "agent"

[[agent]]
id = "{FAR}"
skills = {{ general = 5 }}
sign_in = "agent"

[[seat]]
id = "{NEAR}"
telephone = "{TELEPHONE}"
trunk = "carrier"

[[seat]]
id = "{FAR}"
telephone = "13900000002"
trunk = "department"
lines = ["12345"]
"""


def commands_follow_up(text: str) -> str:
    return text.replace("[dialing]\n", '[dialing]\nfollow_up_roles = ["engineer"]\n')


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    times = timing(
        wrap_up_s=0,
        ring_s=RING_S,
        ring_several_after_s=0.001,  # whoever is ready rings at once
        restart_window_s=1,
        answer_notice_after_s=0,
        remote_ring_s=20,
        remote_confirm_s=CONFIRM_S,
    )
    duty = [lambda text: text + SEATS, lambda text: re.sub(r"duty_seats = .*", f'duty_seats = ["{NEAR}"]', text)]
    stage = Stage(folder, asterisk, ports, edit=several(times, *duty, commands_follow_up))
    try:
        await stage.start_asterisk()
        await stage.start_service()
        yield stage
    finally:
        await stage.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def people(stage: Stage) -> AsyncIterator[Cast]:
    async with Cast(stage) as people:
        yield people
    if stage.service is None:  # the test failed while it was killed
        await stage.start_service()
    for agent in (NEAR, FAR):
        await act(stage, agent, "sign-out")
    await nothing_left_over(stage)


async def work(stage: Stage, seat: str) -> None:
    """The agent of the remote seat signs in and is ready."""
    assert (await act(stage, seat, "sign-in", seat=seat)).status_code == 200
    assert (await act(stage, seat, "ready")).status_code == 200
    await in_state(stage, seat, "ready")


async def until_picked_up(telephone: Listener) -> None:
    await telephone.until(lambda legs: legs and legs[-1].answered_at, what="picked up")


async def heard(stage: Stage) -> list[tuple[int, int]]:
    """Packets of sound received from and sent to each leg so far."""
    rows = [line.split() for line in (await stage.sandbox.cli("pjsip show channelstats")).splitlines()]
    at = [(row, row.index("alaw")) for row in rows if "alaw" in row]
    return [(int(row[place + 1]), int(row[place + 5])) for row, place in at]


async def test_the_agent_presses_1_and_only_then_the_caller_is_answered(stage: Stage, people: Cast) -> None:
    telephone = await people.telephone(PICKS_UP)
    await work(stage, NEAR)
    caller = await people.caller()
    await until_picked_up(telephone)

    async def beeps() -> bool:
        return any(sent > 10 for _, sent in await heard(stage))

    await stage.until(beeps, 10, "the agent hears that somebody calls")
    assert caller.leg.state == "ringing"
    assert telephone.leg.number == TELEPHONE
    assert caller_at(telephone) == "12345"
    assert number_of(caller) not in telephone.invite()
    pressed_at = time.time()
    await telephone.press("1")
    answered = await caller.until_talking()
    assert answered.answered_at is not None
    assert answered.answered_at > pressed_at

    async def both_speak() -> bool:
        found = await heard(stage)
        return len(found) == 2 and all(min(packets) > 20 for packets in found)

    await stage.until(both_speak, 10, "sound both ways")
    await in_state(stage, NEAR, "talking")
    await caller.hang_up()
    assert (await telephone.until_ended()).ended_by == "them"
    found = await record(stage, caller)
    assert (found.seat_id, found.outcome, found.judged) == (NEAR, "answered", "in_time")
    assert found.wait_ms is not None
    assert found.wait_ms / 1000 >= pressed_at - caller.leg.invited_at - tolerance_s(caller.leg.invited_at)
    assert await outcomes(stage, found.call_id) == [(NEAR, "answered")]


async def test_a_mailbox_that_answers_stops_no_other_seats_ringing(stage: Stage, people: Cast) -> None:
    telephone, desk = await people.telephone(PICKS_UP), await people.seat(DESK, RINGS_FOR_EVER)
    await work(stage, NEAR)
    caller = await people.caller()
    await until_picked_up(telephone)
    await telephone.until_ended()
    assert [leg.state for leg in desk.legs] == ["ringing"]
    await desk.pick_up()
    await caller.until_talking()
    await in_state(stage, DESK, "talking")
    await caller.hang_up()
    found = await record(stage, caller)
    assert found.seat_id == DESK
    assert sorted(await outcomes(stage, found.call_id)) == [(DESK, "answered"), (NEAR, "not_confirmed")]


async def test_of_several_the_first_to_confirm_has_the_caller(stage: Stage, people: Cast) -> None:
    slow, quick = await people.telephone(PICKS_UP), await people.telephone(PICKS_UP, DEPARTMENT)
    desk = await people.seat(DESK, RINGS_FOR_EVER)
    await work(stage, NEAR)
    await work(stage, FAR)
    caller = await people.caller()
    await until_picked_up(slow)
    await until_picked_up(quick)
    await quick.press("1")
    await caller.until_talking()
    assert (await desk.until_ended()).ended_by == "them"
    assert (await slow.until_ended()).ended_by == "them"
    assert quick.leg.state == "talking"
    await in_state(stage, FAR, "talking")
    await caller.hang_up()
    found = await record(stage, caller)
    told = {(NEAR, "cancelled"), (DESK, "cancelled"), (FAR, "answered")}
    assert set(await outcomes(stage, found.call_id)) == told
    await in_state(stage, NEAR, "ready")  # it costs nobody anything


async def test_whom_neither_a_mailbox_nor_the_phone_beside_it_takes_goes_on_to_the_next_seat(
    stage: Stage, people: Cast
) -> None:
    began = time.time()
    telephone, desk = await people.telephone(PICKS_UP), await people.seat(DESK, RINGS_FOR_EVER)
    await work(stage, NEAR)
    caller = await people.caller(talk_s=0.1)
    mailbox, rung = await telephone.until_ended(), await desk.until_ended(20)
    assert caller.leg.state == "ringing"
    await people.seat(NEXT)
    await caller.until_ended()
    assert (len(telephone.legs), len(desk.legs)) == (1, 1)
    assert mailbox.ended_by == "them"
    assert mailbox.talk_s is not None
    assert mailbox.talk_s >= CONFIRM_S
    assert rung.ended_at is not None
    assert rung.ended_at - rung.invited_at < RING_S + 1 + tolerance_s(rung.invited_at)
    found = await record(stage, caller)
    assert found.seat_id == NEXT
    backs = [step.data["back_from"] for step in await story(stage, found.call_id) if "back_from" in step.data]
    assert backs == ["NOANSWER"]  # and not busy
    assert sorted(await outcomes(stage, found.call_id)) == [
        (DESK, "no_answer"),
        (NEXT, "answered"),
        (NEAR, "not_confirmed"),
    ]
    (pause,) = [one for one in await pauses(stage, NEAR, began) if one["reason"] == "auto: no answer"]
    assert pause["until_ms"] is None


@pytest.mark.parametrize(
    ("habit", "key", "outcome"),
    [
        pytest.param(PICKS_UP, "2", "busy", id="another-key"),
        pytest.param(Habit(ring_s=0.2, talk_s=0.5), None, "not_confirmed", id="puts-it-down"),
    ],
)
async def test_an_agent_who_refuses_is_left_for_the_next_seat(
    stage: Stage, people: Cast, habit: Habit, key: str | None, outcome: str
) -> None:
    telephone = await people.telephone(habit)
    await work(stage, NEAR)
    caller = await people.caller(talk_s=0.1)
    await until_picked_up(telephone)
    if key is not None:
        await telephone.press(key)
    await telephone.until_ended()
    assert caller.leg.state == "ringing"
    await people.seat(DESK)
    await caller.until_ended()
    found = await record(stage, caller)
    assert await outcomes(stage, found.call_id) == [(NEAR, outcome), (DESK, "answered")]
    assert telephone.leg.ended_by == ("us" if key is None else "them")


@pytest.mark.parametrize("asked", [False, True], ids=["while-it-rings", "while-it-is-asked"])
async def test_a_caller_who_gives_up_ends_the_ringing(stage: Stage, people: Cast, asked: bool) -> None:
    telephone = await people.telephone(RINGS_FOR_EVER)
    await work(stage, NEAR)
    caller = await people.caller()
    await telephone.until(lambda legs: legs and legs[0].state == "ringing")
    other = await people.caller()
    await until_waiting(stage, "12345", 2)
    if asked:
        await telephone.pick_up()
        await until_picked_up(telephone)
    await caller.hang_up()
    gone = await caller.until_ended()
    rung, again = (await telephone.until(lambda legs: len(legs) == 2 and legs[0].ended_at))[:2]
    assert gone.ended_at is not None
    assert rung.ended_at is not None
    assert rung.ended_at - gone.ended_at < 1 + tolerance_s(gone.invited_at)
    assert again.invited_at - gone.ended_at < 3 + tolerance_s(gone.invited_at)  # not after the pause of a busy seat
    await other.hang_up()
    await telephone.until_ended()
    found = await record(stage, caller)
    assert (found.outcome, found.judged) == ("abandoned", "abandoned")
    assert await outcomes(stage, found.call_id) == [(NEAR, "cancelled")]
    await in_state(stage, NEAR, "ready")


async def test_who_waits_for_a_telephone_that_nobody_picks_up_has_a_phone_after_its_ring_time(
    stage: Stage, people: Cast
) -> None:
    telephone = await people.telephone(RINGS_FOR_EVER)
    await work(stage, NEAR)
    caller = await people.caller(talk_s=0.1)
    await telephone.until(lambda legs: legs and legs[0].state == "ringing")
    desk = await people.seat(DESK)
    await caller.until_ended()
    await telephone.until_ended()
    rung = telephone.legs[0]
    assert rung.ended_by == "them"
    assert RING_S - 0.5 < desk.leg.invited_at - rung.invited_at < RING_S + 2 + tolerance_s(rung.invited_at)
    found = await record(stage, caller)
    told = await outcomes(stage, found.call_id)
    assert told[0] == (NEAR, "cancelled")
    assert set(told) == {(NEAR, "cancelled"), (DESK, "answered")}  # it may ring beside the phone once more
    await in_state(stage, NEAR, "ready")


async def test_a_service_killed_in_a_remote_talk(stage: Stage, people: Cast) -> None:
    """Without it the agent is asked for the key too, and whom he talks with is known to a service that is started anew."""
    known = await known_calls(stage)
    telephone = await people.telephone(PICKS_UP)
    await work(stage, NEAR)
    snapshot = stage.settings.data_dir / "snapshot.json"
    await stage.until(lambda: f'"12345":["{NEAR}"]' in snapshot.read_text(), 10, "the snapshot names the seat")
    first = await people.caller()
    await _confirmed(telephone, first, legs=1)
    await stage.end_service(signal.SIGKILL)
    second = await people.caller()
    await stage.until(lambda: _stages(stage), 15, "the seats of the snapshot are tried")
    assert len(telephone.legs) == 1
    await first.hang_up()
    await _confirmed(telephone, second, legs=2)
    assert await _stages(stage) == {"seats"}
    snapshot.unlink()
    third = await people.caller("12333")  # of which Asterisk knows no seats: the queue of the duty seats
    await second.hang_up()
    await telephone.until(lambda legs: len(legs) >= 3 and legs[2].state == "ended", 30, "a mailbox")
    assert third.leg.state == "ringing"
    await _confirmed(telephone, third, legs=4)
    assert (telephone.leg.number, await _stages(stage)) == (TELEPHONE, {"seats", "queue"})
    fourth = await people.caller()
    await stage.start_service()
    await in_state(stage, NEAR, "talking")
    await until_waiting(stage, "12345", 1)
    assert len(telephone.legs) == 4
    await third.hang_up()
    await _confirmed(telephone, fourth, legs=5)
    await in_state(stage, NEAR, "talking")
    await fourth.hang_up()
    told = [(call.seat_id, call.outcome) for call in await new_calls(stage, known, 4)]
    assert told == [(NEAR, "answered")] * 4


async def _confirmed(telephone: Listener, caller: Caller, legs: int) -> None:
    """The telephone is rung for so many times now, and its agent takes the caller."""
    await telephone.until(lambda seen: len(seen) == legs and seen[-1].state == "talking", 30, f"picked up {legs} times")
    assert caller.leg.state == "ringing"
    await telephone.press("1")
    await caller.until_talking()


async def _stages(stage: Stage) -> set[str]:
    """Of the fallback that were used."""
    return set(re.findall(r"HOTLINE_FALLBACK_COUNT_(\w+)", await stage.sandbox.cli("dialplan show globals")))


async def test_agent_calls_out_and_the_citizen_is_dialled_when_he_has_pressed_the_key(
    stage: Stage, people: Cast
) -> None:
    telephone, citizen = await people.telephone(PICKS_UP, DEPARTMENT), await people.citizen(RINGS_FOR_EVER)
    await work(stage, FAR)
    headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
    body = {"case": "A1", "number": "13800000077"}
    asked = await stage.http.post(f"/api/v1/agents/{FAR}/call-out", headers=headers, json=body)
    assert asked.status_code == 202, asked.text
    place = f"/api/v1/outbound-calls/{asked.json()['id']}"

    async def state(wanted: str) -> dict[str, Any]:
        async def so() -> dict[str, Any] | None:
            found: dict[str, Any] = await stage.api(place)
            return found if found["state"] == wanted else None

        found = await stage.until(so, 30, f"outbound call {wanted}")
        assert isinstance(found, dict)
        return found

    await until_picked_up(telephone)
    assert (await state("agent_ringing"))["dialled_at"] is None
    assert not citizen.legs
    await telephone.press("1")
    assert (await state("citizen_ringing"))["answered_at"] is None
    await citizen.until_ringing()
    await citizen.pick_up()
    await state("talking")
    await in_state(stage, FAR, "talking")
    await citizen.hang_up()
    found = await state("ended")
    stamps = [
        found[key] for key in ("agent_answered_at", "dialled_at", "citizen_ringing_at", "answered_at", "ended_at")
    ]
    assert (stamps, found["outcome"]) == (sorted(stamps), "answered")
    await telephone.until_ended()
