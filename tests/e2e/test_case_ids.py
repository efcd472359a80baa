"""Calls from an emergency centre or another hotline: first in line, with the citizen's number and the id of the case, which
goes on with the call; from anybody else it is not read."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import CARRIER, CENTRE, DEPARTMENT, Caller
from sandbox.root import Asterisk
from service.cli.stage import Stage
from storage.keys import Keyring
from storage.numbers import NumberVault
from tests.e2e.cast import Cast, number_of, with_headers
from tests.e2e.evidence import Row, call_rows, caller_at, several, until_waiting
from tests.e2e.staging import timing

AGENT = "1011"
CITIZEN = "13800006001"
LONGEST = "x" * 64
HEADER = "X-Hotline-Case: "


def brings_cases(text: str) -> str:
    """The police's exchange can only dial; behind the trunk of the departments is another hotline."""
    police = 'dial = "PJSIP/{number}@police"\nemergency = true\n'
    other = 'dial = "PJSIP/{number}@department"\n'
    assert police in text
    assert other in text
    return text.replace(police, police + 'case_prefix = "9"\n').replace(other, other + "cases = true\n")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    quick = timing(
        wrap_up_s=0, ring_several_after_s=0, answer_notice_after_s=0, redial_keeps_place_s=0, restart_window_s=60
    )
    async with Stage(folder, asterisk, ports, edit=several(quick, brings_cases)).serving() as stage:
        yield stage


def dials(stage: Stage, ip: str, *headers: str, number: str = "12345", citizen: str = CITIZEN) -> Caller:
    """Somebody who dials, with these headers in the INVITE beside his From."""
    written = with_headers(citizen, ip, headers)
    return Caller(stage.pbx, number, stage.folder / "people", from_header=written, ip=ip)


async def passes(stage: Stage, caller: Caller) -> Row:
    """The record of a call that is answered, and ended when the hotline knows of the answer: not in its very instant."""
    known = len(await call_rows(stage))

    async def recorded(column: str) -> Row:
        async def so() -> Row | None:
            rows = await call_rows(stage)
            return rows[-1] if len(rows) > known and rows[-1][column] is not None else None

        row = await stage.until(so, 60, f"{column} in the record")
        assert isinstance(row, dict)
        return row

    async with caller:
        await caller.until_talking()
        await recorded("answered_ms")
        await caller.hang_up()
        await caller.until_ended()
    return await recorded("outcome")


# name -> address, headers, dialled -> id of the case in the record, flags of the record
ARRIVALS: dict[str, tuple[str, tuple[str, ...], str, str | None, str]] = {
    "header": (CENTRE, (HEADER + "JQ-2026.11_22",), "12345", "JQ-2026.11_22", ""),
    "longest": (CENTRE, (HEADER + LONGEST,), "12345", LONGEST, ""),
    "none": (CENTRE, (), "12345", None, ""),
    "too long": (CENTRE, (HEADER + LONGEST + "x",), "12345", None, "case_dropped"),
    "quotes": (CENTRE, (HEADER + 'A-17" (',), "12345", None, "case_dropped"),
    "bracket": (CENTRE, (HEADER + "A)",), "12345", None, "case_dropped"),
    "code": (CENTRE, (HEADER + "A)},1:hotline-phone,*11,1?Hangup(21):${MD5(x)}$[1+1]",), "12345", None, "case_dropped"),
    "chinese": (CENTRE, (HEADER + "警情17",), "12345", None, "case_dropped"),
    "ten kilobytes": (CENTRE, (HEADER + "7" * 10_000,), "12345", None, ""),  # Asterisk itself does not read it
    "dialled": (CENTRE, (), "91234520261122007", "20261122007", ""),
    "dialled, and a header": (CENTRE, (HEADER + "A-17",), "9123457", "7", ""),
    "dialled without a case": (CENTRE, (HEADER + "A-17",), "912345", "A-17", ""),
    "dialled, the longest": (CENTRE, (), "912345" + "7" * 26, "7" * 26, ""),
    "another hotline": (DEPARTMENT, (HEADER + "A-17",), "12345", "A-17", ""),
    "a citizen": (CARRIER, (HEADER + "A-17",), "12345", None, ""),
}


async def test_id_of_a_case_is_kept_from_whom_it_may_come_and_nothing_else_passes_for_one(
    stage: Stage, people: Cast
) -> None:
    await people.seat(AGENT)
    found = {}
    for name, (ip, headers, number, _, _) in ARRIVALS.items():
        row = await passes(stage, dials(stage, ip, *headers, number=number))
        found[name] = row["case_id"], row["flags"], row["number"], row["trunk"], row["emergency"], row["outcome"]
    trunks = {CENTRE: "police", DEPARTMENT: "department", CARRIER: "carrier"}
    assert found == {
        name: (case, flags, "12345", trunks[ip], ip == CENTRE, "answered")
        for name, (ip, _, _, case, flags) in ARRIVALS.items()
    }
    dropped = sum(flags == "case_dropped" for *_, flags in ARRIVALS.values())
    assert await stage.total("hotline_call_flags_total", flag="case_dropped") == dropped


