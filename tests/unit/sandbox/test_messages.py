"""SIPp's log of messages, read while it grows."""

from __future__ import annotations

from pathlib import Path

from sandbox.messages import MessageLog

SDP = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 20004 RTP/AVP 8 101\r\n"
INVITE = f"INVITE sip:1001@127.0.0.1 SIP/2.0\r\nCall-ID: one\r\nCSeq: 7 INVITE\r\n\r\n{SDP}"
RINGING = "SIP/2.0 180 Ringing\r\nCall-ID: one\r\nCSeq: 7 INVITE\r\n\r\n"
BYE = "BYE sip:1001@127.0.0.1 SIP/2.0\r\nCall-ID: one\r\nCSeq: 8 BYE\r\n\r\n"
LINE = "----------------------------------------------- 2026-11-22 01:34:55.901470\n"


def came(text: str) -> bytes:
    return f"{LINE}UDP message received [{len(text)}] bytes :\n\n{text}\n".encode()


def went(text: str) -> bytes:
    return f"{LINE}UDP message sent ({len(text)} bytes):\n\n{text}\n".encode()


def test_messages_are_told_apart_by_way_call_method_and_where_their_sound_is(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(came(INVITE) + went(RINGING) + came(BYE))
    invite, ringing, bye = MessageLog(tmp_path / "log").new()
    assert (invite.sent, invite.call_id, invite.method, invite.code) == (False, "one", "INVITE", None)
    assert invite.sound == ("127.0.0.1", 20004)
    assert (ringing.sent, ringing.method, ringing.code, ringing.sound) == (True, "INVITE", 180, None)
    assert (bye.sent, bye.method, bye.code) == (False, "BYE", None)


def test_half_a_message_waits_for_its_rest_wherever_it_is_cut(tmp_path: Path) -> None:
    data = came(INVITE) + went(RINGING)
    for cut in range(0, len(data), 7):
        path = tmp_path / f"log{cut}"
        log = MessageLog(path)
        assert list(log.new()) == []
        path.write_bytes(data[:cut])
        found = list(log.new())
        with path.open("ab") as more:
            more.write(data[cut:])
        assert [one.method for one in [*found, *log.new()]] == ["INVITE", "INVITE"], cut
        assert list(log.new()) == []


def test_port_0_and_a_message_without_a_call_are_nothing_to_hear(tmp_path: Path) -> None:
    refused = INVITE.replace("audio 20004", "audio 0")
    (tmp_path / "log").write_bytes(came("\r\n\r\n") + came(refused))
    (only,) = MessageLog(tmp_path / "log").new()
    assert only.sound is None
