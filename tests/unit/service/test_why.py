"""`hotline why`: stories of calls in sentences, the page for people, and the way to both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from routing.codes import Code
from routing.steps import Step, StepKind
from service import reasons, why
from service.cli import app
from service.cli import why as command
from storage.fold import fold
from storage.queries import CallRecord
from storage.story import Story
from tests.contract.storage_stories import FIRST_MS, abandoned_call, answered_call, call_id
from tests.unit.routing.floor_plan import rules

EAST_8 = timezone(timedelta(hours=8))
OLD_WHY = "rings=2 chosen=1003 free=1007 skill=1002 talking=#57"


def story(steps: Sequence[Step], **whys: str) -> Story:
    row = fold(None, steps)
    record = CallRecord(**{name: row[name] for name in CallRecord.__dataclass_fields__})
    return Story(record, tuple(steps), whys)


def told(steps: Sequence[Step], **whys: str) -> dict[str, Any]:
    return why.explained(story(steps, **whys), rules())


def page(found: Mapping[str, Any]) -> str:
    return "\n".join(command.page(found, EAST_8))


def test_an_answered_call_is_told_from_arrival_to_end_in_local_time_with_milliseconds() -> None:
    lines = page(told(answered_call(1))).splitlines()
    assert lines[:3] == [
        f"Call {call_id(1)}",
        "Wednesday 2023-11-15 06:13:20.001, to 12345 城市热线 by trunk carrier",
        "Ring 1 at once: general>=1",
    ]
    assert lines[6:] == [
        "06:13:20.001      0.000 s  arrived on 12345",
        "06:13:20.002      0.001 s  sent to Asterisk: ring seat 1001 (a1), ring 1 was open",
        "06:13:20.201      0.200 s  seat 1001 rings",
        "06:13:22.501      2.500 s  seat 1001 answered after 2.300 s of ringing",
        "06:13:22.501      2.500 s  seat 1001 (a1) and the caller talk after 2.500 s",
        "06:13:22.501      2.500 s  counted as in time after 2.500 s",
        "06:13:52.501     32.500 s  the call is over, ended by the caller, cause 16; they talked for 30.000 s",
    ]


def test_a_call_given_up_is_told_to_its_end() -> None:
    assert [part["text"] for part in told(abandoned_call(1))["story"]] == [
        "arrived on 12345",
        "counted as given up by the caller after 8.000 s",
        "given up without an answer, ended by the caller, cause 16",
    ]


def test_moments_stand_in_the_order_of_their_times_whenever_they_were_told() -> None:
    first, *rest = answered_call(1)
    late = [Step(step.call_id, step.seq + 50, step.at, step.kind, step.data) for step in rest[:2]]
    kinds = [part["kind"] for part in told([first, *rest[2:], *late])["story"]]
    assert kinds[:3] == ["offered", "presented", "ringing"]


def test_a_call_of_a_centre_is_told_with_its_case() -> None:
    first = answered_call(1)[0]
    data = {**first.data, "emergency": True, "case": "A-17"}
    found = told([Step(first.call_id, first.seq, first.at, first.kind, data)])
    assert found["story"][0]["text"] == "arrived on 12345, from an emergency centre, case A-17"
    assert found["call"]["case"] == "A-17"


@pytest.mark.parametrize("kind", list(StepKind))
def test_every_step_has_a_sentence_even_without_any_data(kind: StepKind) -> None:
    step = Step(call_id(1), FIRST_MS + 9, FIRST_MS / 1000 + 1, kind, {})
    (_, part) = told([answered_call(1)[0], step])["story"]
    assert part["text"]


def test_the_caller_is_in_no_story() -> None:
    shown = f"{told(answered_call(1))}"
    first = answered_call(1)[0]
    assert str(first.data["caller_ref"]) not in shown
    assert "sealed" not in shown


def test_the_text_that_the_first_version_kept_is_still_explained() -> None:
    found = told(answered_call(1), p1=OLD_WHY)
    groups = [(part["reason"], part["total"], part["seats"]) for part in found["story"][1]["candidates"]]
    assert groups == [("free", 1, ["1007"]), ("skill", 1, ["1002"]), ("talking", 57, [])]
    assert "talking: 57 seats" in page(found)
    assert "free, but in no open ring: 1002" in page(found)


def test_every_code_has_words_of_its_own_and_an_unknown_one_is_no_harm() -> None:
    found = reasons.of_codes(bytes(range(Code.CHOSEN)), [f"s{code}" for code in range(Code.CHOSEN)])
    texts = {group["seats"][0]: group["text"] for group in found if not group["text"].startswith("reason ")}
    assert {f"s{code.value}" for code in Code if code < Code.CHOSEN} <= texts.keys()
    assert len(set(texts.values())) == len(texts)
    assert texts["s66"] == "free, but ring 3 was not open yet"
    assert len(found) == Code.CHOSEN


def test_seats_whose_edition_is_lost_are_still_counted() -> None:
    found = reasons.of_codes(bytes([Code.TALKING, Code.OUT, Code.TALKING, Code.CHOSEN]), None)
    assert {group["reason"]: (group["total"], group["seats"]) for group in found} == {
        "talking": (2, []),
        "out": (1, []),
    }


def test_many_seats_of_a_reason_are_counted_on_the_page() -> None:
    seats = ",".join(str(1001 + n) for n in range(40))
    assert "talking: 1001 1002" in page(told(answered_call(1), p1=f"rings=1 talking={seats}"))
    assert " 1016 and 24 more" in page(told(answered_call(1), p1=f"rings=1 talking={seats}"))


# -- which call --------------------------------------------------------------------------------------------------------


class Kept:
    """Records of some calls."""

    def __init__(self, *ids: str) -> None:
        self.ids = ids

    async def call_ids(self, wanted: str) -> list[str]:
        return [id_ for id_ in self.ids if id_.startswith(wanted)]

    async def story(self, call_id: str) -> Story | None:
        return story(answered_call(1))


async def test_an_unknown_call_and_a_beginning_of_several_are_one_sentence_each() -> None:
    assert await why.from_records(Kept(), "17", rules()) == "no call begins with 17; hotline calls lists the last ones"
    assert await why.from_records(Kept(), "last", rules()) == "there is no call yet"
    several = await why.from_records(Kept("17-1", "17-2"), "17", rules())
    assert several == "several calls begin with 17: 17-1, 17-2; type more of the one you mean"


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        app.main(["init", "--folder", str(tmp_path)])
    capsys.readouterr()
    file = tmp_path / "hotline.toml"
    file.write_text(file.read_text().replace("127.0.0.1:8345", "127.0.0.1:1"))  # where nobody ever listens
    return str(file)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        app.main(arguments)
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_without_service_and_without_database_is_one_sentence_and_makes_none(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "why", "last", "--config", config)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "hotline serve" in err
    assert not (Path(config).parent / "var" / "hotline.db").exists()
