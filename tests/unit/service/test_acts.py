"""Acts of agents: done, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from routing import events as e
from service.acts import Acts
from service.settings import Settings, SettingsProblem
from tests.unit.routing.floor_plan import Drive

Read = Callable[[str], Settings]
Mistakes = Callable[[str], list[SettingsProblem]]


@pytest.fixture
def drive() -> Drive:
    return Drive("1001")


@pytest.fixture
def acts(drive: Drive) -> Acts:
    return Acts(drive.engine, lambda event: void(drive.send(event)), {"": "", "1": "小休", "小休": "小休"}.get)


def void(_: object) -> None: ...


def test_a_pause_takes_a_code_or_a_name(drive: Drive, acts: Acts) -> None:
    for asked in ("1", "小休"):
        assert acts.pause("1001", asked) is None
        assert drive.engine.view(drive.now).seats[0].reason == "小休"
        assert acts.ready("1001") is None
    assert "[[reason]]" in (acts.pause("1001", "golf") or "")
    assert drive.engine.view(drive.now).seats[0].state == "ready"


@pytest.mark.parametrize("act", ["pause", "ready", "extend_wrap_up", "sign_out"])
def test_unknown_agents_are_refused(acts: Acts, act: str) -> None:
    arguments = ("nobody", "1") if act == "pause" else ("nobody",)
    assert getattr(acts, act)(*arguments) == "agent nobody is not known"


def test_a_wrap_up_is_extended_while_it_lasts_and_once(drive: Drive, acts: Acts) -> None:
    assert acts.extend_wrap_up("1001") == "agent 1001 is not in wrap-up"
    drive.call("a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.send(e.CallEnded("a", drive.wall, 16, "caller"))
    assert acts.extend_wrap_up("1001") is None
    assert "extended already" in (acts.extend_wrap_up("1001") or "")


def test_reasons_are_those_of_the_file_or_the_usual_ones(read: Read, sample_text: str) -> None:
    usual = read(sample_text)
    assert [usual.pause_reason(asked) for asked in ("1", "用餐", "", "golf")] == ["小休", "用餐", "", None]
    own = read(sample_text + '\n[[reason]]\ncode = 7\nname = "出诊"\n')
    assert [own.pause_reason(asked) for asked in ("7", "出诊", "1")] == ["出诊", "出诊", None]


@pytest.mark.parametrize(
    ("reasons", "path"),
    [
        ('[[reason]]\ncode = 1\nname = "12"\n', "reason[0].name"),
        ('[[reason]]\ncode = 1\nname = "auto: x"\n', "reason[0].name"),
        ('[[reason]]\ncode = 100\nname = "x"\n', "reason[0].code"),
        ('[[reason]]\ncode = 1\nname = "x"\n[[reason]]\ncode = 1\nname = "y"\n', "reason[1].code"),
        ('[[reason]]\ncode = 1\nname = "x"\n[[reason]]\ncode = 2\nname = "x"\n', "reason[1].name"),
    ],
)
def test_a_reason_that_could_be_mistaken_for_another_is_refused(
    mistakes: Mistakes, sample_text: str, reasons: str, path: str
) -> None:
    assert [problem.path for problem in mistakes(f"{sample_text}\n{reasons}")] == [path]
