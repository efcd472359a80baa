"""Lines of CEL as Asterisk 22.10 wrote them, and the makings of others. Times of `made` are seconds after `BASE_MS`."""

from __future__ import annotations

BASE_MS = 1795399430000
QUEUE = b"""\
"CHAN_START","1795399430.733271","","1795399430.0","1795399430.0","hotline-in","PJSIP/carrier-00000000","12345",""
"CHAN_START","1795399430.801362","","1795399430.2","1795399430.0","hotline-seat","Local/1001@hotline-seat-00000000;1","",""
"CHAN_START","1795399430.801875","","1795399430.4","1795399430.0","hotline-seat","Local/1001@hotline-seat-00000000;2","",""
"CHAN_START","1795399430.804536","","1795399430.6","1795399430.0","hotline-phone","PJSIP/1001-00000001","",""
"BRIDGE_ENTER","1795399430.812096","1795399430735-1795399430.0","1795399430.6","1795399430.0","hotline-phone",\
"PJSIP/1001-00000001","","{""bridge_id"":""71e4e7fe-9188"",""bridge_technology"":""simple_bridge""}"
"BRIDGE_ENTER","1795399430.812183","","1795399430.4","1795399430.0","hotline-seat",\
"Local/1001@hotline-seat-00000000;2","","{""bridge_id"":""71e4e7fe-9188"",""bridge_technology"":""simple_bridge""}"
"BRIDGE_ENTER","1795399430.815371","1795399430735-1795399430.0","1795399430.2","1795399430.0","hotline-seat",\
"Local/1001@hotline-seat-00000000;1","","{""bridge_id"":""a8e754d7-4c0e"",""bridge_technology"":""simple_bridge""}"
"BRIDGE_ENTER","1795399430.815402","1795399430735-1795399430.0","1795399430.0","1795399430.0","hotline-fallback",\
"PJSIP/carrier-00000000","","{""bridge_id"":""a8e754d7-4c0e"",""bridge_technology"":""simple_bridge""}"
"CHAN_END","1795399431.120701","1795399430735-1795399430.0","1795399430.2","1795399430.0","hotline-seat",\
"Local/1001@hotline-seat-00000000;1","",""
"CHAN_END","1795399431.121114","1795399430735-1795399430.0","1795399430.4","1795399430.0","hotline-seat",\
"Local/1001@hotline-seat-00000000;2","",""
"CHAN_END","1795399431.122482","1795399430735-1795399430.0","1795399430.6","1795399430.0","hotline-phone",\
"PJSIP/1001-00000001","",""
"CHAN_END","1795399431.122717","1795399430735-1795399430.0","1795399430.0","1795399430.0","hotline-fallback",\
"PJSIP/carrier-00000000","",""
"""


def line(
    kind: str,
    at_s: float,
    channel: int = 1,
    *,
    call: int | None = None,
    name: str = "PJSIP/carrier-0a",
    context: str = "hotline-in",
    dialled: str = "12345",
    bridge: str = "",
) -> bytes:
    """`channel` and `call` are numbers of channels: a call is named by its caller's."""
    at_ms = BASE_MS + round(at_s * 1000)
    call_id = "" if call is None else id_of(call)
    extra = f'{{""bridge_id"":""{bridge}""}}' if bridge else ""
    cells = [kind, f"{at_ms // 1000}.{at_ms % 1000:03d}500", call_id, uniqueid(channel), uniqueid(call or channel)]
    return ",".join(f'"{cell}"' for cell in [*cells, context, name, dialled, extra]).encode() + b"\n"


def uniqueid(channel: int) -> str:
    return f"{BASE_MS // 1000}.{channel}"


def id_of(channel: int) -> str:
    """The dialplan stamps a call some milliseconds after the birth of its channel."""
    return f"{BASE_MS + 1000 * channel + 3}-{uniqueid(channel)}"


def begun(channel: int = 1, *, dialled: str = "12345", **more: str) -> bytes:
    """A caller arrives at second `channel`."""
    return line("CHAN_START", channel, channel, dialled=dialled, **more)


def entered(at_s: float, channel: int, call: int, bridge: str, name: str = "PJSIP/carrier-0a") -> bytes:
    return line("BRIDGE_ENTER", at_s, channel, call=call, name=name, context="x", dialled="", bridge=bridge)


def ended(at_s: float, channel: int = 1, call: int | None = None, name: str = "PJSIP/carrier-0a") -> bytes:
    named = channel if call is None else call
    return line("CHAN_END", at_s, channel, call=named, name=name, context="x", dialled="")


def answered_call(channel: int, *, wait_s: float = 1.0, talk_s: float = 5.0, seat: str = "1001") -> bytes:
    """Arrives at second `channel`, is answered by a phone, and leaves first."""
    at, phone, name = channel + wait_s, 500 + channel, f"PJSIP/{seat}-0b"
    return b"".join((
        begun(channel),
        entered(at, phone, channel, f"b{channel}", name),
        entered(at + 0.002, channel, channel, f"b{channel}"),
        ended(at + talk_s, channel),
        ended(at + talk_s + 0.001, phone, channel, name),
    ))  # fmt: skip


def abandoned_call(channel: int, *, after_s: float = 2.0, dialled: str = "12345") -> bytes:
    return begun(channel, dialled=dialled) + ended(channel + after_s, channel)
