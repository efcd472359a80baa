"""Departments from and to a spreadsheet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from service import department_csv
from service.department_csv import english
from service.settings import Settings, load
from storage.departments import DepartmentRow

ROW = DepartmentRow(
    "zjj", "市住建局", "department", 3, "workday 08:30-12:00 14:00-17:30", ("051985680000", "051985680001@carrier"),
    note="值班室在后", code="31",
)  # fmt: skip


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load(folder / "hotline.toml")


def read(text: str | bytes, settings: Settings, *known: DepartmentRow) -> tuple[list[DepartmentRow], list[str]]:
    data = text.encode() if isinstance(text, str) else text
    rows, mistakes = department_csv.read(data, settings, {row.id: row for row in known})
    return rows, [str(mistake) for mistake in mistakes]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
@pytest.mark.parametrize(
    "text",
    [
        "id,name,kind,level,hours,numbers,note,code\n"
        "zjj,市住建局,department,3,workday 08:30-12:00 14:00-17:30,051985680000; 051985680001@carrier,值班室在后,31\n",
        "编号,名称,类别,级别,时间,电话,备注,短号\n"
        "zjj,市住建局,部门,三级,工作日 08:30－12:00 14：00-17：30,051985680000、051985680001@carrier,值班室在后,31\n",
    ],
)
def test_english_and_chinese_files_say_the_same(text: str, encoding: str, settings: Settings) -> None:
    assert read(text.encode(encoding), settings) == ([ROW], [])


def test_hours_may_be_in_chinese() -> None:
    assert english("工作日 08:30-12:00；周六、周日 09:00～12:00; 节假日 10:00-11:00;2026-10-01 休息") == (
        "workday 08:30-12:00;sat,sun 09:00-12:00; holiday 10:00-11:00;2026-10-01 off"
    )


def test_every_mistake_is_told_at_once_with_row_and_column(settings: Settings) -> None:
    text = (
        "id,name,kind,level,hours,numbers,shows_caller,disabled\n"
        "a b,x,department,3,,80001,no,no\n"
        "gas,x,office,9,noon,80001,no,no\n"
        "tv,x,hotline,1,,0085212345; 80001@nowhere; 12345,maybe,perhaps\n"
        "tv,x,department,1,,,no,no\n"
    )
    _, told = read(text, settings)
    assert [line.partition(":")[0] for line in told] == [
        "row 2 id", "row 3 kind", "row 3 level", "row 3 hours",
        "row 4 shows_caller", "row 4 disabled", "row 4 numbers", "row 4 numbers", "row 4 numbers",
        "row 5 numbers", "row 5 id",
    ]  # fmt: skip
    assert "number 1 is not permitted" in told[6]
    assert 'number 2 names the unknown trunk "nowhere"' in told[7]
    assert "number 3 is not permitted: this is a number of this hotline" in told[8]


def test_a_hotline_is_open_around_the_clock_unless_the_file_says_otherwise(settings: Settings) -> None:
    text = "id,kind,numbers,level\nwuxi,热线,051012345,\nsz,hotline,051212345,3\n"
    rows, told = read(text, settings)
    assert told == []
    assert [row.level for row in rows] == [1, 3]


def test_a_column_that_the_file_lacks_stays_as_it_is(settings: Settings) -> None:
    known = replace(ROW, disabled=True, shows_caller=True, revision=4)
    assert read("id,note\nzjj,新\n", settings, known) == ([replace(known, note="新")], [])


@pytest.mark.parametrize("chinese", [False, True])
def test_what_is_exported_is_what_is_imported(chinese: bool, settings: Settings) -> None:
    rows = [
        ROW,
        DepartmentRow("wuxi", "=无锡12345", "hotline", 1, "", ("051012345",), shows_caller=True, disabled=True),
        DepartmentRow("x", "", "department", 2, "2026-10-01..2026-10-07 off; daily 00:00-24:00", ("80001@police",)),
    ]
    assert read(department_csv.written(rows, chinese=chinese), settings) == (rows, [])


def test_short_number_of_somebody_else_is_a_mistake_of_its_row(settings: Settings) -> None:
    known = replace(ROW, id="gas", code="32", revision=1)
    text = "id,numbers,code\nzjj,80001,31\ntv,80001,32\ngas,80001,33\nx,80001,1003\ny,80001,34\nz,80001,34\n31,80001,\n"
    data = text.encode()
    _, mistakes = department_csv.read(data, settings, {known.id: known}, {"1003"})
    assert [str(mistake) for mistake in mistakes] == [
        "row 2 code: 31 means department 31 too",
        "row 5 code: 1003 means agent 1003 too",
        "row 6 code: 34 means department z too",
        "row 7 code: 34 means department y too",
        "row 8 id: 31 means department zjj too",
    ]


def test_two_change_places_and_whoever_is_disabled_has_no_short_number(settings: Settings) -> None:
    one, two = replace(ROW, code="31", revision=1), replace(ROW, id="gas", code="32", revision=1)
    assert read("id,code\nzjj,32\ngas,31\n", settings, one, two)[1] == []
    assert read("id,code,disabled\nzjj,31,yes\ngas,31,\n", settings, one, two)[1] == []
