"""How figures are called, in English and Chinese, by the keys of `service.reports.figures` and the ids of the formulas."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from service.reports.figures import ALL, CONNECT_24H


class Language(StrEnum):
    EN = "en"
    ZH = "zh"


# key -> English, Chinese
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "number": ("number", "号码"),
    "name": ("name", "名称"),
    "zone": ("zone", "专区"),
    "from": ("from", "时段"),
    "day": ("day", "日期"),
    "offered": ("calls", "呼入"),
    "answered": ("answered", "人工接通"),
    "in_time": ("in time", "按时接通"),
    "ratio": ("15 s ratio", "15秒接通率"),
    "connect": ("answered at all", "接通率"),
    "mean_s": ("mean s", "平均接通时长（秒）"),
    "p50_s": ("median s", "中位（秒）"),
    "p95_s": ("p95 s", "95分位（秒）"),
    "max_s": ("longest s", "最长（秒）"),
    "abandoned": ("given up", "放弃"),
    "short_abandoned": ("short", "短时放弃"),
    "flowed_out": ("elsewhere", "流出"),
    "failed": ("failed", "系统丢失"),
    "restricted": ("restricted", "限制"),
    "test": ("test", "拨测"),
    "waiting": ("open", "未结束"),
    "band": ("waited", "等待时长"),
    "formula": ("formula", "公式"),
    "what": ("what it is", "含义"),
    "value": ("value", "数值"),
    "agent": ("agent", "话务员"),
    "signed_in": ("signed in h", "签入（小时）"),
    "talks": ("talks", "通话数"),
    "handle": ("handle time s", "平均处理时长（秒）"),
    "occupancy": ("occupancy", "工时利用率"),
    "adherence": ("adherence", "席位遵守率"),
    "paused": ("paused h", "示忙（小时）"),
    "wrap_up": ("wrap-up h", "话后（小时）"),
    "talking": ("talking h", "通话（小时）"),
    "missed": ("not picked up", "未接"),
    "call": ("call", "来电编号"),
    "wait_s": ("waited s", "等待（秒）"),
    "served": ("served", "其后服务"),
    ALL: ("all", "合计"),
}
FORMULA_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "V2-all": ("in time / all calls: the 15 s ratio", "15秒内人工接通 / 全部呼入：15秒接通率"),
    "V1": ("in time / answered", "15秒内接通 / 人工接通"),
    "V2": ("in time / (answered + given up)", "15秒内接通 / （接通＋放弃）"),
    "V3": ("in time / (answered + given up + elsewhere)", "15秒内接通 / （接通＋放弃＋流出）"),
    "V4": ("who gave up in time left out", "15秒内放弃的不计入"),
    "V5": ("who gave up within 5 s left out", "5秒内放弃的不计入"),
    "V6": ("who gave up in time counted as served", "15秒内放弃的计为按时"),
    "connect": ("answered / all calls", "接通率：人工接通 / 全部呼入"),
    CONNECT_24H: ("answered / all calls of whole days", "24小时接通率：整日人工接通 / 全部呼入"),
}
WEEKDAYS: Final = (
    ("Mon", "周一"), ("Tue", "周二"), ("Wed", "周三"), ("Thu", "周四"), ("Fri", "周五"), ("Sat", "周六"), ("Sun", "周日"),
)  # fmt: skip


def word(key: str, language: Language) -> str:
    return WORDS[key][language is Language.ZH]


def formula_word(formula: str, language: Language) -> str:
    return FORMULA_WORDS[formula][language is Language.ZH]
