"""The manual and the models must name the same keys with the same defaults, in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from service import settings_tables as tables
from service.settings import Settings
from service.settings_probe import ProbeScheduleTable, ProbeTable

DOCS = Path(__file__).parents[3] / "docs"
MODELS: dict[str, type[BaseModel]] = {
    "[service]": tables.ServiceTable,
    "[target]": tables.TargetTable,
    "[timing]": tables.TimingTable,
    "[retention]": tables.RetentionTable,
    "[recording]": tables.RecordingTable,
    "[[pbx]]": tables.PbxTable,
    "[[token]]": tables.TokenTable,
    "[privacy]": tables.PrivacyTable,
    "[[line]]": tables.LineTable,
    "rings": tables.RingTable,
    "[[reason]]": tables.ReasonTable,
    "[[agent]]": tables.AgentTable,
    "[[seat]]": tables.SeatTable,
    "[surge]": tables.SurgeTable,
    "[staffing]": tables.StaffingTable,
    "[restrictions]": tables.RestrictionsTable,
    "[[zone]]": tables.ZoneTable,
    "[[roster]]": tables.RosterTable,
    "[[trunk]]": tables.TrunkTable,
    "[[emergency]]": tables.EmergencyTable,
    "routes": tables.RouteTable,
    "[[department]]": tables.DepartmentTable,
    "[directory]": tables.DirectoryTable,
    "[dialing]": tables.DialingTable,
    "[probe]": ProbeTable,
    "[[probe_schedule]]": ProbeScheduleTable,
    "[callbacks]": tables.CallbacksTable,
    "[fallback]": tables.FallbackTable,
}
MANUALS = ["configuration.md", "configuration.zh-CN.md"]
Rows = dict[str, list[tuple[str, str, str]]]


def rows_of(manual: str) -> Rows:
    """Section -> (key, default, allowed) of each row."""
    found: Rows = {}
    section = ""
    for row in (DOCS / manual).read_text().splitlines():
        if heading := re.match(r"##+ (.*)", row):
            section = heading[1]
        elif cells := re.match(r"\| `(\w+)` \| ([^|]*) \| ([^|]*) \|", row):
            found.setdefault(section, []).append((cells[1], cells[2], cells[3]))
    return found


def default_text(field: FieldInfo, required: str) -> str:
    if field.is_required():
        return required
    if field.default is None or field.default == () or field.default_factory is not None:
        return "–"
    return f"`{field.default:g}`" if isinstance(field.default, float) else f"`{json.dumps(field.default)}`"


@pytest.mark.parametrize("manual", MANUALS)
def test_the_manual_names_every_key_with_its_default(manual: str) -> None:
    required = "required" if manual == "configuration.md" else "必填"
    found = rows_of(manual)
    for section, model in MODELS.items():
        expected = [(field.alias or name, default_text(field, required)) for name, field in model.model_fields.items()]
        assert [(key, default) for key, default, _ in found[section]] == expected


@pytest.mark.parametrize("manual", MANUALS)
def test_the_manual_tells_the_bounds_that_are_checked(manual: str) -> None:
    found = rows_of(manual)
    for section, model in MODELS.items():
        for key, _, allowed in found[section]:
            fields = {field.alias or name: field for name, field in model.model_fields.items()}
            limits = {type(limit): limit for limit in fields[key].metadata}
            if Ge in limits and Le in limits:
                numbers = re.findall(r"-?\d+", allowed)
                assert numbers[:2] == [f"{limits[Ge].ge:g}", f"{limits[Le].le:g}"], key


def test_every_table_of_the_file_is_in_the_manual() -> None:
    text = (DOCS / "configuration.md").read_text()
    for name, field in Settings.model_fields.items():
        assert re.search(rf"(?m)^## \[+{field.alias or name}\]+$|^`{field.alias or name}` at the top", text)
