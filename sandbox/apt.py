"""The Debian mirror this machine already uses, from its own apt sources (deb822 and one-line): no host name is ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ETC_APT = Path("/etc/apt")
# What Debian calls its suites. Other vendors use the same code names, so the component `main` is asked for too.
_NAMES = [
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
]
SUITES = frozenset(_NAMES)
_ONE_LINE = re.compile(r"^deb\s+(?:\[[^\]]*\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>[^#]+)")


@dataclass(frozen=True, slots=True)
class Source:
    """One place packages come from: one URI, one suite."""

    uri: str
    suite: str
    components: tuple[str, ...]


def parse_one_line(text: str) -> Iterator[Source]:
    """Sources of a `sources.list`: `deb [options] uri suite component...`, one a line."""
    for line in text.splitlines():
        if match := _ONE_LINE.match(line.strip()):
            yield Source(match["uri"], match["suite"], tuple(match["components"].split()))


def parse_deb822(text: str) -> Iterator[Source]:
    """Sources of a `*.sources` file: paragraphs of `Types`, `URIs`, `Suites`, `Components`; not the disabled ones."""
    for paragraph in re.split(r"\n\s*\n", text):
        fields = _fields(paragraph)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in {"no", "false"}:
            continue
        components = tuple(fields.get("components", "").split())
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, components)


def _fields(paragraph: str) -> dict[str, str]:
    """The fields of one paragraph by lower-case name; comments dropped, folded lines joined."""
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0].isspace():
            fields[name] = f"{fields.get(name, '')} {line.strip()}"
            continue
        name, _, value = line.partition(":")
        name = name.strip().lower()
        fields[name] = value.strip()
    return fields


def sources(etc_apt: Path = ETC_APT) -> list[Source]:
    """All binary sources of this machine, in apt's order of files."""
    parts = etc_apt / "sources.list.d"
    found: list[Source] = []
    for path in [etc_apt / "sources.list", *sorted(parts.glob("*.list"))]:
        if path.is_file():
            found += parse_one_line(path.read_text(errors="replace"))
    for path in sorted(parts.glob("*.sources")):
        found += parse_deb822(path.read_text(errors="replace"))
    return found


def mirror(found: list[Source]) -> str | None:
    """The URI of the Debian archive itself: a Debian suite with component `main`. None when there is none."""
    main = [s for s in found if s.suite in SUITES and "main" in s.components]
    return _plain(main[0].uri) if main else None


def security_mirror(found: list[Source]) -> str | None:
    """The URI of the security archive: a suite `<release>-security` (`<release>/updates` before 11) with `main`."""
    ends = ("-security", "/updates")
    main = [s for s in found if s.suite.endswith(ends) and "main" in s.components]
    return _plain(main[0].uri) if main else None


def _plain(uri: str) -> str | None:
    """The URI as debootstrap understands it. Cloud images name a list of mirrors: the first of them counts."""
    if not uri.startswith("mirror+file:"):
        return uri.rstrip("/")
    path = Path("/" + uri.removeprefix("mirror+file:").lstrip("/"))
    lines = path.read_text().split() if path.is_file() else []
    return lines[0].rstrip("/") if lines else None
