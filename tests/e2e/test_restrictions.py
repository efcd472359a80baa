"""Restricted numbers and storms of one number, from the API to the phones and back to the figures."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import CENTRE, Caller
from sandbox.root import Asterisk
from sandbox.scenario import Habit
from service.cli.stage import Stage
from tests.e2e.cast import Cast, number_of
from tests.e2e.evidence import caller_at, caller_ref, record, records_of, several, shown, story, until_waiting
from tests.e2e.listening import Listening
from tests.e2e.staging import timing

GENERAL, SECOND = "1011", "1012"
LATER = "13800002"  # how the numbers of callers begin who are nobody's
VOICE = bytes(random.Random(12345).choices([code for code in range(256) if code not in (0x55, 0xD5)], k=8000))
MOST_OF_IT = VOICE[800:]  # Asterisk may swallow its first packets
LIMIT_S, WARNING_S = 5.0, 2.0


def with_voice(folder: Path) -> Callable[[str], str]:
    (folder / "voice.alaw").write_bytes(VOICE)
    return lambda text: text + f'\n[restrictions]\nvoice_notice = "voice.alaw"\nwarning_s = {WARNING_S}\n'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    quick = timing(wrap_up_s=0, ring_several_after_s=0, answer_notice_after_s=0, redial_keeps_place_s=0)
    stage = Stage(folder, asterisk, ports, edit=several(quick, with_voice(folder)))
    async with stage.serving():
        yield stage


async def restrict(stage: Stage, number: str, kind: str, for_s: float = 3600.0, **more: Any) -> int:
    body = {"kind": kind, "reason": "occupation", "evidence": "case 7", "until": time.time() + for_s, **more}
    answer = await post(stage, "restrictions", number=number, **body)
    assert number not in str(answer)
    return int(answer["id"])


async def post(stage: Stage, path: str, **body: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
    answer = await stage.http.post(f"/api/v1/{path}", headers=headers, json=body or None)
    assert answer.is_success, answer.text
    return dict(answer.json())


async def test_rejected_caller_hears_the_notice_unanswered_and_staying_is_put_through_after_the_others(
    stage: Stage, people: Cast
) -> None:
    number = "13800003001"
    entry = await restrict(stage, number, "reject")
    before = await stage.total("hotline_calls_judged_total", line="12345", result="restricted")
    seat, talking = await people.busy_seat(GENERAL)
    async with Listening(stage.pbx, "12345", number) as rejected:
        await rejected.until(lambda: MOST_OF_IT in rejected.heard, what="the notice")
        await until_waiting(stage, "12345", 1)
        other = await people.caller(talk_s=0.2)
        await until_waiting(stage, "12345", 2)
        assert max(rejected.codes) == 183, "nobody has answered"
        await talking.hang_up()
        await other.until_ended()
        await rejected.until(lambda: 200 in rejected.codes, what="put through")
        assert [caller_at(seat, leg) for leg in seat.legs[1:]] == [number_of(other), number]
        assert len(rejected.heard) > len(VOICE), "ringing after the notice"
    (found,) = await records_of(stage, number)
    assert (found.outcome, found.judged, found.answered_by) == ("answered", "restricted", "engine")
    assert "restricted" in found.flags
    assert await stage.total("hotline_calls_judged_total", line="12345", result="restricted") == before + 1
    told = [entry for entry in await stage.api("/api/v1/restrictions") if entry["number"] == "138****3001"]
    assert [(row["id"], row["times"]) for row in told] == [(entry, 1)]
    why = await stage.api(f"/api/v1/calls/{found.call_id}/why")
    texts = [part["text"] for part in why["story"]]
    assert any(text.startswith(f"restriction {entry} is on the number, reason occupation: rejected") for text in texts)
    assert number not in (stage.folder / "service.log").read_text()


async def test_rejected_call_ends_after_the_notice_where_its_entry_says_so(stage: Stage, people: Cast) -> None:
    number = "13800003002"
    await restrict(stage, number, "reject", afterwards="end")
    seat = await people.seat(GENERAL)
    async with Listening(stage.pbx, "12345", number) as dismissed:
        await dismissed.until(lambda: dismissed.ended, what="the end")
        assert MOST_OF_IT in dismissed.heard
        assert 200 not in dismissed.codes
    (found,) = await records_of(stage, number)
    assert (found.outcome, found.judged, found.presented) == ("dismissed", "restricted", 0)
    assert seat.legs == []


async def test_low_priority_goes_after_others_over_a_restart_and_an_entry_expires_by_itself(
    stage: Stage, people: Cast
) -> None:
    number, freed_number = "13800003003", "13800003004"
    await restrict(stage, number, "low_priority")
    seat, talking = await people.busy_seat(GENERAL)
    await stage.end_service(signal.SIGKILL)
    await stage.start_service()
    callers = []
    for count, who in enumerate((number, freed_number, None), 1):
        callers.append(await people.caller(caller=who, talk_s=0.2))
        await until_waiting(stage, "12345", count)
    await stage.until(lambda: _rules_on(stage, number, ["low_priority"]), 20, "the restart knows it")
    await restrict(stage, freed_number, "low_priority", for_s=2.0)  # he waits already
    rules = ["low_priority", "over"]
    await stage.until(lambda: _rules_on(stage, freed_number, rules), 20, "the entry came and expired")
    await talking.hang_up()
    for caller in callers:
        await caller.until_ended()
    last, freed, other = callers
    order = [caller_at(seat, leg) for leg in seat.legs[1:]]
    assert order == [number_of(caller) for caller in (freed, other, last)]
    assert (await record(stage, last)).judged == "restricted"
    assert (await record(stage, freed)).judged in ("in_time", "late"), "who is free again is judged like everybody"


async def _rules_on(stage: Stage, number: str, rules: list[str]) -> bool:
    """Whether these came over the open call of a caller, in this order."""
    ref = caller_ref(stage, number)
    calls = [call.call_id for call in await stage.calls() if call.caller_ref == ref]
    return bool(calls) and [s.data["rule"] for s in await story(stage, calls[0]) if s.kind == "restricted"] == rules


async def test_short_call_ends_at_its_limit_and_only_its_agent_is_warned(stage: Stage, people: Cast) -> None:
    number = "13800003005"
    await restrict(stage, number, "short_call", talk_s=LIMIT_S)
    seat = await people.seat(GENERAL, Habit(audio=False))
    async with Listening(stage.pbx, "12345", number) as short:
        await short.until(lambda: 200 in short.codes, what="answered")

        async def warned() -> bool:
            return await sent_to(stage, f"{GENERAL}-") > 0

        await stage.until(warned, 15, "sound to the agent, whose caller is silent")
        assert not short.ended
        await short.until(lambda: short.ended, what="the end")
        assert not short.heard, "the caller hears no warning"
    leg = await seat.until_ended()
    assert leg.talk_s is not None
    assert LIMIT_S - 0.5 < leg.talk_s < LIMIT_S + 5, leg.talk_s
    (found,) = await records_of(stage, number)
    assert (found.judged, found.outcome, found.ended_by) == ("in_time", "answered", "pbx")
    assert found.flags == "restricted,talk_limit"


async def sent_to(stage: Stage, channel: str) -> int:
    """RTP packets that Asterisk has sent on a channel."""
    rows = [line.split() for line in (await stage.sandbox.cli("pjsip show channelstats")).splitlines()]
    found = [row for row in rows if any(channel in cell for cell in row) and "alaw" in row]
    return int(found[0][found[0].index("alaw") + 5]) if found else 0


async def test_calls_of_an_emergency_centre_are_never_restricted(stage: Stage, people: Cast) -> None:
    number = "13800003006"
    await restrict(stage, number, "reject")
    seat = await people.seat(GENERAL)
    async with Caller(stage.pbx, "12345", people.folder, caller=number, ip=CENTRE, talk_s=0.2) as citizen:
        leg = await citizen.until_ended()
    assert (leg.code, leg.progress_at) == (200, None)
    assert len(seat.legs) == 1
    (found,) = await records_of(stage, number)
    assert (found.judged, found.restriction, found.emergency) == ("in_time", None, True)


async def test_storm_of_one_number_rings_one_seat_only_while_others_get_their_turn(stage: Stage, people: Cast) -> None:
    number = "13800003007"
    first, talking = await people.busy_seat(GENERAL)
    storm = []
    for count in range(1, 5):
        storm.append(await people.caller(caller=number))
        await until_waiting(stage, "12345", count)
    others = []
    for count in range(5, 7):
        others.append(await people.caller())
        await until_waiting(stage, "12345", count)
    second = await people.seat(SECOND, signed_in=False)  # rings for the storm, which came first, and talks with it
    await storm[-1].until_talking()
    assert [caller_at(second, leg) for leg in second.legs] == [number]
    await talking.hang_up()
    await others[0].until_talking()
    await others[0].hang_up()
    await others[1].until_talking()
    assert [caller_at(first, leg) for leg in first.legs[1:]] == [number_of(caller) for caller in others]
    for caller in storm[:3]:
        await caller.hang_up()
    await until_waiting(stage, "12345", 0)
    for caller in (others[1], storm[3]):
        await caller.hang_up()
    found = await records_of(stage, number, 4)
    assert [call.presented for call in found] == [0, 0, 0, 1]
    assert ["storm" in call.flags for call in found] == [True, True, True, False]
    assert len(await shown(stage, found[-1].call_id)) == 1