async def test_prefix_of_one_trunk_is_no_number_on_another(stage: Stage, people: Cast) -> None:
    for ip in (CARRIER, DEPARTMENT):
        async with dials(stage, ip, number="9123457") as caller:
            assert (await caller.until_ended()).code == 404


NO_NUMBERS = (
    (CARRIER, "777%0d%0aEvent%3a%20Forged"),
    (CARRIER, "12345%0d%0aX"),
    (CARRIER, "7" * 33),
    (CENTRE, "9123457%0d%0aEvent%3a%20Forged"),
    (CENTRE, "912345A-17"),
)


async def test_dialled_text_that_is_no_number_makes_no_channel_of_which_ami_would_tell(
    stage: Stage, people: Cast
) -> None:
    async def processed() -> str:
        return (await stage.sandbox.cli("core show channels count")).splitlines()[-1]

    before = await processed()
    for ip, number in NO_NUMBERS:
        async with dials(stage, ip, number=number) as caller:
            assert (await caller.until_ended()).code == 404, number
    assert await processed() == before


# name -> From, and the headers beside it, as exchanges of emergency centres write them
WAYS = {
    "in From": (CITIZEN, ()),
    "in both": (CITIZEN, (f"P-Asserted-Identity: <sip:{CITIZEN}@127.0.0.3>",)),
    "forwarded": (CITIZEN, ("Diversion: <sip:110@127.0.0.3>;reason=unconditional",)),
    "asserted": (
        "110",
        (f"P-Asserted-Identity: <tel:+86{CITIZEN}>", "Diversion: <sip:110@127.0.0.3>;reason=deflection"),
    ),
}


@pytest.mark.parametrize("way", WAYS)
async def test_citizens_number_is_kept_and_shown(stage: Stage, people: Cast, way: str) -> None:
    written, headers = WAYS[way]
    seat = await people.seat(AGENT)
    row = await passes(stage, dials(stage, CENTRE, *headers, HEADER + "A-17", citizen=written))
    assert caller_at(seat).removeprefix("+86") == CITIZEN
    assert NumberVault(Keyring(stage.settings.number_keys())).open_sealed(row["caller_sealed"]) == f"+86{CITIZEN}"
    assert row["case_id"] == "A-17"


async def test_case_and_rank_survive_a_killed_service_and_go_on_to_the_next_centre(stage: Stage, people: Cast) -> None:
    seat, first = await people.busy_seat(AGENT)
    ordinary = await people.caller()
    before = await people.caller(ip=CENTRE, headers=[HEADER + "A-17"])
    await until_waiting(stage, "12345", 2)
    await stage.end_service(signal.SIGKILL)
    meanwhile = await people.caller("91234577", ip=CENTRE)
    await stage.start_service()
    await until_waiting(stage, "12345", 3, limit_s=60)
    await next_after(first, before)
    call = await live(stage, "A-17")
    centre = await people.centre()
    await hand_on(stage, call)
    await centre.until_talking()
    assert HEADER + "A-17" in centre.invite()
    assert caller_at(centre) == number_of(before)
    await next_after(before, meanwhile)
    assert (await live(stage, "77"))["agent"] == AGENT
    await next_after(meanwhile, ordinary)
    assert (await live(stage, ""))["agent"] == AGENT
    assert len(seat.legs) == 4
    why = await stage.api(f"/api/v1/calls/{call['id']}/why")
    assert why["call"]["case"] == "A-17"
    assert "arrived on 12345, from an emergency centre, case A-17" in [moment["text"] for moment in why["story"]]


async def next_after(talks: Caller, waits: Caller) -> None:
    """Of all who wait, this one is served when the other has hung up."""
    await talks.hang_up()
    await waits.until_talking(60)


async def live(stage: Stage, case: str) -> dict[str, Any]:
    """The one call in progress, once it is the one with this case."""

    async def so() -> dict[str, Any] | None:
        calls = await stage.api("/api/v1/calls/live")
        return calls[0] if [call["case"] for call in calls] == [case] else None

    found = await stage.until(so, 60, f"the talk with case {case!r}")
    assert isinstance(found, dict)
    return found


async def hand_on(stage: Stage, call: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
    path = f"/api/v1/calls/{call['id']}/emergency"
    answer = await stage.http.post(path, headers=headers, json={"emergency": "120"})
    assert answer.status_code == 202, answer.text
