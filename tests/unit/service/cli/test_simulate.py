"""`hotline simulate` as a shell sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from routing.steps import Step, StepKind
from service.cli import app
from service.settings import Settings
from storage.records import Records

DAY = """\
title = "a small day"
sources = ["nobody's city"]
[skills]
general = "综合"
hrss = "人社"
[shape]
flat = [QUARTERS]
[[line]]
number = "12345"
name = "Line one"
rings  = [ {after_s = 0, need = "general"} ]
[[line]]
number = "12333"
name = "Line two"
mode = "parallel"
zone = "hrss"
rings  = [ {after_s = 0, need = "hrss>=5"}, {after_s = 6, need = "general"} ]
[[calls]]
number  = "12345"
per_day = 200
shape   = "flat"
[[calls]]
number  = "12333"
per_day = 100
shape   = "flat"
[[staff]]
count  = 2
skills = {general = 5}
shifts = ["00:00-24:00"]
[[staff]]
count  = 1
skills = {hrss = 5}
zone = "hrss"
shifts = ["08:00-18:00"]
""".replace("QUARTERS", ", ".join("1" * 96))


@pytest.fixture
def day(tmp_path: Path) -> str:
    (tmp_path / "small.toml").write_text(DAY)
    return str(tmp_path / "small.toml")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def hotline(*arguments: str) -> tuple[int, str, str]:
        code = 0
        try:
            app.main(["simulate", *arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return hotline


Run = Callable[..., tuple[int, str, str]]


def test_a_day_is_shown_by_scheme_and_by_number_with_its_sources(run: Run, day: str) -> None:
    code, out, err = run(day)
    assert code == 0
    assert "a small day; 3 people" in out
    rows = [line.split()[0] for line in out.splitlines() if line.strip()]
    assert [row for row in rows if row in ("ours", "by", "app_queue", "one")] == ["ours", "by", "app_queue", "one"]
    assert {"12345", "12333"} <= set(rows)
    assert "source: nobody's city" in out
    assert "ours: " in err


def test_json_has_every_figure(run: Run, day: str) -> None:
    code, out, _ = run(day, "--json", "--seed", "4")
    told = json.loads(out)
    assert (code, told["day"], told["seed"]) == (0, "small", 4)
    assert [one["scheme"] for one in told["found"]] == ["ours", "by skill", "app_queue", "one pool"]
    ours = told["found"][0]
    assert ours["total"]["offered"] == sum(number["offered"] for number in ours["numbers"])
    assert len(ours["hourly"]) == 24


def test_more_load_is_more_calls(run: Run, day: str) -> None:
    few, many = (json.loads(run(day, "--json", "--load", load)[1])["found"][0] for load in ("0.5", "2"))
    assert many["total"]["offered"] > 3 * few["total"]["offered"]


def test_a_picture_is_drawn_beside_the_figures(run: Run, day: str, tmp_path: Path) -> None:
    code, out, err = run(day, "--picture", str(tmp_path / "day.svg"))
    assert code == 0
    assert "ours" in out
    assert f"drawn: {tmp_path / 'day.svg'}" in err
    assert (tmp_path / "day.svg").read_text().startswith("<?xml")


RULES = """
[[pbx]]
name = "pbx1"
[skills]
general = "综合"
hrss = "人社"
[[line]]
number = "12345"
name = "one"
rings = [ {after_s = 0, need = "general"} ]
[[line]]
number = "12333"
name = "two"
rings = [ {after_s = 0, need = "%s"} ]
[[agent]]
id = "1001"
skills = { general = 5, hrss = 8 }
[[seat]]
id = "1001"
"""


@pytest.fixture
def rules(tmp_path: Path) -> Callable[[str], str]:
    def file(need: str) -> str:
        name = tmp_path / f"{need.partition('>')[0]}.toml"
        name.write_text(RULES % need)
        return str(name)

    return file


def test_two_rule_sets_are_compared_on_the_same_callers(run: Run, day: str, rules: Callable[[str], str]) -> None:
    both = rules("general")
    code, out, _ = run(day, "--compare", both, "--json")
    assert code == 0
    own, other, pool = json.loads(out)["found"]
    assert (own["label"], other["label"], pool["scheme"]) == ("its own rules", both, "one pool")
    assert own["total"]["offered"] == other["total"]["offered"]
    assert own["total"]["ratio"] != other["total"]["ratio"]
    code, out, _ = run(day, "--compare", both)
    assert "points" in out
    assert ("+" in out) or ("-" in out)


def test_the_same_rules_twice_differ_in_nothing(run: Run, day: str, rules: Callable[[str], str]) -> None:
    file = rules("general")
    _, out, _ = run(day, "--rules", file, "--compare", file, "--json")
    found = json.loads(out)["found"]
    assert found[0]["numbers"] == found[1]["numbers"]


def test_a_number_that_nobody_may_take_by_the_other_rules_is_said(
    run: Run, day: str, rules: Callable[[str], str], tmp_path: Path
) -> None:
    text = Path(rules("hrss>=8")).read_text()
    (tmp_path / "strict.toml").write_text(text)
    _, _, err = run(day, "--compare", str(tmp_path / "strict.toml"))
    assert "nobody who works on this day may take 12333" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "which day?"),
        (["large-town"], 'there is no day profile "large-town" (did you mean "large-city"?)'),
        (["DAY", "--picture", "day.gif"], "give a name that ends in .svg or .png"),
        (["DAY", "--load", "0.001"], "Invalid value for '--load'"),
        (["DAY", "--rules", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["--day", "yesterday", "--config", "CONFIG"], '"yesterday" is no day: write it like 2026-11-20'),
        (["--day", "2026-11-20", "--config", "CONFIG"], "no call was recorded on 2026-11-20"),
        (["--day", "2026-11-20", "--config", "CONFIG", "--load", "2"], "--load needs a day profile"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(
    run: Run, day: str, rules: Callable[[str], str], arguments: list[str], told: str, tmp_path: Path
) -> None:
    config = rules("general")
    asyncio.run(recorded(tmp_path, []))
    given = [{"DAY": day, "CONFIG": config}.get(word, word) for word in arguments]
    code, out, err = run(*given)
    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


def test_a_number_that_the_other_rules_lack_is_refused(run: Run, day: str, tmp_path: Path) -> None:
    (tmp_path / "less.toml").write_text((RULES % "general").replace('number = "12333"', 'number = "12366"'))
    code, _, err = run(day, "--compare", str(tmp_path / "less.toml"))
    assert code == 2
    assert "has no [[line]] for 12333" in err


# -- a recorded day ----------------------------------------------------------------------------------------------------


async def recorded(folder: Path, arrivals: list[tuple[str, float]], test_call_at: float | None = None) -> None:
    """A database with these calls: number, epoch; and a call that tested the line."""
    (folder / "var").mkdir(exist_ok=True)
    records = await Records.open(f"sqlite+aiosqlite:///{folder}/var/hotline.db", folder / "var")
    for index, (number, at) in enumerate(arrivals):
        offered = {"number": number, "line": number, "arrived_at": at}
        records.write(Step(f"call-{index}", 1, at, StepKind.OFFERED, offered))
    if test_call_at is not None:
        offered = {"number": "12345", "line": "12345", "arrived_at": test_call_at}
        records.write(Step("probe", 1, test_call_at, StepKind.OFFERED, offered))
        judged = {"result": "test", "wait_s": 1.0, "line": "12345", "number": "12345"}
        records.write(Step("probe", 2, test_call_at + 1, StepKind.JUDGED, judged))
    assert await records.flush(20)
    await records.close()


def test_the_callers_of_a_recorded_day_are_simulated(run: Run, rules: Callable[[str], str], tmp_path: Path) -> None:
    midnight = datetime(2026, 11, 20, tzinfo=ZoneInfo(Settings().timezone)).timestamp()
    calls = [("12345", midnight + 9 * 3600 + 60 * n) for n in range(40)] + [("12333", midnight + 5.0)]
    asyncio.run(recorded(tmp_path, [*calls, ("12345", midnight - 1), ("12345", midnight + 86_400)], midnight + 36_000))
    code, out, _ = run("--day", "2026-11-20", "--config", rules("general"), "--json")
    assert code == 0
    told = json.loads(out)
    numbers = {number["number"]: number["offered"] for number in told["found"][0]["numbers"]}
    assert numbers == {"12345": 40, "12333": 1}
    assert told["people"] == 1


def test_a_recorded_day_can_have_the_people_of_a_profile(
    run: Run, rules: Callable[[str], str], day: str, tmp_path: Path
) -> None:
    midnight = datetime(2026, 11, 20, tzinfo=ZoneInfo(Settings().timezone)).timestamp()
    asyncio.run(recorded(tmp_path, [("12345", midnight + 3600)]))
    code, out, _ = run(day, "--day", "2026-11-20", "--config", rules("general"), "--json")
    told = json.loads(out)
    assert (code, told["people"], told["found"][0]["total"]["offered"]) == (0, 3, 1)


def test_a_number_that_is_gone_is_named(run: Run, rules: Callable[[str], str], tmp_path: Path) -> None:
    midnight = datetime(2026, 11, 20, tzinfo=ZoneInfo(Settings().timezone)).timestamp()
    asyncio.run(recorded(tmp_path, [("12348", midnight + 3600)]))
    code, _, err = run("--day", "2026-11-20", "--config", rules("general"))
    assert code == 2
    assert "went to 12348, for which there is no [[line]]" in err
