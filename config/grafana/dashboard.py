"""What is on the wall: the panels of `hotline.json`, row by row. `python -m config.grafana` writes it anew.

Whatever the recording rules have is taken from them, so that a panel, an alert and the manual never mean different things
by one word. `$line` is chosen at the top; figures of the whole hotline do not follow it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from config.grafana.panels import (
    GREEN,
    RED,
    SOURCE,
    YELLOW,
    Panel,
    Query,
    course,
    dashboard,
    figure,
    figures,
    parts,
    states,
)

__all__ = ["made"]

OF_LINE: Final = '{line=~"$line"}'
BY_LINE: Final = "{{line}}"
TARGET: Final = Query(f"max by (line) (hotline_target_ratio{OF_LINE})", "目标 target {{line}}", beside=True)


def made() -> str:
    """The dashboard as Grafana loads it, always the same text."""
    wall = dashboard.Dashboard("政务热线 · Hotline").uid("hotline").tags(["hotline"]).readonly()
    wall.time("now-6h", "now").refresh("10s").timezone("browser").tooltip(parts.DashboardCursorSync.CROSSHAIR)
    wall.description("15秒接通率 = 及时接通 / 全部来电（V2-all）· answered in time / all real calls; docs/metrics.md")
    wall.with_variable(dashboard.DatasourceVariable("datasource").label("数据源 · source").type("prometheus"))
    wall.with_variable(_line())
    for title, panels in ROWS:
        wall.with_row(dashboard.Row(title))
        for panel in panels:
            wall.with_panel(panel)
    built = wall.build()
    for number, panel in enumerate(built.panels or [], start=1):
        panel.id_val = number
    return json.dumps(built, default=lambda part: part.to_json(), ensure_ascii=False, indent=2) + "\n"


def _line() -> dashboard.QueryVariable:
    variable = dashboard.QueryVariable("line").label("线路 · line").datasource(SOURCE).multi(True).include_all(True)
    variable.query("label_values(hotline_target_ratio, line)").all_value(".*").sort(parts.VariableSort.NUMERICAL_ASC)
    variable.current(parts.VariableOption(text="All", value="$__all"))
    return variable.refresh(parts.VariableRefresh.ON_TIME_RANGE_CHANGED)


def _increase(name: str, by: str, window: str = "5m") -> str:
    return f"sum by ({by}) (increase({name}[{window}]))"


NOW: Final[Sequence[Panel]] = (
    figure(
        "15秒接通率（近一小时）· answered in time, last hour",
        "hotline:answered_in_time:ratio1h_all",
        (0.9, YELLOW),
        (0.95, GREEN),
        unit="percentunit",
        first=RED,
    ),
    figure("等待 · waiting", "sum(hotline_calls_waiting)", (1, YELLOW), (10, RED)),
    figure("最长等待 · longest wait", "max(hotline_longest_wait_seconds)", (10, YELLOW), (15, RED), unit="s"),
    figure("通话中 · talking", "sum(hotline_calls_talking)"),
    figure("空闲座席 · seats ready", 'sum(hotline_agents{state="ready"})', (1, YELLOW), (3, GREEN), first=RED),
    figure("紧急告警 · emergency alarms", "sum(hotline_emergency_alarms)", (1, RED)),
)

ANSWERS: Final[Sequence[Panel]] = (
    course(
        "15秒接通率，近一小时 · answered in time, last hour (V2-all)",
        Query(f"hotline:answered_in_time:ratio1h{OF_LINE}", BY_LINE),
        TARGET,
        unit="percentunit",
        most=1,
    ),
    course(
        "15秒接通率，近5分钟 · answered in time, last 5 min (V2-all)",
        Query(f"hotline:answered_in_time:ratio5m{OF_LINE}", BY_LINE),
        TARGET,
        unit="percentunit",
        most=1,
    ),
    figures(
        "15秒接通率，24小时 · answered in time, 24 h (V2-all)",
        Query(f"hotline:answered_in_time:ratio1d{OF_LINE}", BY_LINE),
        (0.9, YELLOW),
        (0.95, GREEN),
        unit="percentunit",
        first=RED,
    ),
    course(
        "来电结果（每5分钟）· calls by result, per 5 min",
        Query(_increase(f"hotline_calls_judged_total{OF_LINE}", "result"), "{{result}}"),
        stacked=True,
    ),
    course("等待中 · callers waiting", Query(f"sum by (line) (hotline_calls_waiting{OF_LINE})", BY_LINE), stacked=True),
    course(
        "最长等待 · longest wait",
        Query(f"max by (line) (hotline_longest_wait_seconds{OF_LINE})", BY_LINE),
        Query("max(hotline_target_seconds)", "目标 target", beside=True),
        unit="s",
    ),
    course(
        "接通时长 · time to the answer, p95 of the hour",
        Query(f"hotline:answer_seconds:p95_1h{OF_LINE}", BY_LINE),
        Query("max(hotline_target_seconds)", "目标 target", beside=True),
        unit="s",
    ),
    course(
        "放弃前等待 · time to giving up, median of the hour",
        Query("histogram_quantile(0.5, sum by (le) (increase(hotline_abandon_seconds_bucket[1h])))", "p50"),
        unit="s",
    ),
    course(
        "来电与预测（每15分钟）· arrivals and forecast, per 15 min",
        Query("sum(increase(hotline_calls_offered_total[15m]))", "来电 came"),
        Query("sum(hotline_forecast_arrivals_all)", "预测 forecast", beside=True),
    ),
    course(
        "接通（每5分钟）· answers by who found the agent, per 5 min",
        Query(_increase("hotline_answers_total", "by"), "{{by}}"),
        stacked=True,
    ),
)

SEATS: Final[Sequence[Panel]] = (
    course("座席状态 · seats by state", Query("sum by (state) (hotline_agents)", "{{state}}"), stacked=True),
    course(
        "在岗与所需座席 · seats present and needed",
        Query('sum(hotline_agents{state=~"ready|ringing|talking|wrap_up"})', "在岗 present"),
        Query('max(hotline_seats_needed{quarter="0"})', "所需 needed", beside=True),
        Query("max(hotline_seats_needed)", "一小时内最多 most within the hour", beside=True),
    ),
    course("话机状态 · seats by phone", Query("sum by (device) (hotline_seats)", "{{device}}"), stacked=True),
    course(
        "振铃结果（每5分钟）· presentations by outcome, per 5 min",
        Query(_increase("hotline_presentations_total", "outcome"), "{{outcome}}"),
        stacked=True,
    ),
    course(
        "回拨与回访 · call-backs by state",
        Query("sum by (state) (hotline_callbacks)", "{{state}}"),
        Query("sum(hotline_callbacks_overdue)", "超时 overdue", beside=True),
    ),
)

EMERGENCIES: Final[Sequence[Panel]] = (
    course(
        "紧急联动（24小时）· handoffs by centre and outcome, 24 h",
        Query(_increase("hotline_emergency_handoffs_total", "target, outcome", "1d"), "{{target}} {{outcome}}"),
        stacked=True,
    ),
    course(
        "紧急路由（每小时）· legs to centres by outcome, per hour",
        Query(_increase('hotline_thirds_total{kind="emergency"}', "outcome", "1h"), "{{outcome}}"),
        stacked=True,
    ),
    states("应急中继 · trunks to emergency centres", Query("min by (trunk) (hotline_trunk_up)", "{{trunk}}")),
    course("未确认告警 · alarms nobody has acknowledged", Query("sum(hotline_emergency_alarms)", "告警 alarms")),
)

RUNNING: Final[Sequence[Panel]] = (
    states(
        "服务、AMI、数据库等 · service and its parts",
        Query("min(hotline_serving)", "服务 service"),
        Query("min by (pbx) (hotline_ami_connected)", "AMI {{pbx}}"),
        Query("1 - max by (part) (hotline_degraded)", "{{part}}"),
    ),
    course(
        "兜底（每5分钟）· taken over by the dialplan, per 5 min",
        Query(_increase("hotline_fallback_calls_total", "stage"), "{{stage}}"),
        stacked=True,
    ),
    course(
        "未入库记录 · records spooled",
        Query("sum(hotline_records_spooled)", "滞留 spooled"),
        Query("sum(increase(hotline_records_lost_total[1h]))", "丢失 lost, 1 h"),
        Query("sum(increase(hotline_records_aside_total[1h]))", "另存 kept aside, 1 h"),
    ),
    course(
        "录音（每小时）· recordings by outcome, per hour",
        Query(_increase("hotline_recordings_total", "outcome", "1h"), "{{outcome}}"),
        stacked=True,
    ),
    course(
        "磁盘剩余 · disk left",
        Query("min(hotline_data_free_bytes)", "data_dir"),
        Query("min(hotline_recording_free_bytes)", "录音 recordings"),
        unit="bytes",
    ),
    course(
        "停顿与自身错误（每5分钟）· stalls, late leases, bugs, per 5 min",
        Query("sum(increase(hotline_loop_stalls_total[5m]))", "停顿 stalls"),
        Query("sum(increase(hotline_lease_renewals_late_total[5m]))", "租约迟到 leases late"),
        Query("sum(increase(hotline_bugs_total[5m]))", "自身错误 bugs"),
    ),
)

ROWS: Final[Sequence[tuple[str, Sequence[Panel]]]] = (
    ("现在 · Now", NOW),
    ("接通 · Answers", ANSWERS),
    ("座席 · Seats", SEATS),
    ("紧急联动 · Emergency centres", EMERGENCIES),
    ("运行 · Running", RUNNING),
)
