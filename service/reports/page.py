"""A report as one page that needs nothing else: figures, pictures, tables, the sum of the data. To read and to print."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from metrics.measures import HEADLINE
from routing.model import Rules
from service.reports import charts
from service.reports.tables import TableName, percent, rows
from service.reports.words import Language
from service.simulation.picture import has_library

Json = Mapping[str, Any]
TEMPLATE: Final = "page.html.j2"
# key -> English, Chinese
SAID: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("Figures of {title}", "{title} 运行报表"),
    "period": ("Local time,", "当地时间"),
    "proof": ("Proof", "数据校验"),
    "proof_text": (
        "Sum over every call of the period, with its times, outcome and flags. `hotline audit DAY` computes a day once "
        "more from the recorded steps and must find the same.",
        "本期每一通来电（含时间、结果与标记）的校验和。“hotline audit 日期”由逐步记录重新计算，应得到同一结果。",
    ),
    "ratio": ("15 s ratio over time", "15秒接通率走势"),
    "ratio_note": (
        "Answered by a person within the target / all calls ({headline}). A call belongs to the time of its arrival. "
        "Dotted: what is wanted.",
        "目标时间内人工接通 / 全部呼入（{headline}）。来电计入其到达的时段。点线为目标。",
    ),
    "bands": ("How long people waited", "等待时长分布"),
    "bands_note": (
        "Blue: answered within 15 s; pale: answered later (A); orange: given up (B). Formula V7.",
        "深蓝：15秒内接通；浅蓝：其后接通（A）；橙色：放弃（B）。公式 V7。",
    ),
    "heat": ("The week by the hour", "按星期与小时"),
    "heat_note": (
        "Colour: 15 s ratio; number: calls. Rows 1 (Monday) to 7 (Sunday).",
        "颜色：15秒接通率；数字：呼入量。行 1（周一）至 7（周日）。",
    ),
    "seats": ("Seats and calls", "席位与来电"),
    "seats_note": (
        "Bars: calls of each step. Line: seats signed in and not paused, on average; dashed: needed for the target.",
        "柱：各时段呼入。实线：平均在岗席位（已签入且未示忙）；虚线：达标所需席位。",
    ),
    "numbers": ("By dialled number", "按被叫号码"),
    "formulas": ("The same calls by other formulas", "同一数据的其他口径"),
    "days": ("By day", "按日"),
    "remarks": ("What a reader should know", "说明"),
}


def page(report: Json, rules: Rules, language: Language) -> str:
    """The whole file. Raises PictureError when nothing can be drawn."""
    has_library()
    env = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    said = {key: both[language is Language.ZH] for key, both in SAID.items()}
    return env.get_template(TEMPLATE).render(
        zh=language is Language.ZH,
        title=said["title"].format(title=report["title"]),
        said=said,
        report=report,
        figures=list(_figures(report, rules, language)),
        sections=list(_sections(report, rules, language, said)),
    )


def _figures(report: Json, rules: Rules, language: Language) -> Iterator[Json]:
    total, zh = report["total"], language is Language.ZH
    ratio, wanted = total["ratios"][HEADLINE], max((line.ratio for line in rules.lines.values()), default=0.95)
    yield {"name": "15秒接通率" if zh else "15 s ratio", "value": percent(ratio) or "–", "below": HEADLINE,
           "missed": ratio is not None and ratio < wanted}  # fmt: skip
    yield _figure("全部呼入" if zh else "calls", total["offered"], "O")
    yield _figure("人工接通" if zh else "answered", total["answered"], "A")
    yield _figure("接通率" if zh else "answered at all", percent(total["ratios"]["connect"]), "A / O")
    yield _figure("放弃" if zh else "given up", total["abandoned"], "B")
    yield _figure("平均接通时长" if zh else "mean answer time", total["mean_s"], "s")
    yield _figure("95分位" if zh else "p95", total["p95_s"], "s")
    if people := report.get("people"):
        yield _figure("工时利用率" if zh else "occupancy", percent(people["occupancy"]), "")


def _figure(name: str, value: object, below: str) -> Json:
    return {"name": name, "value": "–" if value is None else value, "below": below, "missed": False}


def _sections(report: Json, rules: Rules, language: Language, said: Mapping[str, str]) -> Iterator[Json]:
    targets = [line.ratio for line in rules.lines.values()]
    if report["calls"]:
        note = said["ratio_note"].format(headline=HEADLINE)
        yield _section(said["ratio"], note, charts.ratios(report, targets))
        yield _section(said["bands"], said["bands_note"], charts.bands(report))
    if report["calls"] and report["days"]:
        yield _section(said["heat"], said["heat_note"], charts.heat(report))
    if report.get("there") and len(report["there"]) <= 96 * 7:
        yield _section(said["seats"], said["seats_note"], charts.seats(report))
    yield _section(said["numbers"], rows=rows(report, TableName.NUMBERS, language))
    yield _section(said["formulas"], rows=rows(report, TableName.FORMULAS, language))
    if report["days"]:
        yield _section(said["days"], rows=rows(report, TableName.DAYS, language))
    if remarks := list(_remarks(report)):
        yield _section(said["remarks"], rows=remarks)


def _section(title: str, note: str = "", picture: str = "", rows: Any = ()) -> Json:
    return {"title": title, "note": note, "picture": base64.b64encode(picture.encode()).decode(), "rows": rows}


def _remarks(report: Json) -> Iterator[Json]:
    """Counts of what is flagged: never dropped silently."""
    for kind in ("flags", "flow_outs", "fallback", "ended_by"):
        for name, count in sorted(report.get(kind, {}).items()):
            yield {"": f"{kind}: {name}", "n": count}
    for kind in ("emergency", "requeued"):
        if report.get(kind):
            yield {"": kind, "n": report[kind]}
