"""How a panel of the wall looks: a figure, a course over time, or who is well and who is not.

Titles are in both languages. Every query goes to the data source that is chosen at the top of the dashboard.
"""

from __future__ import annotations

import string
import warnings
from dataclasses import dataclass
from typing import Final

with warnings.catch_warnings():  # the classic form, which every Grafana from 10 on loads (docs/decisions/0028)
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, timeseries
    from grafana_foundation_sdk.models import common as looks
    from grafana_foundation_sdk.models import dashboard as parts

Panel = stat.Panel | timeseries.Panel | statetimeline.Panel

SOURCE: Final = looks.DataSourceRef(type_val="prometheus", uid="${datasource}")
RED, YELLOW, GREEN = "red", "yellow", "green"
HEIGHT: Final = 8
FIGURE_HEIGHT: Final = 4
DASHED: Final = [
    parts.DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 10]}),
    parts.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": RED}),
    parts.DynamicConfigValue("custom.fillOpacity", 0),
]


@dataclass(frozen=True, slots=True)
class Query:
    """`legend` in Grafana's notation: `{{line}}` is the label's value. `beside`: a dashed line, to hold others against."""

    expr: str
    legend: str = ""
    beside: bool = False


def figure(title: str, expr: str, *colours: tuple[float, str], unit: str = "short", first: str = GREEN) -> stat.Panel:
    """One number, coloured by what it is: `first`, and from each value on the colour beside it."""
    panel = (
        stat.Panel()
        .title(title)
        .datasource(SOURCE)
        .unit(unit)
        .height(FIGURE_HEIGHT)
        .color_mode(looks.BigValueColorMode.BACKGROUND)
    )
    panel.graph_mode(looks.BigValueGraphMode.NONE).no_value("–").thresholds(_steps(first, colours)).span(4)
    return panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).targets(_targets([Query(expr)]))


def figures(title: str, query: Query, *colours: tuple[float, str], unit: str = "short", first: str) -> stat.Panel:
    """The same for each line."""
    panel = figure(title, query.expr, *colours, unit=unit, first=first).height(HEIGHT).span(12)
    return panel.text_mode(looks.BigValueTextMode.VALUE_AND_NAME).targets(_targets([query]))


def course(
    title: str, *queries: Query, unit: str = "short", stacked: bool = False, most: float | None = None
) -> timeseries.Panel:
    """Values over time. `stacked`: parts of a whole."""
    panel = (
        timeseries.Panel().title(title).datasource(SOURCE).unit(unit).height(HEIGHT).span(12).min(0).span_nulls(False)
    )
    panel.fill_opacity(30 if stacked else 5).show_points(looks.VisibilityMode.NEVER)
    if most is not None:
        panel.max(most)
    if stacked:
        panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL))
    for query, name in zip(queries, string.ascii_uppercase, strict=False):
        if query.beside:
            panel.override_by_query(name, DASHED)
    panel.tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI))
    return panel.legend(_legend()).targets(_targets(queries))


def states(title: str, *queries: Query) -> statetimeline.Panel:
    """Who is well (1) and who is not (0), over time."""
    words = parts.ValueMap(
        options={
            "1": parts.ValueMappingResult(text="正常 · up", color=GREEN),
            "0": parts.ValueMappingResult(text="故障 · down", color=RED),
        }
    )
    panel = statetimeline.Panel().title(title).datasource(SOURCE).height(HEIGHT).span(12).mappings([words])
    return panel.show_value(looks.VisibilityMode.NEVER).targets(_targets(queries))


def _targets(queries: tuple[Query, ...] | list[Query]) -> list[prometheus.Dataquery]:
    named = zip(queries, string.ascii_uppercase, strict=False)
    return [
        prometheus.Dataquery().expr(query.expr).legend_format(query.legend or "__auto").datasource(SOURCE).ref_id(name)
        for query, name in named
    ]


def _steps(first: str, colours: tuple[tuple[float, str], ...]) -> dashboard.ThresholdsConfig:
    steps = [parts.Threshold(None, first), *(parts.Threshold(value, colour) for value, colour in colours)]
    return dashboard.ThresholdsConfig().mode(parts.ThresholdsMode.ABSOLUTE).steps(steps)


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(True).display_mode(looks.LegendDisplayMode.LIST)
    return legend.placement(looks.LegendPlacement.BOTTOM)
