"""`hotline codes`, and the page for the wall: both say what the one list says."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from config.feature_codes import FeatureCode, When, every_code
from service.settings import load
from storage.departments import DepartmentRow
from storage.records import Records
from tests.unit.service.cli.test_commands import run

DOCS = Path(__file__).parents[4] / "docs"
CENTRES = ("110", "119", "120", "122", "12395")
PAGES = [("feature-codes.md", False), ("feature-codes.zh-CN.md", True)]
GAS = DepartmentRow("gas", "市燃气公司", numbers=("80001@carrier",), code="7")


def page(name: str) -> list[tuple[str, str]]:
    """The rows of its tables: what is pressed, and what happens."""
    rows = re.findall(r"^\| (.*?) \| (.*?) \|$", (DOCS / name).read_text(), re.MULTILINE)
    return [row for row in rows if row[0].startswith("`*")]


def row(code: FeatureCode, *, chinese: bool) -> tuple[str, str]:
    behind, does = (text.chinese if chinese else text.english for text in (code.behind, code.does))
    return f"`{code.keys}` + {behind}" if behind else f"`{code.keys}`", does


@pytest.mark.parametrize(("name", "chinese"), PAGES)
def test_the_page_has_every_code_in_its_order_and_no_other(name: str, chinese: bool) -> None:
    assert page(name) == [row(code, chinese=chinese) for code in every_code(CENTRES)]


@pytest.mark.parametrize(("name", "chinese"), PAGES)
def test_the_command_prints_what_the_page_says(
    capsys: pytest.CaptureFixture[str], folder: Path, name: str, chinese: bool
) -> None:
    file = folder / "hotline.toml"
    centre = '\n[[emergency]]\nnumber = "{}"\nroutes = [{{ trunk = "police", number = "{}" }}]\n'
    known = [table.number for table in load(file).emergencies]
    file.write_text(file.read_text() + "".join(centre.format(no, no) for no in CENTRES if no not in known))
    options = ["--chinese"] if chinese else []
    code, out, _ = run(capsys, "codes", "--json", *options, "-c", str(file))
    told = [
        (f"{one['keys']} + {one['then']}" if one["then"] else one["keys"], one["what happens"])
        for one in json.loads(out)["codes"]
    ]
    plain = [(keys.replace("`", ""), does.replace("**", "")) for keys, does in page(name)]
    assert (code, sorted(told)) == (0, sorted(plain))
    code, out, _ = run(capsys, "codes", *options, "-c", str(file))
    assert code == 0
    for keys, does in plain:
        assert [line for line in out.splitlines() if line.split()[:1] == keys.split()[:1] and does in line], keys


def test_only_centres_that_are_configured_are_printed(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    file = folder / "hotline.toml"
    listed = json.loads(run(capsys, "codes", "--json", "-c", str(file))[1])["codes"]
    centres = {one["keys"].removeprefix("*") for one in listed if one["when"] == When.EMERGENCY}
    assert centres == {table.number for table in load(file).emergencies} != set(CENTRES)


async def test_short_numbers_are_those_of_the_database(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load(folder / "hotline.toml")
    records = await Records.open(settings.database_url(), settings.data_dir, catch_up_s=20.0)
    over, without = replace(GAS, id="over", code="8", disabled=True), replace(GAS, id="none", code="")
    await records.filled_departments([GAS, over, without])
    await records.close()
    code, out, _ = await asyncio.to_thread(run, capsys, "codes", "--json", "-c", str(settings.file))
    expected = [{"short": "7", "department": "gas", "name": "市燃气公司"}]
    assert (code, json.loads(out)["departments"]) == (0, expected)


def test_short_numbers_are_those_of_the_file_before_the_first_start(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "hotline.toml"
    file.write_text(file.read_text() + '\n[[department]]\nid = "zjj"\ncode = "12"\nnumbers = ["80001"]\n')
    _, out, _ = run(capsys, "codes", "-c", str(file))
    assert ["12", "zjj", "zjj"] in [line.split() for line in out.splitlines()]
