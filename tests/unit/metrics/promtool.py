"""Debian's `promtool` on our rules: what it is given, and what it says."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

RULES_FILE: Final = Path(__file__).parents[3] / "config/prometheus/hotline.rules.yml"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it stands in the file; `annotations` with their placeholders, in the order of the file."""

    name: str
    expr: str
    waits: str  # its `for`; "" where it has none
    severity: str
    annotations: Mapping[str, str] = field(default_factory=dict)

    def said(self, words: Mapping[str, str]) -> dict[str, str]:
        """The annotations as people read them, each `{{ placeholder }}` replaced by its word."""

        def word(match: re.Match[str]) -> str:
            return words[match[1]]

        return {key: re.sub(r"\{\{ (.+?) \}\}", word, text) for key, text in self.annotations.items()}


def alerts() -> dict[str, Alert]:
    """Every alert of the file by name."""
    blocks = re.split(r"^      - alert: ", RULES_FILE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    found = [_alert(block) for block in blocks]
    return {alert.name: alert for alert in found}


def _alert(block: str) -> Alert:
    name, _, rest = block.partition("\n")
    keys = dict(re.findall(r"^        (\w+): ?((?:.|\n {10})*)", rest, re.MULTILINE))
    rows = re.findall(r"^ {10}(\w+): (.*)$", rest.partition("annotations:")[2], re.MULTILINE)
    severity = re.search(r"severity: (\w+)", keys.get("labels", ""))
    expr = " ".join(keys["expr"].removeprefix(">-").split())
    return Alert(name, expr, keys.get("for", ""), severity[1] if severity else "", {k: _plain(v) for k, v in rows})


def _plain(text: str) -> str:
    """A YAML scalar of one line, quoted or not."""
    return json.loads(text) if text.startswith('"') else text


def check() -> str:
    """What `promtool check rules` says. Raises AssertionError when it finds fault."""
    return _run("check", "rules", str(RULES_FILE))


def passes(
    folder: Path,
    series: Mapping[str, str],
    *,
    interval: str = "30s",
    alert_tests: Sequence[Mapping[str, Any]] = (),
    expr_tests: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Plays the series (name -> values, one each `interval`) to the rules, which are evaluated as often.

    Raises:
        AssertionError: with promtool's words.
    """
    rules, times = re.subn("(?m)^    interval: 30s$", f"    interval: {interval}", RULES_FILE.read_text("utf-8"))
    assert times == 1
    (folder / "rules.yml").write_text(rules, "utf-8")
    test = {
        "interval": interval,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": list(alert_tests),
        "promql_expr_test": list(expr_tests),
    }
    document = {"rule_files": ["rules.yml"], "evaluation_interval": interval, "tests": [test]}
    path = folder / "rules.test.json"  # JSON is YAML
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    _run("test", "rules", str(path))


def _run(*arguments: str) -> str:
    done = subprocess.run(
        ["promtool", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
    )
    words = done.stdout.decode()
    assert done.returncode == 0, words
    return words


def recorded() -> dict[str, str]:
    """Every recorded series of the file by name, with its expression."""
    rules = re.findall(r"^      - record: (\S+)\n(?:        labels: .*\n)?        expr: ((?:.|\n {10})*)",
                       RULES_FILE.read_text("utf-8"), re.MULTILINE)  # fmt: skip
    return {name: " ".join(expr.removeprefix(">-").split()) for name, expr in rules}
