"""Every kind of mistake is reported at its key and its line, and several of them at once."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from service.settings import Settings, SettingsError, SettingsProblem, load

Mistakes = Callable[[str], list[SettingsProblem]]
Read = Callable[[str], Settings]

# what stands in the sample, what a tired operator writes instead, the key that must be named, words of the report
ONE_VALUE = [
    ('"Asia/Shanghai"', '"Asia/Shangai"', "timezone", "not a known time zone"),
    ('"tcp:4573:interface=127.0.0.1"', '"4573"', "service.fastagi", "not a listening address"),
    ('"tcp:4573:interface=127.0.0.1"', '"tcp:70000"', "service.fastagi", "not a listening address"),
    ('"127.0.0.1:8345"', '"8345"', "service.http", "not an address"),
    ('"127.0.0.1:8345"', "8345", "service.http", "text in quotes"),
    ('"sqlite+aiosqlite:///var/hotline.db"', '"mysql://db"', "service.database", "not a database"),
    ('"sqlite+aiosqlite:///var/hotline.db"', '"postgresql+asyncpg://u:p@h/d"', "service.database", "holds a password"),
    ("lease_s = 3", "lease_s = 90", "timing.lease_s", "out of range"),
    ("lease_s = 3", "lease_s = nan", "timing.lease_s", "must be a number"),
    ("ring_s = 6", 'ring_s = "6"', "timing.ring_s", "must be a number"),
    ("wrap_up_s = 10", "wrap_up_s = true", "timing.wrap_up_s", "must be a number"),
    ("ratio = 0.95", "ratio = 95", "target.ratio", "out of range"),
    ('ami = "127.0.0.1:5038"', 'ami = "127.0.0.1:0"', "pbx[0].ami", "not an address"),
    ('role = "engineer"', 'role = "root"', "token[0].role", "none of the known words"),
    ('mode   = "own"', 'mode   = "owned"', "line[0].mode", "none of the known words"),
    ('number = "12345"', "number = 12345", "line[0].number", "text in quotes"),
    ('number = "12345"', 'number = "123-45"', "line[0].number", "not a number"),
    ('subject = "自然资源违法举报"', 'subject = "a;b${x}"', "line[2].subject", "cannot be shown"),
    ('need = "hrss>=5"', 'need = "hrss=5"', "line[1].rings[0].need", 'column 5: "=" has no meaning'),
    ('need = "hrss>=5"', 'need = "hrss>=50"', "line[1].rings[0].need", 'column 7: "50" is no level; allowed: 1 to 10'),
    ('need = "hrss>=5"', 'need = "hrss>=5 and (tax"', "line[1].rings[0].need", "column 17: a bracket is not closed"),
    ('need = "hrss>=5"', "need = 5", "line[1].rings[0].need", "text in quotes"),
    ("hrss = 8", "hrss = 11", "agent[0].skills.hrss", "out of range"),
    ("hrss = 8", 'hrss = "8"', "agent[0].skills.hrss", "whole number"),
    ('sign_in = "phone"', 'sign_in = "desk"', "agent[0].sign_in", "none of the known words"),
    ('dial = "PJSIP/1001"', 'dial = "PJSIP/1001&PJSIP/1002"', "seat[0].dial", "not a dial string"),
    ('dial = "PJSIP/1001"', 'dial = "PJSIP/1001,20"', "seat[0].dial", "not a dial string"),
    ('dial = "PJSIP/1001"', 'dial = "PJSIP/${SEAT}"', "seat[0].dial", "not a dial string"),
    ('dial = "PJSIP/1001"', 'dial = "PJSIP/1001\\n"', "seat[0].dial", "not a dial string"),
    ("groups = []", 'groups = "reserve"', "seat[0].groups", "must be a list"),
    ('match = ["127.0.0.2"]', 'match = ["127.0.0.256"]', "trunk[0].match[0]", "not a source"),
    ('"PJSIP/{number}@carrier"', '"PJSIP/carrier"', "trunk[0].dial", "dial string for a trunk"),
    ("emergency = true", 'emergency = "yes"', "trunk[1].emergency", "true or false"),
    ("first_sound_s = 3", "first_sound_s = 0", "emergency[0].first_sound_s", "out of range"),
    ('"PJSIP/13800000000@carrier"', '"13800000000"', "fallback.duty_telephone", "not a dial string"),
]
BETWEEN_TABLES = [
    (
        'into   = "12345"\n',
        'into   = "12345"\nwrap_up_s = 3\n',
        "line[2].wrap_up_s",
        "cannot be given for a merged line",
    ),
    ('need = "hrss>=5"', 'need = "hrs>=5"', "line[1].rings[0].need", 'did you mean "hrss"?'),
    ('need = "hrss>=5"', 'need = "hrss>=5 or not hrs"', "line[1].rings[0].need", 'unknown skill "hrs"'),
    ('need = "hrss>=5"', 'need = "agent:100"', "line[1].rings[0].need", 'unknown agent "100"'),
    ("{after_s = 3,", "{after_s = 30,", "line[1].rings[2].after_s", "before the ring above it"),
    ('{after_s = 6, need = "any"}', "{after_s = 6}", "line[0].rings[1]", "either need or group"),
    ('into   = "12345"', 'into   = "12346"', "line[2].into", "unknown line"),
    ('into   = "12345"', 'into   = "12336"', "line[2].into", "merged itself"),
    ('into   = "12345"\n', "", "line[2]", "needs the key into"),
    ('into   = "12345"\n', 'into   = "12345"\nzone = "tax"\n', "line[2].zone", "cannot be given for a merged line"),
    ('number = "12333"\nname', 'number = "12333"\ninto = "12345"\nname', "line[1].into", "only for mode"),
    ('number = "12333"', 'number = "12345"', "line[1].number", "same as line[0].number"),
    ("hrss = 8 }", "taxx = 8 }", "agent[0].skills.taxx", 'did you mean "tax"?'),
    ('id = "1001"\nname', 'id = "1009"\nname', "agent[0].id", "no seat of the same id"),
    ('{trunk = "police",', '{trunk = "polize",', "emergency[0].routes[0].trunk", 'did you mean "police"?'),
    ('number = "110"\n', 'number = "12345"\n', "emergency[0].number", "is a [[line]] too"),
    ('match = ["127.0.0.3"]', 'match = ["127.0.0.2"]', "trunk[1].match[0]", 'the trunk "carrier" already'),
    ('name = "police"', 'name = "1001"', "trunk[1].name", "the phone of seat[0]"),
    ('data_dir = "var"', 'data_dir = "my var"', "service.data_dir", "dialplan cannot carry"),
    ('name = "police"', 'name = "carrier"', "trunk[1].name", "same as trunk[0].name"),
    ('["1001", "1002"]', '["1002"]', "fallback.duty_seats[0]", "unknown seat"),
]
UNKNOWN_KEYS = [
    ("lease_s = 3", "leases_s = 3", "timing.leases_s", 'did you mean "lease_s"?'),
    ("data_dir =", "datadir =", "service.datadir", 'did you mean "data_dir"?'),
    ("{after_s = 0, need", "{after = 0, need", "line[0].rings[0].after", 'did you mean "after_s"?'),
    ("[timing]", "[timings]", "timings", 'did you mean "timing"?'),
    ("[[seat]]", "[[seats]]", "seats", 'did you mean "seat"?'),
]


def without_alignment(text: str) -> str:
    """The sample aligns its equal signs; the replacements above need not know how."""
    return re.sub(r"(?m)^(\w+) {2,}=", r"\1 =", text)


def spoiled(text: str, right: str, wrong: str) -> tuple[str, int]:
    """The text with the first of `right` replaced, and the line where that happened."""
    place = text.index(right)
    changed = text[:place] + wrong + text[place + len(right) :]
    return changed, text[:place].count("\n") + 1


@pytest.mark.parametrize(("right", "wrong", "path", "words"), ONE_VALUE + BETWEEN_TABLES + UNKNOWN_KEYS)
def test_a_mistake_is_reported_at_its_key_and_line(
    mistakes: Mistakes, sample_text: str, right: str, wrong: str, path: str, words: str
) -> None:
    right, wrong, sample_text = (without_alignment(text) for text in (right, wrong, sample_text))
    text, line = spoiled(sample_text, right.replace("mode   =", "mode =").replace("into   =", "into ="), wrong)
    found = {problem.path: problem for problem in mistakes(text)}
    assert path in found
    assert words in found[path].text
    row = text.splitlines()[(found[path].line or 0) - 1]
    assert row.strip()
    if right.splitlines()[0] != right or not wrong:  # spans lines: the key stands below, or is gone
        return
    if "rings[" not in path:
        assert found[path].line == line


@pytest.mark.parametrize(
    ("right", "path"),
    [
        ('number = "12345"\n', "line[0].number"),
        ('name = "pbx1"\n', "pbx[0].name"),
        ('role = "engineer"        # agent | expert | supervisor | engineer | auditor\n', "token[0].role"),
        ('dial = "PJSIP/{number}@carrier"\n', "trunk[0].dial"),
    ],
)
def test_a_missing_key_is_reported_at_the_head_of_its_table(
    mistakes: Mistakes, sample_text: str, right: str, path: str
) -> None:
    text, _ = spoiled(sample_text, right, "")
    found = {problem.path: problem for problem in mistakes(text)}
    assert found[path].text.startswith("is missing")
    assert text.splitlines()[(found[path].line or 0) - 1].startswith(f"[[{path.split('[')[0]}]]")


COMBINABLE = [
    ("lease_s = 3", "lease_s = 90", "timing.lease_s"),
    ('role = "engineer"', 'role = "root"', "token[0].role"),
    ('need = "general>=1"', 'need = "generl>=1"', "line[0].rings[0].need"),
    ('number = "12333"', 'number = "12x"', "line[1].number"),
    ('trunk = "police"', 'trunk = "polize"', "emergency[0].routes[0].trunk"),
    ("answer_s = 20", "answers_s = 20", "emergency[0].answers_s"),
    ('"tcp:4573:interface=127.0.0.1"', '"udp"', "service.fastagi"),
    ("general = 5", "generic = 5", "agent[0].skills.generic"),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(chosen=st.sets(st.sampled_from(COMBINABLE), min_size=1))
def test_all_mistakes_are_reported_at_once_and_nothing_else_is(
    mistakes: Mistakes, sample_text: str, chosen: set[tuple[str, str, str]]
) -> None:
    text = sample_text
    expected = {}
    for right, wrong, path in chosen:
        text, expected[path] = spoiled(text, right, wrong)
    found = mistakes(text)
    assert {problem.path: problem.line for problem in found} == expected
    assert [problem.line for problem in found] == sorted(expected.values())


def test_a_wrong_seat_id_is_not_also_reported_by_everybody_who_names_it(mistakes: Mistakes, sample_text: str) -> None:
    text = sample_text.replace('id = "1001"\ndial', 'id = "10:01"\ndial').replace('"1001", "1002"', '"10:01"')
    text = text.replace('id = "1001"', 'id = "10:01"')
    assert [problem.path for problem in mistakes(text)] == ["agent[0].id", "seat[0].id", "fallback.duty_seats[0]"]


def test_tables_without_which_nobody_is_served_are_asked_for(mistakes: Mistakes) -> None:
    assert {problem.path for problem in mistakes("")} >= {"line", "agent", "seat", "pbx"}


def test_a_seat_named_like_an_extension_of_asterisks_own_is_refused(mistakes: Mistakes, sample_text: str) -> None:
    text = sample_text.replace('"1001"', '"h"').replace("PJSIP/1001", "PJSIP/h")
    assert [problem.path for problem in mistakes(text)] == ["seat[0].id"]


def test_a_second_pbx_is_refused_instead_of_ignored(mistakes: Mistakes, sample_text: str) -> None:
    text = sample_text + '\n[[pbx]]\nname = "pbx2"\nsecret_file = "secrets/ami"\n'
    assert [problem.path for problem in mistakes(text)] == ["pbx[1]"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a = 1\nb = \n", 2, "not TOML"),
        ("a = 1\na = 2\n", 2, "not TOML"),
        ('a = 1\n\nb = "open', 3, "not TOML"),
        ("[a]\n[a]\n", 2, "not TOML"),
    ],
)
def test_a_text_that_is_not_toml_is_reported_with_its_line(
    mistakes: Mistakes, text: str, line: int, words: str
) -> None:
    [problem] = mistakes(text)
    assert (problem.line, words in problem.text) == (line, True)


def test_a_file_that_is_not_utf_8_is_reported_with_its_line(folder: Path) -> None:
    (folder / "hotline.toml").write_bytes('a = 1\nb = "热线"\n'.encode("gbk"))
    with pytest.raises(SettingsError, match="line 2: the file is not UTF-8"):
        load(folder / "hotline.toml")


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="hotline init"):
        load(tmp_path / "nowhere.toml")


def test_http_open_to_the_network_needs_tokens(mistakes: Mistakes, read: Read, sample_text: str) -> None:
    text = sample_text.replace('"127.0.0.1:8345"', '"0.0.0.0:8345"')
    assert "service.http" in [problem.path for problem in read(text).warnings]
    start, end = text.index("[[token]]"), text.index("[skills]")
    [problem] = mistakes(text[:start] + text[end:])
    assert problem.path == "service.http"


WARNINGS = [
    ('"tcp:4573:interface=127.0.0.1"', '"tcp:4573"', "service.fastagi", "open to the network"),
    ('ami = "127.0.0.1:5038"', 'ami = "10.0.0.5:5038"', "pbx[0].ami", "clear text"),
    ('group = "reserve"} ]', 'group = "night"} ]', "line[0].rings[2].group", "no seat is in it"),
    ("{ general = 5, hrss = 8 }", "{ }", "agent[0]", "has no skill"),
    ("{ general = 5, hrss = 8 }", "{ tax = 5 }", "line[1]", "nobody can serve 12333"),
    ('zone   = "hrss"', 'zone   = "fund"', "line[1].zone", "no agent is in the zone"),
    ('match = ["127.0.0.2"]', "match = []", "trunk[0]", "no call can arrive"),
]


@pytest.mark.parametrize(("right", "wrong", "path", "words"), WARNINGS)
def test_what_is_allowed_but_hardly_meant_is_a_warning(
    read: Read, sample_text: str, right: str, wrong: str, path: str, words: str
) -> None:
    text, _ = spoiled(sample_text, right, wrong)
    found = {problem.path: problem.text for problem in read(text).warnings}
    assert words in found[path]


def test_an_empty_safety_net_is_a_warning(read: Read, sample_text: str) -> None:
    text = sample_text[: sample_text.index("[fallback]")]
    assert "fallback" in [problem.path for problem in read(text).warnings]


def test_reports_never_repeat_a_value_that_may_be_a_secret(mistakes: Mistakes, sample_text: str) -> None:
    text = re.sub(r'sha256 = "\w+"', 'sha256 = "my-token-in-clear"', sample_text)
    text = text.replace('secret_file = "secrets/ami"', 'secret = "hunter2"')
    report = " ".join(str(problem) for problem in mistakes(text))
    assert "my-token" not in report
    assert "hunter2" not in report


def problems_of(read: Read, text: str) -> list[SettingsProblem]:
    try:
        return list(read(text).warnings)
    except SettingsError as error:
        return error.errors


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_line_left_out_or_doubled_gives_settings_or_a_report_and_never_a_traceback(
    read: Read, sample_text: str, data: st.DataObject
) -> None:
    rows = sample_text.splitlines()
    times = data.draw(st.lists(st.sampled_from([0, 1, 1, 1, 1, 2]), min_size=len(rows), max_size=len(rows)))
    text = "\n".join(itertools.chain.from_iterable([row] * count for row, count in zip(rows, times, strict=True)))
    problems = problems_of(read, text)
    assert all(1 <= (problem.line or 1) <= len(text.splitlines()) + 1 for problem in problems)


def as_toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {as_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_toml(inner) for inner in value) + "]"
    return json.dumps(value)


def known_keys(model: type[BaseModel]) -> set[str]:
    """Every key of every table, so that made-up documents get past the first look."""
    found = set()
    for name, field in model.model_fields.items():
        found.add(field.alias or name)
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                found |= known_keys(part)
    return found


KEYS = st.sampled_from(sorted(known_keys(Settings))) | st.sampled_from(["general", "a.b", "\u001b[31m", "", "线路"])
WORDS = ["12345", "1001", "any", "general>=1", "PJSIP/1001", "PJSIP/{number}@x", "127.0.0.1:1", "merged", "x\n", "${X}"]
LEAVES = st.sampled_from(WORDS) | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
NESTED = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(document=st.dictionaries(KEYS, NESTED, max_size=8))
def test_any_toml_at_all_gives_settings_or_a_report_that_is_safe_to_print(
    read: Read, document: dict[str, object]
) -> None:
    text = "".join(f"{json.dumps(key)} = {as_toml(value)}\n" for key, value in document.items())
    for problem in problems_of(read, text):
        assert str(problem).isprintable()


def test_tables_nested_without_end_are_reported(mistakes: Mistakes) -> None:
    assert "nested too deeply" in mistakes("a = " + "[" * 5000 + "]" * 5000)[0].text


def test_an_open_secret_is_told_beside_a_wrong_value(folder: Path, mistakes: Mistakes, sample_text: str) -> None:
    (folder / "secrets" / "ami").chmod(0o644)
    told = mistakes(sample_text.replace("ratio = 0.95", "ratio = 95"))
    assert [problem.path for problem in told] == ["target.ratio", "pbx[0].secret_file"]


def test_a_pbx_without_a_name_is_told_once(mistakes: Mistakes, sample_text: str) -> None:
    told = mistakes(sample_text.replace('name = "pbx1"\n', "").replace('secret_file = "secrets/ami"\n', ""))
    assert [problem.path for problem in told] == ["pbx[0].name"]
