"""RTP packets and keys, byte by byte as RFC 3550 and RFC 4733 have them."""

from __future__ import annotations

from itertools import groupby

import pytest

from sandbox import audio, rtp, voice
from sandbox.rtp import ALAW, EVENTS, SAMPLES, Ear, Packet, RtpError, Sender, parse

TONE = voice.tone(2025)  # not the same in every packet


def sent(sender: Sender, ticks: int) -> list[list[Packet]]:
    return [[parse(data) for data in sender.tick()] for _ in range(ticks)]


def test_sound_is_a_packet_each_tick_with_a_clock_and_a_count_of_its_own() -> None:
    packets = [packet for (packet,) in sent(Sender(TONE, 7), 4)]
    assert [packet.kind for packet in packets] == [ALAW] * 4
    assert [packet.marked for packet in packets] == [True, False, False, False]
    assert {packet.source for packet in packets} == {7}
    assert [packet.sequence - packets[0].sequence for packet in packets] == [0, 1, 2, 3]
    assert [packet.timestamp - packets[0].timestamp for packet in packets] == [0, SAMPLES, 2 * SAMPLES, 3 * SAMPLES]
    assert b"".join(packet.payload for packet in packets[:2]) in TONE * 2
    assert packets[0].payload != packets[1].payload


def test_header_is_that_of_rfc_3550() -> None:
    (data,) = Sender(TONE, 0x01020304).tick()
    assert data[:2] == bytes([0x80, 0x88])  # version 2; marked, A-law
    assert data[8:12] == bytes([1, 2, 3, 4])
    assert len(data) == 12 + SAMPLES


def test_count_and_clock_wrap() -> None:
    sender = Sender(TONE, 0xFFFFFFFF)
    ticks = sent(sender, 70_000)
    assert {packet.sequence for (packet,) in ticks} == set(range(65536))
    assert all(0 <= packet.timestamp < 2**32 for (packet,) in ticks)


def test_paused_is_silent_on_the_wire_while_the_clock_runs_on() -> None:
    sender = Sender(TONE, 7)
    ((before,),) = sent(sender, 1)
    sender.paused = True
    assert sent(sender, 3) == [[], [], []]
    sender.paused = False
    ((after,),) = sent(sender, 1)
    assert after.marked
    assert (after.sequence - before.sequence, after.timestamp - before.timestamp) == (1, 4 * SAMPLES)


def test_a_key_is_one_event_with_a_marked_begin_a_growing_length_and_three_ends() -> None:
    sender = Sender(TONE, 7)
    sender.press("*")
    packets = [packet for tick in sent(sender, rtp.KEY_PACKETS) for packet in tick]
    assert {packet.kind for packet in packets} == {EVENTS}
    assert [packet.marked for packet in packets] == [True, *[False] * 7]
    assert len({packet.timestamp for packet in packets}) == 1
    assert {packet.payload[0] for packet in packets} == {10}  # the star
    assert [packet.payload[1] & 0x80 for packet in packets] == [0] * 5 + [0x80] * 3
    lengths = [int.from_bytes(packet.payload[2:], "big") for packet in packets]
    assert lengths == [160, 320, 480, 640, 800, 800, 800, 800]
    assert [packet.sequence - packets[0].sequence for packet in packets] == list(range(8))


def test_keys_are_apart_and_the_voice_goes_on_between_them() -> None:
    sender = Sender(TONE, 7)
    sender.press("*1")
    sender.press("10")
    kinds = [tick[0].kind for tick in sent(sender, 4 * (rtp.KEY_PACKETS + rtp.GAP_PACKETS) + 3)]
    runs = [(kind, len(list(run))) for kind, run in groupby(kinds)]
    assert runs == [(EVENTS, 5), (ALAW, 4)] * 3 + [(EVENTS, 5), (ALAW, 4 + 3)]
    assert not sender.pressing


def test_each_key_has_its_number_and_others_are_refused_before_any_is_pressed() -> None:
    sender = Sender(TONE, 7)
    sender.press("0123456789*#ABCD")
    events = [p for tick in sent(sender, 16 * 9) for p in tick if p.kind == EVENTS and p.marked]
    assert [packet.payload[0] for packet in events] == list(range(16))
    with pytest.raises(ValueError, match="no such key: x"):
        sender.press("1x2")
    assert not sender.pressing


def test_a_tone_must_fill_its_packets() -> None:
    with pytest.raises(ValueError, match="whole packets"):
        Sender(TONE[:-1], 7)


@pytest.mark.parametrize("data", [b"", b"\x80" * 11, b"\x00" * 40, b"\x90" + b"\x00" * 12])
def test_what_is_no_rtp_is_refused(data: bytes) -> None:
    with pytest.raises(RtpError):
        parse(data)


def test_sources_extension_and_padding_are_no_sound() -> None:
    head = bytes([0x80 | 0x20 | 0x10 | 1, ALAW, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3])
    assert parse(head + b"srcs" + b"\xbe\xde\x00\x01" + b"more" + b"sound" + b"\x00\x00\x03").payload == b"sound"


def test_an_ear_has_the_last_200_ms_and_forgets_when_nothing_comes() -> None:
    ear, sender = Ear(), Sender(TONE, 7)
    for number in range(9):
        ear.take(sender.tick()[0], 100 + number * 0.02)
    assert ear.window(100.16) == b""  # too little to judge by
    for number in range(9, 30):
        ear.take(sender.tick()[0], 100 + number * 0.02)
    assert len(ear.window(100.6)) == 10 * SAMPLES
    assert ear.window(101) == b""
    assert ear.packets == 30


def test_what_an_ear_heard_while_nobody_listened_is_told_in_pieces_of_200_ms() -> None:
    ear, sender = Ear(), Sender(TONE, 7)
    for number in range(20):
        ear.take(sender.tick()[0], 100 + number * 0.02)
    before = ear.packets
    assert ear.windows(before) == []
    for number in range(17):
        ear.take(sender.tick()[0], 101 + number * 0.02)
    assert [len(piece) for piece in ear.windows(before)] == [10 * SAMPLES, 10 * SAMPLES]
    assert len(ear.windows(0)) == 6


def test_silence_and_keys_are_no_sound_to_an_ear() -> None:
    ear = Ear()
    ear.take(Sender(bytes([audio.alaw(0)]) * SAMPLES, 7).tick()[0], 5.0)
    assert (ear.packets, ear.sound_at) == (1, None)
    keys = Sender(TONE, 7)
    keys.press("1")
    ear.take(keys.tick()[0], 6.0)
    assert (ear.packets, ear.sound_at) == (1, None)
    ear.take(Sender(TONE, 7).tick()[0], 7.0)
    assert ear.sound_at == 7.0
