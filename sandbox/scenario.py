"""SIPp's scenarios with our values put in: `@name@` in `sandbox/sipp/*.xml` becomes the value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
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
_NUMBER: Final = """\
      <ereg regexp="^INVITE sip:{number}@" search_in="msg" assign_to="is_{n}"/>"""
_WAY: Final = """\
  <label id="way_{n}"/>
  <nop{next}><action><assignstr assign_to="talk_ms" value="{talk_ms}"/></action></nop>
  <send>
    <![CDATA[

      SIP/2.0 180 Ringing
      [last_Via:]
      [last_From:]
      [last_To:];tag=[call_number]-[pid]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:seat@[local_ip]:[local_port]>
      Content-Length: 0

    ]]>
  </send>
  <recv request="MESSAGE" optional="true" next="{refuse}" timeout="{ring_ms}" ontimeout="{then}"/>
  <recv request="INFO" optional="true" next="pick_up" timeout="{ring_ms}" ontimeout="{then}"/>
  <recv request="CANCEL" timeout="{ring_ms}" ontimeout="{then}" next="cancelled"/>
"""
_REFUSAL: Final = """\
  <label id="refuse_{code}"/>
  <send retrans="500">
    <![CDATA[

      SIP/2.0 {code} Refused
      Via: [$via]
      From: [$from]
      To: [$to];tag=[call_number]-[pid]
      [last_Call-ID:]
      CSeq: [$cseq]
      Content-Length: 0

    ]]>
  </send>
  <recv request="ACK" timeout="8000" ontimeout="over" next="over"/>
"""
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


def caller(
    *, number: str, from_header: str, sound: Path | None, later: bool = False, media_port: int | None = None
) -> str:
    """The scenario of somebody who dials, `later` at a time of his own. `number` and `from_header` are SIPp keywords or
    plain text. `media_port`: where his sound is instead of at SIPp's own port.
    """
    refusals = "\n".join(f'  <recv response="{code}" optional="global" next="refused"/>' for code in _REFUSALS)
    values = {
        **_media(media_port),
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


def answer(
    habit: Habit,
    sound: Path | None,
    media_port: int | None = None,
    by_number: Mapping[str, Habit] = MappingProxyType({}),
) -> str:
    """The scenario of somebody who is called. `media_port`: as for a caller. `by_number`: dialled user part -> habit of
    calls to it; `habit` is for all others, and its sound for all.

    Raises:
        ValueError: one of several habits has a sound of its own.
    """
    if any((other.audio, other.audio_s) != (True, None) for other in by_number.values()):
        raise ValueError("whether there is sound is for all numbers alike")
    ways = [habit, *by_number.values()]
    sound_ms = None if habit.audio_s is None else str(milliseconds(habit.audio_s))
    values = {
        **_media(media_port),
        "numbers": "\n".join(_NUMBER.format(n=n, number=_exactly(number)) for n, number in enumerate(by_number, 1)),
        "choice": "\n".join(f'  <nop next="way_{n}" test="is_{n}"/>' for n in range(1, len(ways))),
        "ways": "\n".join(_way(n, way) for n, way in enumerate(ways)),
        "refusals": "\n".join(_REFUSAL.format(code=code) for code in sorted({_code(way) for way in ways})),
        "play": _play(sound if habit.audio else None),
        "talk_begins": "\n".join([_begins("talk", "[$talk_ms]"), _begins("sound", sound_ms or "[$talk_ms]")]),
        "talk": "\n".join([_rest("sound", "hush"), _HUSH, _rest("talk", "bye")]),
    }
    return _fill("answer.xml", values)


def _way(n: int, habit: Habit) -> str:
    """What happens to a call from its INVITE to 200 or the refusal."""
    first = (
        "silent" if habit.silent else f"refuse_{habit.code}" if habit.code is not None and habit.ring_s == 0 else None
    )
    then = "pick_up" if habit.code is None else f"refuse_{habit.code}"
    return _WAY.format(
        n=n,
        next=f' next="{first}"' if first else "",
        talk_ms=milliseconds(habit.talk_s),
        ring_ms=milliseconds(habit.ring_s),
        then=then,
        refuse=f"refuse_{_code(habit)}",
    )


def _code(habit: Habit) -> int:
    """With what it refuses when told to, if not by itself."""
    return habit.code or 486


def _exactly(number: str) -> str:
    """A regular expression, inside XML, of this number and nothing else."""
    return "".join(sign if sign.isalnum() else f"[{sign}]" for sign in number)


def _media(port: int | None) -> dict[str, str]:
    return {} if port is None else {"sdp": _SDP.replace("[media_port]", str(port))}


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
