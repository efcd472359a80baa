"""Whatever a caller sends as his name or number is text: the call is answered, nothing is evaluated, and the number is
in no file but sealed in the records."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Caller, Seat
from sandbox.root import Asterisk
from service.cli.stage import Stage
from storage.keys import Keyring
from storage.numbers import NumberVault
from tests.e2e.cast import Cast
from tests.e2e.evidence import Row, call_rows, caller_at, ready
from tests.e2e.staging import nothing_left_over, timing

SEAT = "1011"
SHOWN = "政务服务便民热线"
PROOF = "was-evaluated"  # a file that appears when a caller can run a command
MD5 = "94cae98d4b91"  # MD5(hotline) begins so
OURS = re.compile(rb"1?3800000[67]\d\d")  # every number that calls here
# caller id as sent -> the number as it is stored
HOSTILE = {
    "quotes": ('"He said \\"hello\\" \\\\ and left" <sip:13800000601@127.0.0.2>', "+8613800000601"),
    "apostrophe_and_backtick": ('"he\'s `here`" <sip:13800000602@127.0.0.2>', "+8613800000602"),
    "newline_in_number": ("<sip:13800000603%0d%0aEvent%3a%20Forged%0d%0a%0d%0a@127.0.0.2>", "+8613800000603"),
    "newline_in_name": ('"a%0d%0aEvent: Forged%0d%0a" <sip:13800000604@127.0.0.2>', "+8613800000604"),
    "sql_in_name": ('"\'); DROP TABLE calls; --" <sip:13800000605@127.0.0.2>', "+8613800000605"),
    "sql_in_number": ("<sip:138%27%3bDROP%20TABLE%20calls%3b--@127.0.0.2>", "138"),
    "variables_in_name": (
        f'"${{MD5(hotline)}} ${{SHELL(touch {PROOF})}} $[1+1]" <sip:13800000606@127.0.0.2>',
        "+8613800000606",
    ),
    "variable_in_number": ("<sip:138%24%7bMD5(hotline)%7d@127.0.0.2>", "1385"),
    "command_in_number": (f"<sip:138%24%7bSHELL(touch%20{PROOF})%7d@127.0.0.2>", "138"),
    "application_in_number": (
        '"\')" <sip:Hangup(21)@127.0.0.2>;tag=x\r\nP-Asserted-Identity: <sip:13800000614@127.0.0.2>\r\nSubject: x',
        "+8613800000614",
    ),
    "brackets_in_name": ('"a):2:3" <sip:13800000615@127.0.0.2>', "+8613800000615"),
    "brackets_in_number": ("<sip:(138)0000(0617@127.0.0.2>", "+8613800000617"),
    "bracket_in_asserted_name": (
        '"x" <sip:1@127.0.0.2>;tag=x\r\nP-Asserted-Identity: "a):0:0" <sip:13800000616@127.0.0.2>\r\nSubject: x',
        "+8613800000616",
    ),
    "separators": ('"a,b;c|d&e^f:g" <sip:13800000607@127.0.0.2>', "+8613800000607"),
    "long_name": (f'"{"n" * 400}" <sip:13800000608@127.0.0.2>', "+8613800000608"),
    # longer than a variable of the dialplan: the number behind the name is out of reach
    "ten_kilobytes_of_name": (f'"{"n" * 10_000}" <sip:13800000613@127.0.0.2>', None),
    "ten_kilobytes_of_number": (f"<sip:{'7' * 10_000}@127.0.0.2>", None),
    "no_number": ("<sip:127.0.0.2>", None),
    "anonymous": ('"Anonymous" <sip:anonymous@anonymous.invalid>', None),
    "chinese": ('"张三（市民）" <sip:13800000610@127.0.0.2>', "+8613800000610"),
    "chinese_number": ("<sip:%e5%bc%a0%e4%b8%89@127.0.0.2>", None),
    "gbk": (os.fsdecode('"张三" '.encode("gbk")) + "<sip:13800000611@127.0.0.2>", "+8613800000611"),
    "control_characters": ('"\x01\x07\x1b[2J\x7f" <sip:13800000612@127.0.0.2>', "+8613800000612"),
}
FORMS = ("13800000777", "013800000777", "+8613800000777", "008613800000777", "%2B8613800000777")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    async with Stage(folder, asterisk, ports, edit=timing(wrap_up_s=0)).serving() as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def seat(stage: Stage) -> AsyncIterator[Seat]:
    async with Seat(stage.pbx, SEAT, stage.folder / "people") as seat:
        await ready(stage, SEAT)
        yield seat


def dials(stage: Stage, header: str) -> Caller:
    return Caller(stage.pbx, "12345", stage.folder / "people", from_header=header)


async def newest(stage: Stage, known: int) -> Row:
    """The only new row of `calls`, once its call is over."""

    async def over() -> Row | None:
        rows = await call_rows(stage)
        return rows[-1] if len(rows) > known and rows[-1]["outcome"] is not None else None

    row = await stage.until(over, 15, "the record")
    assert isinstance(row, dict)
    assert len(await call_rows(stage)) == known + 1
    return row


async def variables(stage: Stage) -> str:
    """Everything that Asterisk shows of every channel."""
    names = [
        line.split("!")[0] for line in (await stage.sandbox.cli("core show channels concise")).splitlines() if line
    ]
    return "\n".join([await stage.sandbox.cli(f"core show channel {name}") for name in names])


def proofs(stage: Stage) -> list[Path]:
    return [*stage.folder.rglob(PROOF), *Path.cwd().glob(PROOF)]


def opened(stage: Stage, row: Row) -> str | None:
    sealed = row["caller_sealed"]
    return None if sealed is None else NumberVault(Keyring(stage.settings.number_keys())).open_sealed(sealed)


@pytest.mark.parametrize(("header", "number"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_caller_id_is_text_and_the_call_is_answered(
    stage: Stage, seat: Seat, header: str, number: str | None
) -> None:
    known = len(await call_rows(stage))
    async with dials(stage, header) as caller:
        await caller.until_talking()
        seen = await variables(stage)
        await caller.hang_up()
        leg = await caller.until_ended()
    row = await newest(stage, known)
    assert (leg.code, row["outcome"], row["judged"]) == (200, "answered", "in_time")
    assert SHOWN in seat.invite()
    assert re.fullmatch(r"[0-9+*#]*|anonymous", caller_at(seat))
    assert MD5 not in seen + repr(row) + seat.invite() + (await stage.http.get("/metrics")).text
    assert "Forged" not in seen + repr(row)
    assert not proofs(stage)
    whole = opened(stage, row)
    assert whole == number
    assert (row["caller_ref"] is None) == (whole is None)
    await nothing_left_over(stage)


async def test_one_caller_is_recognised_in_every_written_form_and_only_the_key_opens_the_number(
    stage: Stage, seat: Seat
) -> None:
    refs = set()
    for form in FORMS:
        known = len(await call_rows(stage))
        async with dials(stage, f"<sip:{form}@127.0.0.2>") as caller:
            await caller.until_talking()
            await caller.hang_up()
            await caller.until_ended()
        row = await newest(stage, known)
        refs.add(row["caller_ref"])
        assert "13800000777" not in repr(row)
        assert opened(stage, row) == "+8613800000777"
    assert len(refs) == 1
    assert None not in refs
    await nothing_left_over(stage)


async def test_callers_who_withhold_their_number_match_nobody(stage: Stage, seat: Seat) -> None:
    for header in (HOSTILE["anonymous"][0], HOSTILE["no_number"][0]):
        known = len(await call_rows(stage))
        async with dials(stage, header) as caller:
            await caller.until_talking()
            await caller.hang_up()
            await caller.until_ended()
        row = await newest(stage, known)
        assert (row["caller_ref"], row["caller_sealed"]) == (None, None)
    await nothing_left_over(stage)


async def test_no_callers_number_is_in_any_file_or_answer_of_ours(stage: Stage, seat: Seat) -> None:
    """The phones' own traces are theirs."""
    async with Cast(stage) as people:
        caller = await people.caller(caller="13800000778")
        await caller.until_talking()
        await caller.hang_up()
    files = dict(_files(stage))
    assert {"service.log", "messages.log", "hotline.csv", "hotline.db"} <= {path.name for path in files}
    assert not {str(path): found for path, text in files.items() if (found := OURS.findall(text))}
    for path in ("/metrics", "/api/v1/calls?limit=1000", "/api/v1/status", "/wallboard"):
        headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
        assert not OURS.search((await stage.http.get(path, headers=headers)).content), path
    await nothing_left_over(stage)


def _files(stage: Stage) -> Iterator[tuple[Path, bytes]]:
    """Every file of service and Asterisk; some are gone again before they are read."""
    for path in stage.folder.rglob("*"):
        if path.is_file() and stage.folder / "people" not in path.parents:
            with contextlib.suppress(FileNotFoundError):
                yield path, path.read_bytes()
