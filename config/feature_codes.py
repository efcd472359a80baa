"""The keys that an agent presses on his telephone: in a talk, for an emergency, and while he does not talk. The one list.

Asterisk's files are made of it (features.conf in two-party talk, a ConfBridge menu, the context hotline-phone), and
`hotline codes` prints it. The page for the wall is docs/feature-codes.md; a test holds it to this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from routing.joined import Verb
from telephony import names

ACK_MS: Final = 1000  # how long the dialplan waits for the service's word


class Text(NamedTuple):
    """As the page has it, with its marks."""

    english: str
    chinese: str


class When(StrEnum):
    TALK = "talk"
    EMERGENCY = "emergency"  # in a talk, too; with the service or without
    IDLE = "idle"


_NOTHING: Final = Text("", "")
_WHOM: Final = Text("whom + `#`", "对象 + `#`")


@dataclass(frozen=True, slots=True)
class FeatureCode:
    """`act`: a verb, or the number of an emergency service; the extension of hotline-act. Of a code that is dialled while
    nobody talks a `names.Act`. `behind`: what follows the keys; `digits`: how many of them it may be there.
    """

    keys: str
    act: str
    does: Text
    when: When = When.TALK
    behind: Text = _NOTHING
    digits: tuple[int, ...] = (0,)

    @property
    def needs_target(self) -> bool:
        return self.behind is _WHOM


_TALK: Final = (
    FeatureCode(
        "*21",
        Verb.CONSULT,
        Text(
            "**Consult**: you talk with a third party, the caller hears music", "**咨询**：您与第三方通话，市民听音乐"
        ),
        behind=_WHOM,
    ),
    FeatureCode("*22", Verb.MERGE, Text("**Merge**: after consulting, all three talk", "**合并**：咨询之后，三方通话")),
    FeatureCode(
        "*23",
        Verb.THREE_WAY,
        Text(
            "**Three-way**: all three talk as soon as the third party answers", "**三方通话**：第三方接听后立即三方通话"
        ),
        behind=_WHOM,
    ),
    FeatureCode(
        "*24",
        Verb.TRANSFER,
        Text("**Transfer**: you leave, caller and third party go on", "**转接**：您退出，市民与第三方继续通话"),
    ),
    FeatureCode(
        "*25",
        Verb.BLIND,
        Text(
            "**Hand over**: you leave as soon as the third party answers; if it does not, the caller stays with you",
            "**直接转出**：第三方接听后您退出；若未接听，市民仍与您通话",
        ),
        behind=_WHOM,
    ),
    FeatureCode(
        "*26",
        Verb.RETURN,
        Text(
            "**Return**: the third party leaves, or is not called any more; the caller is yours",
            "**收回**：第三方退出，或不再呼叫；市民回到您这里",
        ),
    ),
    FeatureCode("*27", Verb.HOLD, Text("**Hold**: the caller hears music", "**保持**：市民听音乐")),
    FeatureCode("*28", Verb.RESUME, Text("**Resume**: the caller is back", "**恢复**：市民回到通话中")),
    FeatureCode(
        "*29",
        names.RECORDING,
        Text(
            "**Recording**: paused; once more: it goes on. Never in an emergency",
            "**录音**：暂停；再按一次继续。紧急通话中不可暂停",
        ),
    ),
)

_CENTRES: Final = {
    "110": Text("police", "公安"),
    "119": Text("fire brigade", "消防"),
    "120": Text("ambulance", "急救"),
    "122": Text("traffic police", "交警"),
    "12395": Text("rescue at sea", "水上搜救"),
}

IDLE: Final = (
    FeatureCode(
        "*11",
        names.Act.SIGN_IN,
        Text("sign in at this seat", "在本座席签入"),
        When.IDLE,
        Text("your id", "工号"),
        tuple(range(1, 13)),
    ),
    FeatureCode("*12", names.Act.SIGN_OUT, Text("sign out", "签出"), When.IDLE),
    FeatureCode("*13", names.Act.READY, Text("ready", "就绪"), When.IDLE),
    FeatureCode(
        "*14",
        names.Act.PAUSE,
        Text("not ready", "未就绪"),
        When.IDLE,
        Text("code of a reason, or nothing", "原因代码，可不加"),
        (0, 1, 2),
    ),
    FeatureCode(
        "*15", names.Act.EXTEND, Text("the same wrap-up again, once", "整理时间延长一次，与原长相同"), When.IDLE
    ),
)


def feature_codes(emergencies: Iterable[str]) -> tuple[FeatureCode, ...]:
    """What is pressed in a talk. `emergencies`: the numbers that are configured."""
    return (*_TALK, *_centres(emergencies))


def every_code(emergencies: Iterable[str]) -> tuple[FeatureCode, ...]:
    """In the order of the page."""
    return (*feature_codes(emergencies), *IDLE)


def centre_name(number: str) -> Text:
    return _CENTRES.get(number, Text(number, number))


def _centres(emergencies: Iterable[str]) -> Iterator[FeatureCode]:
    for number in emergencies:
        yield FeatureCode(f"*{number}", number, centre_name(number), When.EMERGENCY)
