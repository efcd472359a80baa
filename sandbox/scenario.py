"""SIPp's scenarios with our values put in: `@name@` in `sandbox/sipp/*.xml` becomes the value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

FOR_EVER_MS: Final = 1_000_000_000  # 11 days
# Final answers to an INVITE, other than 200. SIPp wants each named.
_REFUSALS: Final = (
    400, 401, 403, 404, 405, 406, 407, 408, 410, 413, 414, 415, 416, 420, 480, 481, 482, 483, 484, 485, 486, 487, 488,
    491, 493, 500, 501, 502, 503, 504, 505, 513, 600, 603, 604, 606,
)  # fmt: skip
_HUSH: Final = '  <label id="hush"/>\n  <nop><action><exec rtp_stream="pause"/></action></nop>'
_COMES: Final = """\
  <nop>
    <action>
      <assignstr assign_to="comes_text" value="[field4]"/>
      <todouble assign_to="comes_ms" variable="comes_text"/>
    </action>
  </nop>
  <pause variable="comes_ms"/>"""
# A-law first, mu-law second: what Chinese carriers speak, and what everything speaks.
_SDP: Final = """\
      v=0
      o=sandbox 1 1 IN IP4 [media_ip]
      s=-
      c=IN IP4 [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 8 0 101
      a=rtpmap:8 PCMA/8000
      a=rtpmap:0 PCMU/8000
      a=rtpmap:101 telephone-event/8000
      a=ptime:20
"""


@dataclass(frozen=True, slots=True)
class Habit:
    """What somebody who is called does with a call.

    `ring_s`: how long it rings before it acts; None: for ever. `code`: refuse with this final answer (486 busy,
    603 rejected) instead of taking the call. `talk_s`: then says goodbye; None: waits for the other's.
    `silent`: gives no reply to INVITE at all, though the phone is there. `audio`: sends sound while it talks, for
    `audio_s` (None: to the end).
    """

    ring_s: float | None = 0.0
    code: int | None = None
    talk_s: float | None = None
    silent: bool = False
    audio: bool = True
    audio_s: float | None = None


ANSWERS: Final = Habit()
BUSY: Final = Habit(code=486)
REJECTS: Final = Habit(code=603)
RINGS_FOR_EVER: Final = Habit(ring_s=None)
SILENT: Final = Habit(silent=True)


def milliseconds(seconds: float | None) -> int:
    """For SIPp's timers, at least 1 (0 means "none" to it); None is as good as for ever."""
    return FOR_EVER_MS if seconds is None else max(1, round(seconds * 1000))


def caller(*, number: str, from_header: str, sound: Path | None, later: bool = False) -> str:
    """The scenario of somebody who dials, `later` at a time of his own. `number` and `from_header` are SIPp keywords or
    plain text.
    """
    refusals = "\n".join(f'  <recv response="{code}" optional="global" next="refused"/>' for code in _REFUSALS)
    values = {
        "number": number,
        "from": from_header,
        "comes": _COMES if later else "",
        "refusals": refusals,
        "patience_begins": _begins("patience", "[field2]"),
        "patience": _rest("patience", "cancel"),
        "play": _play(sound),
        "talk_begins": _begins("talk", "[field3]"),
        "talk": _rest("talk", "bye"),
    }
    return _fill("caller.xml", values)


def dial(*, number: str, user: str) -> str:
    """The scenario of a seat that dials, with its password, and waits for the end."""
    return _fill("dial.xml", {"number": number, "user": user})


def register() -> str:
    return _fill("register.xml", {})


def answer(habit: Habit, sound: Path) -> str:
    """The scenario of somebody who is called."""
    talk_ms = str(milliseconds(habit.talk_s))
    sound_ms = talk_ms if habit.audio_s is None else str(min(int(talk_ms), milliseconds(habit.audio_s)))
    values = {
        "habit": "" if (first := _first(habit)) is None else f'  <nop next="{first}"/>',
        "ring_ms": str(milliseconds(habit.ring_s)),
        "then": "pick_up" if habit.code is None else "refuse",
        "code": str(habit.code or 486),
        "play": _play(sound if habit.audio else None),
        "talk_begins": "\n".join([_begins("talk", talk_ms), _begins("sound", sound_ms)]),
        "talk": "\n".join([_rest("sound", "hush"), _HUSH, _rest("talk", "bye")]),
    }
    return _fill("answer.xml", values)


def _first(habit: Habit) -> str | None:
    """Where the scenario goes after INVITE; None: it rings."""
    if habit.silent:
        return "silent"
    return "refuse" if habit.code is not None and habit.ring_s == 0 else None


def _play(sound: Path | None) -> str:
    """Sends the file round and round as payload type 8, A-law."""
    return "" if sound is None else f'  <nop><action><exec rtp_stream="{sound},-1,8"/></action></nop>'


def _begins(what: str, ms: str) -> str:
    """Sets the end of a span that begins now. `ms`: its length, a number or a keyword."""
    return f"""\
  <nop>
    <action>
      <gettimeofday assign_to="{what}_s,{what}_us"/>
      <multiply assign_to="{what}_s" value="1000"/>
      <divide assign_to="{what}_us" value="1000"/>
      <assignstr assign_to="{what}_text" value="{ms}"/>
      <todouble assign_to="{what}_end" variable="{what}_text"/>
      <add assign_to="{what}_end" variable="{what}_s"/>
      <add assign_to="{what}_end" variable="{what}_us"/>
    </action>
  </nop>"""


def _rest(what: str, then: str) -> str:
    """Pauses for what is left of the span. `then`: the label that follows, for when nothing is."""
    return f"""\
  <nop next="{then}" test="{what}_over">
    <action>
      <gettimeofday assign_to="{what}_s,{what}_us"/>
      <multiply assign_to="{what}_s" value="1000"/>
      <divide assign_to="{what}_us" value="1000"/>
      <assign assign_to="{what}_left" variable="{what}_end"/>
      <subtract assign_to="{what}_left" variable="{what}_s"/>
      <subtract assign_to="{what}_left" variable="{what}_us"/>
      <test assign_to="{what}_over" variable="{what}_left" compare="less_than" value="1"/>
    </action>
  </nop>
  <pause variable="{what}_left"/>"""


def _fill(name: str, values: Mapping[str, str]) -> str:
    """The scenario with its values. A value we forgot, or one too many, is our bug: KeyError."""
    text = (files("sandbox") / "sipp" / name).read_text(encoding="utf-8")
    return re.sub(r"@([a-z_]+)@", lambda match: {"sdp": _SDP, **values}[match[1]], text)
