"""What the demo shows and plans; that it runs is judged end to end."""

from __future__ import annotations

import random
from typing import Any

from rich.console import Console

from routing.steps import Judgement
from service.cli import demo
from service.cli.verdict import Seen

STATUS: dict[str, Any] = {
    "now": {"waiting": 2, "talking": 3, "seats": {"ready": 1, "talking": 3}},
    "today": {"offered": 30},
}


def test_callers_are_planned_for_all_ten_numbers_in_turn() -> None:
    chance = random.Random(1)
    plans = [demo._plan(index, chance) for index in range(20)]
    assert [plan.number for plan in plans[:10]] == list(demo.NUMBERS)
    assert len(set(demo.NUMBERS)) == 10
    assert [plan.number for plan in plans[10:]] == list(demo.NUMBERS)


def test_every_twelfth_caller_is_impatient_and_all_talk_for_seconds() -> None:
    chance = random.Random(1)
    plans = [demo._plan(index, chance) for index in range(48)]
    impatient = [index for index, plan in enumerate(plans) if plan.patience_s is not None and plan.patience_s < 1]
    assert impatient == [11, 23, 35, 47]
    assert all(plan.talk_s is not None and 2 <= plan.talk_s <= 6 for plan in plans)
    assert all(len(plan.caller) == 11 and plan.caller.startswith("138") for plan in plans)


def test_same_chance_gives_the_same_callers() -> None:
    assert [demo._plan(index, random.Random(7)) for index in range(5)] == [
        demo._plan(index, random.Random(7)) for index in range(5)
    ]


def test_line_for_a_pipe_has_what_is_now() -> None:
    line = demo._line(STATUS)
    for part in ("offered 30", "waiting 2", "talking 3", "ready 1, talking 3"):
        assert part in line
    assert "\n" not in line


def test_line_without_figures_of_today_says_so() -> None:
    assert "offered ?" in demo._line({**STATUS, "today": None})


def test_simulated_people_need_little_wrap_up_unless_told_otherwise() -> None:
    assert "wrap_up_s = 2" in demo._quick("timezone = 1\n")
    assert demo._quick("[timing]\nwrap_up_s = 9\n") == "[timing]\nwrap_up_s = 9\n"


def test_summary_has_a_row_for_each_number_and_one_for_all() -> None:
    seen = {"12345": Seen(3, 2, 1, 1, answer_s=(1.0, 3.0)), "12333": Seen(1, 0, 0, 1)}
    console = Console(width=120, highlight=False)
    with console.capture() as captured:
        console.print(demo._summary(seen))
    rows = [line.split("│") for line in captured.get().splitlines() if "123" in line or " all " in line]
    cells = [[cell.strip() for cell in row[1:-1]] for row in rows]
    assert cells == [
        ["12333", "1", "0", "0", "1", "", "", ""],
        ["12345", "3", "2", "1", "1", "1.00", "3.00", "3.00"],
        ["all", "4", "2", "1", "2", "1.00", "3.00", "3.00"],
    ]


class Stage:
    """The two things that the counts of /metrics are taken from."""

    def __init__(self, samples: dict[str, float]) -> None:
        self.settings = self
        self._samples = samples
        self.lines = dict.fromkeys(("12345", "12333"))

    def rules(self) -> Stage:
        return self

    async def metrics(self) -> dict[str, float]:
        return self._samples


async def test_counts_of_metrics_are_by_number_and_zero_where_none_is() -> None:
    stage: Any = Stage(
        {
            'hotline_calls_offered_total{line="12345"}': 4.0,
            f'hotline_calls_judged_total{{line="12345",result="{Judgement.IN_TIME}"}}': 3.0,
        }
    )
    found = await demo._metrics(stage)
    assert found["12345"] == {"offered": 4.0, "in_time": 3.0, "late": 0.0, "abandoned": 0.0}
    assert found["12333"] == {"offered": 0.0, "in_time": 0.0, "late": 0.0, "abandoned": 0.0}
