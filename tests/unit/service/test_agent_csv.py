"""Agents from and to a spreadsheet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from service import agent_csv
from service.settings import Settings, load
from storage.agents import AgentRow

ROW = AgentRow("1001", "坐席一", {"general": 5, "hrss": 8}, "hrss", "phone")


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load(folder / "hotline.toml")


def read(text: str | bytes, settings: Settings, *known: AgentRow) -> tuple[list[AgentRow], list[str]]:
    data = text.encode() if isinstance(text, str) else text
    rows, mistakes = agent_csv.read(data, settings, {row.id: row for row in known})
    return rows, [str(mistake) for mistake in mistakes]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize(
    "text",
    [
        "id,name,skills,zone,sign_in,disabled\r\n1001,坐席一,general=5; hrss=8,hrss,phone,no\r\n",
        "工号,姓名,技能,区域,签入方式,停用\n1001,坐席一,综合=5；人社：8,hrss,话机,否\n",
        '工号;姓名;技能;区域\n1001;坐席一;"general=5; hrss=8";hrss\n\n',
        "ID\tName\tSkills\tZone\n1001\t坐席一\tgeneral=5,hrss=8\thrss\n",
    ],
)
def test_english_and_chinese_headings_and_every_usual_encoding(text: str, encoding: str, settings: Settings) -> None:
    assert read(text.encode(encoding), settings) == ([ROW], [])


def test_every_mistake_is_told_at_once_with_row_and_column(settings: Settings) -> None:
    text = (
        "id,name,skills,zone,sign_in,disabled\n"
        "-7,a,general=5,,agent,no\n"
        "8001,b,genral=5,,agent,no\n"
        "8002,c,general=50,,desk,maybe\n"
        "\n"
        "8001,d,general,,agent,no\n"
        "8003,e,general=1,,phone,no\n"
        "8004,f,general=1,,agent,no,more\n"
    )
    _, told = read(text, settings)
    assert [line.partition(":")[0] for line in told] == [
        "row 2 id",
        "row 3 skills",
        "row 4 disabled",
        "row 4 skills.general",
        "row 4 sign_in",
        "row 6 skills",
        "row 6 id",
        "row 7 sign_in",
        "row 8",
    ]
    assert 'did you mean "general"?' in told[1]
    assert "row 3" in told[6]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "row 1: there is no column id"),
        (b"id,name\n", "the file has no agents"),
        (b"name,skills\nx,\n", "row 1: there is no column id"),
        (b"id,colour\n1001,red\n", "row 1: column 2 has an unknown heading"),
        (b"id,id\n1001,1002\n", "row 1 id: is there twice"),
        ("id,name\n1001,坐席".encode("utf-16"), "the file is no CSV text"),
        (b'id,name\n1001,"x\n', "the file is no CSV"),
        (b"id,name\n1001,\xff\xff\n", "the file is neither UTF-8 nor GB18030"),
    ],
)
def test_a_file_that_is_no_list_of_agents_is_refused_in_one_sentence(
    data: bytes, told: str, settings: Settings
) -> None:
    rows, mistakes = read(data, settings)
    assert rows == []
    assert mistakes[0].startswith(told)


def test_a_column_that_the_file_lacks_stays_as_it_is(settings: Settings) -> None:
    known = replace(ROW, disabled=True, revision=4)
    assert read("id,zone\n1001,tax\n", settings, known) == ([replace(known, zone="tax")], [])


@pytest.mark.parametrize("name", ["=1+1", "+86", "-1", "@SUM(A1)", "＝1+1", "'=1", " =1", "'quoted'"])
def test_a_name_is_never_a_formula_and_comes_back_as_it_was(name: str, settings: Settings) -> None:
    data = agent_csv.written([replace(ROW, name=name)])
    cell = data.decode("utf-8-sig").splitlines()[1].split(",")[1]
    assert cell.lstrip()[0] not in "=+-@＝"
    assert read(data, settings)[0][0].name == name


@pytest.mark.parametrize("chinese", [False, True])
def test_what_is_exported_is_what_is_imported(chinese: bool, settings: Settings) -> None:
    rows = [ROW, AgentRow("1003", "", {}, None, "agent", disabled=True)]
    assert read(agent_csv.written(rows, chinese=chinese), settings) == (rows, [])
