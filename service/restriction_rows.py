"""Restrictions as people write and read them: checked, masked, from and to CSV. Numbers stand in no mistake's text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from routing.restrictions import Afterwards, Kind
from storage.numbers import NumberVault, normalise, normalise_block
from storage.restrictions import RestrictionRow, Use

REASONS: Final[Mapping[str, str]] = {
    "false_report": "false reports",
    "occupation": "keeps the line occupied again and again",
    "abuse": "abuse of agents",
    "other": "another reason, told by the evidence",
}
LONGEST: Final = timedelta(days=366)
TALK_S: Final = (5.0, 7200.0)
LONGEST_TEXT: Final = {"evidence": 500, "approver": 60}
REQUIRED: Final = ("number", "kind", "reason", "evidence", "approver", "until")
IMPORTED: Final = (*REQUIRED, "block", "afterwards", "talk_s")
COLUMNS: Final = (
    "id", "number", "block", "kind", "afterwards", "talk_s", "reason", "evidence", "approver", "until",
    "second_approver", "added_by", "added", "ended_by", "ended", "status", "times",
)  # fmt: skip
YES: Final = frozenset({"yes", "true", "1", "是"})
_LIKE_A_NUMBER: Final = re.compile(r"\d{7}")

Mistake = tuple[str, str]  # field, why


@dataclass(frozen=True, slots=True)
class Terms:
    """What entries are checked against."""

    vault: NumberVault
    area_code: str
    emergency_numbers: frozenset[str]
    spoken_notice: bool
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Whom:
    """Whose calls: reference, sealed number or beginning of numbers, and which of both."""

    ref: str
    sealed: str
    block: bool


def whom(values: Mapping[str, Any], terms: Terms) -> Whom | str:
    """The number of the entry, or why there is none."""
    raw, block = str(values.get("number") or ""), bool(values.get("block"))
    if block:
        beginning = normalise_block(raw, area_code=terms.area_code)
        if beginning is None:
            return "is no beginning of numbers: an area code, or at least the first digits of mobile numbers"
        return Whom(terms.vault.block_ref(beginning), terms.vault.seal(beginning), True)
    number = normalise(raw, area_code=terms.area_code)
    if number is None:
        return "is no telephone number"
    if number in terms.emergency_numbers:
        return "is an emergency number, which is never restricted"
    return Whom(terms.vault.caller_ref(number), terms.vault.seal(number), False)


def checked(
    values: Mapping[str, Any], who: Whom | str, by: str, now: float, terms: Terms
) -> tuple[RestrictionRow | None, list[Mistake]]:
    """The entry as it is to be kept, or everything that is wrong with it. `values` by the keys of `RestrictionIn`."""
    given = dict(values)
    given["approver"] = given.get("approver") or by
    mistakes = [] if isinstance(who, Whom) else [("number", who)]
    mistakes += _words(given) + _kinds(given, terms) + _times(given, now)
    mistakes += [("evidence", "holds the number itself; leave it out")] if _tells_the_number(given, who, terms) else []
    if mistakes or isinstance(who, str):
        return None, mistakes
    talk_s = given.get("talk_s")
    return RestrictionRow(
        who.ref, who.sealed, who.block, given["kind"], given.get("afterwards") or Afterwards.WAIT,
        None if talk_s is None else round(talk_s * 1000), given["reason"], given["evidence"].strip(),
        given["approver"].strip(), by, round(now * 1000), round(given["until"] * 1000),
    ), []  # fmt: skip


def _words(given: Mapping[str, Any]) -> list[Mistake]:
    mistakes = []
    for key, longest in LONGEST_TEXT.items():
        text = str(given.get(key) or "").strip()
        if not text:
            mistakes.append((key, "is missing"))
        elif len(text) > longest or not text.isprintable():
            mistakes.append((key, f"has at most {longest} characters in one line"))
    if _LIKE_A_NUMBER.search(str(given.get("approver") or "")):
        mistakes.append(("approver", "looks like a number; write a name"))
    return mistakes


def _kinds(given: Mapping[str, Any], terms: Terms) -> list[Mistake]:
    kind, afterwards = given.get("kind"), given.get("afterwards") or Afterwards.WAIT
    mistakes = [] if kind in set(Kind) else [("kind", f"is one of {', '.join(Kind)}")]
    mistakes += [] if given.get("reason") in REASONS else [("reason", f"is one of {', '.join(REASONS)}")]
    if afterwards not in set(Afterwards):
        mistakes.append(("afterwards", f"is one of {', '.join(Afterwards)}"))
    elif afterwards == Afterwards.END and kind != Kind.REJECT:
        mistakes.append(("afterwards", "only a rejected call can end after the notice"))
    elif afterwards == Afterwards.END and not terms.spoken_notice:
        mistakes.append(("afterwards", "ends only after a spoken notice: name its file, restrictions.voice_notice"))
    talk_s = given.get("talk_s")
    if talk_s is not None and kind != Kind.SHORT_CALL:
        mistakes.append(("talk_s", "only a short call has a limit"))
    elif talk_s is not None and not TALK_S[0] <= talk_s <= TALK_S[1]:
        mistakes.append(("talk_s", f"is {TALK_S[0]:g} to {TALK_S[1]:g} seconds"))
    return mistakes


def _times(given: Mapping[str, Any], now: float) -> list[Mistake]:
    until = given.get("until")
    if not isinstance(until, int | float) or not now < until <= now + LONGEST.total_seconds():
        return [("until", "lies ahead, by at most one year")]
    return []


def _tells_the_number(given: Mapping[str, Any], who: Whom | str, terms: Terms) -> bool:
    if isinstance(who, str) or who.block:
        return False
    digits = terms.vault.open_sealed(who.sealed).removeprefix("+86").removeprefix("+")
    return len(digits) >= 5 and digits in re.sub(r"[\s().-]", "", str(given.get("evidence") or ""))


def status(row: RestrictionRow, now: float) -> str:
    """in_force, pending (a block without a second approver), expired or ended."""
    if row.ended_ms is not None:
        return "ended"
    if row.until_ms <= now * 1000:
        return "expired"
    return "pending" if row.block and row.second_approver is None else "in_force"


def told(row: RestrictionRow, number: str, use: Use | None, now: float) -> dict[str, Any]:
    """By the keys of `RestrictionOut`. `number`: as whoever asks may see it. `use`: None when it is not known."""
    return {
        "id": row.id, "number": number, "block": row.block, "kind": row.kind, "afterwards": row.afterwards,
        "talk_s": None if row.talk_ms is None else row.talk_ms / 1000, "reason": row.reason, "evidence": row.evidence,
        "approver": row.approver, "second_approver": row.second_approver, "added_by": row.added_by,
        "added_at": row.added_ms / 1000, "until": row.until_ms / 1000, "ended_by": row.ended_by,
        "ended_at": None if row.ended_ms is None else row.ended_ms / 1000, "status": status(row, now),
        "times": None if use is None else use.times,
        "last_at": None if use is None or not use.times else use.last_ms / 1000,
    }  # fmt: skip


# -- CSV ---------------------------------------------------------------------------------------------------------------


def from_csv(data: bytes, zone: tzinfo) -> tuple[list[tuple[int, dict[str, Any]]], str | None]:
    """(row, values by the keys of `RestrictionIn`) of each line, or why the file cannot be read."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", "replace")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    names = set(reader.fieldnames or ())
    if missing := [name for name in REQUIRED if name not in names]:
        return [], f"the first line does not name the columns {', '.join(missing)}"
    if strange := [str(name) for name in names - set(COLUMNS)]:
        return [], f"there is no column {', '.join(sorted(strange))[:60]}; they are {', '.join(IMPORTED)}"
    return [(reader.line_num, _values(line, zone)) for line in reader], None


def _values(line: Mapping[str, str | None], zone: tzinfo) -> dict[str, Any]:
    found: dict[str, Any] = {key: (line.get(key) or "").strip() for key in IMPORTED}
    found["block"] = found["block"].lower() in YES
    found["talk_s"] = _or_none(float, found["talk_s"]) if found["talk_s"] else None
    found["until"] = _or_none(lambda text: until_of(text, zone), found["until"])
    return found


def _or_none(read: Callable[[str], float], text: str) -> float | None:
    try:
        return read(text)
    except ValueError:
        return None


def until_of(text: str, zone: tzinfo) -> float:
    """`2026-12-31`: the end of that day; or a date with a time. Epoch seconds. Raises ValueError."""
    when = datetime.fromisoformat(text)
    if len(text) <= len("2026-12-31"):
        when += timedelta(days=1)
    return (when if when.tzinfo else when.replace(tzinfo=zone)).timestamp()


def to_csv(entries: Iterable[Mapping[str, Any]], zone: tzinfo) -> bytes:
    """With a mark of UTF-8, for spreadsheets."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for entry in entries:
        writer.writerow({key: _cell(value) for key, value in _line(entry, zone).items()})
    return out.getvalue().encode("utf-8-sig")


def _line(entry: Mapping[str, Any], zone: tzinfo) -> dict[str, Any]:
    times = {"until": entry["until"], "added": entry["added_at"], "ended": entry["ended_at"]}
    local = {key: None if at is None else _local(at, zone) for key, at in times.items()}
    return {key: entry.get(key) for key in COLUMNS} | {"block": "yes" if entry["block"] else "no"} | local


def _local(at: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")


def _cell(value: Any) -> str:
    """No text becomes a formula of the spreadsheet; a number with its plus is none."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "@", "-") or (text[:1] == "+" and not text[1:].isdigit()) else text


def in_words(mistakes: Sequence[Mistake], row: int | None = None) -> list[dict[str, Any]]:
    return [{"row": row, "column": field, "why": why} for field, why in mistakes]
