"""The rendered configuration: what must stand in it, and what can never get into it."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from config.feature_codes import feature_codes
from config.modules import has_disabled_events, modules_for
from config.plan import Centre, PlanError, Trunk, problems, shown_name
from config.render import render, write
from routing.model import Line, Mode, SeatProfile, Timing
from telephony import names
from telephony.ami.events import WANTED
from tests.unit.config.plans import DIRECTORIES, LINES, SEATS, plan, rules


def section(text: str, name: str) -> str:
    """Everything under `[name]`, all sections of that name together."""
    parts = re.split(r"^\[([^\]]+)\](?:\(.*\))?\n", text, flags=re.MULTILINE)
    return "\n".join(body for title, body in zip(parts[1::2], parts[2::2], strict=True) if title == name)


def test_each_line_has_an_extension_of_its_own_and_every_other_number_is_not_found() -> None:
    arrivals = section(render(plan())["extensions.conf"], "hotline-in")
    assert re.findall(r"^exten => (\d+),1", arrivals, re.MULTILINE) == list(LINES)
    unknown = re.findall(r"^exten => _(.+),1,Goto\(unknown,1\)$", arrivals, re.MULTILINE)
    digits = ["X" * length for length in range(1, 33)]
    assert unknown == [pattern for some in digits for pattern in (some, f"[+*#]{some}")]
    assert not re.search(r"^exten => _.*[!.],", arrivals, re.MULTILINE)  # such a pattern matches line ends, too
    assert arrivals.rstrip().splitlines()[-1].startswith(";") or "Hangup(1)" in arrivals


def test_trunks_reach_nothing_but_the_arrival_context_and_phones_nothing_but_feature_codes() -> None:
    files = render(plan())
    contexts = set(re.findall(r"^context=(.*)$", files["pjsip.conf"], re.MULTILINE))
    assert contexts == {names.IN, names.PHONE}
    codes = re.findall(r"^exten => ([^,]+),1,", section(files["extensions.conf"], names.PHONE), re.MULTILINE)
    digits_alone = [re.fullmatch(r"\*1[235]|\*14|_\*11X{1,12}|_\*14X{1,2}", code) for code in codes]
    assert codes
    assert all(digits_alone), codes
    assert "same => n,Goto(hotline-code,s,1)" in section(files["extensions.conf"], names.PHONE)


def test_case_is_read_of_those_trunks_alone_that_bring_one() -> None:
    trunks = [
        Trunk("carrier", ("192.0.2.1",)),
        Trunk("police", ("192.0.2.2",), emergency=True, cases=True, case_prefix="90"),
        Trunk("city-b", ("192.0.2.3",), cases=True),
    ]
    files = render(plan(trunks=tuple(trunks)))
    ways = {
        trunk.name: re.findall(r"^context=(.*)$", section(files["pjsip.conf"], trunk.name), re.M) for trunk in trunks
    }
    police, city = (f"{names.IN_WITH_CASE}-{name}" for name in ("police", "city-b"))
    assert ways == {"carrier": [names.IN], "police": [police], "city-b": [city]}
    dialplan = files["extensions.conf"]
    dialled = re.findall(rf"^exten => _(90X+),1,Goto\({names.CASE_DIALLED},\$\{{EXTEN:2\}},1\)$", dialplan, re.M)
    assert dialled == re.findall(r"^exten => _(90X+),", section(dialplan, police), re.M)
    assert dialled
    assert "_" not in section(dialplan, city)
    assert "HOTLINE_CASE=" not in section(dialplan, names.IN)
    assert len(re.findall(r"PJSIP_HEADER\(read,X-Hotline-Case\)", dialplan)) == 1
    assert "PJSIP_HEADER(read,X-Hotline-Case)" in section(dialplan, names.CASE_READ)


def test_nobody_is_let_in_without_address_or_password() -> None:
    files = render(plan())
    assert "endpoint_identifier_order=ip,username\n" in files["pjsip.conf"]
    assert "anonymous" not in files["modules.conf"]
    assert section(files["pjsip.conf"], "carrier").count("identify_by=ip\n") == 1
    assert "identify_by=username\n" in section(files["pjsip.conf"], "hotline-seat-phone")


def test_seats_are_watched_and_cannot_transfer_behind_our_back() -> None:
    pjsip = render(plan())["pjsip.conf"]
    seat = section(pjsip, "hotline-media") + section(pjsip, "hotline-seat-phone") + section(pjsip, "hotline-seat-aor")
    for setting in (
        "allow_transfer=no",
        "rtp_timeout=15",
        "qualify_frequency=15",
        "qualify_timeout=2",
        "direct_media=no",
    ):
        assert f"{setting}\n" in seat


@pytest.mark.parametrize(("lost_after_s", "told"), [(60.0, "60"), (0.0, "0")])
def test_a_trunk_whose_other_end_dies_without_a_word_is_noticed(lost_after_s: float, told: str) -> None:
    trunk = Trunk("carrier", ("192.0.2.1",), "PJSIP/{number}@carrier", lost_after_s=lost_after_s)
    endpoint = section(render(plan(trunks=(trunk,), duty_telephone=""))["pjsip.conf"], "carrier")
    assert f"rtp_timeout={told}\nrtp_timeout_hold=0\n" in endpoint


def test_phone_is_named_by_the_dial_string_and_a_seat_behind_a_trunk_has_none() -> None:
    pjsip = render(plan())["pjsip.conf"]
    assert "password=p@ss\n" in section(pjsip, "phone.7")
    assert section(pjsip, "desk-2_b") == ""
    assert section(pjsip, "9001") == ""


def test_seat_behind_a_trunk_has_no_device_to_look_at() -> None:
    text = section(render(plan())["extensions.conf"], "globals")
    assert "HOTLINE_TELEPHONE_9001=PJSIP/13800000009@carrier\n" in text
    assert "HOTLINE_DIAL_9001" not in text
    assert "HOTLINE_DEVICE_9001" not in text
    assert "HOTLINE_DIAL_desk-2_b=PJSIP/phone.7\nHOTLINE_DEVICE_desk-2_b=PJSIP/phone.7\n" in text
    assert "HOTLINE_SEAT_OF_phone.7=desk-2_b\n" in text


def test_seat_behind_a_trunk_is_a_leg_that_asks_for_a_key_whoever_rings_it() -> None:
    text = render(plan())["extensions.conf"]
    assert f"exten => 9001,1,Goto({names.REMOTE},9001,1)\n" in section(text, names.SEAT)
    assert f"U({names.ASK})" in section(text, names.REMOTE)
    times = section(text, "globals")
    assert "HOTLINE_REMOTE_RING_S=20\nHOTLINE_REMOTE_CONFIRM_MS=6000\n" in times
    beep = "660/120,0/180"
    assert f"HOTLINE_TONES_12345={beep},0/1000\n" in times
    assert f"HOTLINE_TONES_12336={beep},{beep},{beep},0/1000\n" in times


def test_duty_queue_gives_a_remote_seat_its_time_and_a_phone_beside_it_its_own() -> None:
    files = render(plan())
    assert "timeout=27\n" in section(files["queues.conf"], names.DUTY)
    fallback = section(files["extensions.conf"], names.FALLBACK)
    assert "_HOTLINE_LEG_S=6)\n" in fallback
    assert ",,,29)\n" in fallback
    alone = render(plan(duty_seats=("1001",)))
    assert "timeout=6\n" in section(alone["queues.conf"], names.DUTY)
    assert "_HOTLINE_LEG_S=)\n" in section(alone["extensions.conf"], names.FALLBACK)


def test_reload_of_the_dialplan_keeps_counters_and_the_frozen_mark() -> None:
    text = section(render(plan())["extensions.conf"], "globals")
    assert "COUNT" not in text
    assert names.FROZEN_UNTIL not in text


def test_duty_queue_holds_each_duty_seat_behind_its_guard() -> None:
    queue = section(render(plan())["queues.conf"], names.DUTY)
    assert "member => Local/1001@hotline-seat/n,0,1001,PJSIP/1001\n" in queue
    assert "member => Local/9001@hotline-seat/n,0,9001\n" in queue
    assert "ringinuse=no\n" in queue


@pytest.mark.parametrize(
    ("duty_seats", "telephone", "first"),
    [
        ((), "", " same => n,Goto(look,1)"),
        ((), "PJSIP/13800000000@carrier", " same => n,Goto(telephone,1)"),
        (("1001",), "", " same => n,Goto(queue,1)"),
        (("1001",), "PJSIP/13800000000@carrier", " same => n,GotoIf($[${HOTLINE_TURN} % 2 = 0]?telephone,1)"),
    ],
)
def test_fallback_leaves_out_what_does_not_exist(duty_seats: tuple[str, ...], telephone: str, first: str) -> None:
    files = render(plan(duty_seats=duty_seats, duty_telephone=telephone))
    fallback = section(files["extensions.conf"], names.FALLBACK)
    duty = fallback[fallback.index("exten => duty,1,") :]
    assert duty.splitlines()[1] == first
    assert ("exten => queue,1" in fallback) == bool(duty_seats)
    assert ("exten => telephone,1" in fallback) == bool(telephone)
    assert (f"[{names.DUTY}]" in files["queues.conf"]) == bool(duty_seats)


def test_times_come_from_the_configuration() -> None:
    timing = Timing(lease_s=2.5, ring_s=7.6, restart_window_s=4.5)
    text = section(render(plan(rules=rules(timing=timing)))["extensions.conf"], "globals")
    assert "HOTLINE_LEASE_S=2.5\nHOTLINE_RESTART_WINDOW_MS=4500\nHOTLINE_RING_S=8\n" in text


def test_every_context_where_a_lease_may_run_has_its_timeout_extension() -> None:
    text = render(plan())["extensions.conf"]
    leased = re.findall(r"^\[([a-z-]+)\]\n((?:(?!^\[).*\n)*)", text, re.MULTILINE)
    for context, body in leased:
        if re.search(r"TIMEOUT\(absolute\)=(?!0)", body):
            assert "exten => T,1," in body, context


def test_every_dial_and_queue_comes_after_the_lease_was_taken_off() -> None:
    """The lease is off where the channel may talk: else it would cut the talk."""
    text = render(plan())["extensions.conf"]
    for context in (names.RING, names.FALLBACK, names.ROUTE):
        body = section(text, context)
        for extension in re.split(r"^exten => ", body, flags=re.MULTILINE):
            running = False
            for line in extension.splitlines():
                running = bool(re.search(r"TIMEOUT\(absolute\)=(?!0)", line)) or (
                    running and "TIMEOUT(absolute)=0" not in line
                )
                assert not (running and re.search(r",(Dial|Queue)\(", line)), line


def test_every_way_to_a_person_begins_the_recording_on_the_callers_channel() -> None:
    """Whoever dials from the caller's channel records it; a Local leg is not the caller's."""
    text = render(replace(plan(), records=True, recordings_directory="/srv/rec"))["extensions.conf"]
    for context in (names.RING, names.FALLBACK, names.ROUTE):
        lines = section(text, context).splitlines()
        dials = [place for place, line in enumerate(lines) if re.search(r",(Dial|Queue)\(", line)]
        assert dials, context
        for place in dials:
            assert "MixMonitor(/srv/rec/${STRFTIME(" in lines[place - 1], lines[place]
            assert lines[place - 1].endswith("/${HOTLINE_CALL}.wav,b))")
            assert '"${CHANNEL(state)}" = "Up"]?Gosub(hotline-recording,s,1))' in lines[place - 2], lines[place]
    assert "/${HOTLINE_CALL}.wav,ab)" in section(text, "hotline-recording")
    assert "MixMonitor" not in section(text, names.SEAT) + section(text, names.REMOTE)


def test_without_recordings_an_emergency_alone_is_recorded() -> None:
    files = render(replace(plan(), records=False, recordings_directory="/srv/rec"))
    assert "MixMonitor" not in files["extensions.conf"]
    (line,) = [line for line in files["extensions_conference.conf"].splitlines() if "MixMonitor" in line]
    assert '"emergency"' in line
    assert "MixMonitor" not in render(replace(plan(), records=True))["extensions_conference.conf"]


def test_manager_listens_where_told_for_one_user_with_the_few_classes_it_needs() -> None:
    manager = render(plan())["manager.conf"]
    assert "bindaddr=127.0.0.1\nport=5038\n" in manager
    user = section(manager, "hotline")
    assert "read=system,call,user\n" in user
    assert "write=call,originate,reporting\n" in user
    assert "timestampevents=yes\n" in manager
    assert f"channelvars={','.join(names.CHANNEL_VARIABLES)}\n" in manager
    kept_back = re.search(r"^eventfilter=!\^Event: \((.*)\)$", user, flags=re.MULTILINE)
    assert kept_back is not None
    assert not WANTED.intersection(kept_back[1].split("|"))


@pytest.mark.parametrize(
    ("version", "has"),
    [((16, 24, 9), False), ((16, 28), True), ((18, 10), False), ((18, 11), True), ((22, 10, 1), True)],
)
def test_events_nobody_reads_are_switched_off_where_asterisk_can(version: tuple[int, ...], has: bool) -> None:
    assert has_disabled_events(version) is has
    assert ("disabledevents=" in render(plan(asterisk_version=version))["manager.conf"]) is has


def test_speech_comes_before_agi_and_the_record_module_of_new_versions_only_there() -> None:
    modules = modules_for((22, 10, 1))
    assert modules.index("res_speech") < modules.index("res_agi")
    assert modules[0] == "res_cdrel_custom"
    assert "res_cdrel_custom" not in modules_for((16, 28, 0))
    assert len(set(modules)) == len(modules)


# -- what a name may hold, and what is refused --


def test_name_of_a_line_stands_as_it_is_written_but_for_what_the_dialplan_would_read() -> None:
    line = Line("12333", '人社"服务" ${SHELL(id)}; \\x\n[1+1]')
    lines = {"12333": line}
    assert shown_name(line, rules(lines=lines)) == "人社＂服务＂ ＄{SHELL(id)}； ＼x [1+1]"
    arrivals = section(render(plan(rules=rules(lines=lines)))["extensions.conf"], names.IN)
    first = arrivals.splitlines()[0]
    assert (
        first == 'exten => 12333,1,MSet(HOTLINE_LINE=${EXTEN},"CALLERID(name)=人社＂服务＂ ＄{SHELL(id)}； ＼x [1+1]")'
    )


def test_merged_line_is_shown_by_the_line_that_serves_it_and_its_subject() -> None:
    assert shown_name(LINES["12336"], rules()) == "政务服务便民热线 自然资源违法举报"


def test_line_without_a_name_is_shown_by_its_number() -> None:
    assert shown_name(Line("96510", "", Mode.OWN), rules()) == "96510"


def test_long_name_is_cut() -> None:
    assert len(shown_name(Line("12345", "热" * 500), rules())) == 60


BAD = {
    "seat with a blank": {"rules": rules(seats={"10 01": SeatProfile("10 01", "PJSIP/1001")})},
    "seat of the dialplan": {"rules": rules(seats={"h": SeatProfile("h", "PJSIP/1001")})},
    "seat named as the duty telephone": {"rules": rules(seats={"telephone": SeatProfile("telephone", "PJSIP/1001")})},
    "seat with a comma": {"rules": rules(seats={"1001,x": SeatProfile("1001,x", "PJSIP/1001")})},
    "dial with options": {"rules": rules(seats={"1001": SeatProfile("1001", "PJSIP/1001,20,g")})},
    "dial of two": {"rules": rules(seats={"1001": SeatProfile("1001", "PJSIP/1001&PJSIP/1002")})},
    "dial with a variable": {"rules": rules(seats={"1001": SeatProfile("1001", "PJSIP/${EXTEN}")})},
    "line of letters": {"rules": rules(lines={"_X.": Line("_X.", "all")})},
    "trunk with a bracket": {"trunks": (Trunk("a]", ("192.0.2.1",)),)},
    "trunk named as a phone": {"trunks": (Trunk("1001", ("192.0.2.1",)),)},
    "prefix of cases that is no number": {"trunks": (Trunk("a", ("192.0.2.1",), cases=True, case_prefix="9!"),)},
    "trunk twice": {"trunks": (Trunk("a", ("192.0.2.1",)), Trunk("a", ("192.0.2.2",)))},
    "trunk address with a line end": {"trunks": (Trunk("a", ("192.0.2.1\ncontext=x",)),)},
    "password with a semicolon": {"seat_passwords": {"1001": "a;b"}},
    "password with a line end": {"seat_passwords": {"1001": "a\nb"}},
    "password of a seat behind a trunk": {"seat_passwords": {"9001": "x"}},
    "password of nobody": {"seat_passwords": {"4711": "x"}},
    "duty seat that is none": {"duty_seats": ("4711",)},
    "duty telephone with options": {"duty_telephone": "PJSIP/1@carrier,60,tT"},
    "secret with a semicolon": {"ami_secret": "a;b"},
    "script with a blank": {"fallback_script": "/opt/my hotline/agi"},
    "snapshot that is not absolute": {"snapshot": "var/snapshot.json"},
    "folder with a comma": {"directories": replace(DIRECTORIES, log="/var/log,x")},
    "host with a blank": {"fastagi_host": "127.0.0.1 x"},
}


@pytest.mark.parametrize("other", BAD.values(), ids=BAD.keys())
def test_what_could_break_out_of_its_place_is_refused(other: dict[str, object]) -> None:
    values: dict[str, object] = {"seat_passwords": {}, "duty_seats": (), **other}
    with pytest.raises(PlanError):
        render(plan(**values))


def test_all_problems_are_told_at_once_and_no_secret_is_in_them() -> None:
    bad = plan(ami_secret="very;secret", seat_passwords={"1001": "also;secret"}, duty_seats=("4711",))
    found = problems(bad)
    assert len(found) == 3
    assert not any("secret;" in text or "very" in text or "also" in text for text in found)


def test_good_plan_has_no_problem() -> None:
    assert problems(plan()) == []
    assert SEATS["1001"].dial in render(plan())["extensions.conf"]


def test_written_files_are_whole_closed_to_others_and_come_with_the_sounds(tmp_path: Path) -> None:
    texts = {name: str(tmp_path / name) for name in ("etc", "spool", "log")}
    written = write(plan(directories=replace(DIRECTORIES, **texts)))
    for name, text in written.items():
        path = tmp_path / "etc" / name
        assert path.read_text(encoding="utf-8") == text
        assert not stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO
    assert {path.name for path in (tmp_path / "etc").iterdir()} == set(written)
    assert sorted(path.name for path in (tmp_path / "spool" / "hotline-notice").iterdir()) == [
        "01-notice.alaw",
        "02-music.alaw",
    ]
    assert (tmp_path / "log" / "cel-custom").is_dir()


def test_rendering_twice_gives_the_same_text() -> None:
    assert render(plan()) == render(plan())


def test_keys_of_a_talk_are_features_of_the_agents_leg_and_a_menu_of_the_conference() -> None:
    files = render(plan(centres=(Centre("110", ("PJSIP/110@police",), 3.0, 20.0),)))
    features = section(files["features.conf"], "applicationmap")
    menu = section(files["confbridge.conf"], "hotline-keys")
    for code in feature_codes(["110"]):
        assert f'hotline-{code.act} => {code.keys},self,Gosub,"{names.KEYS},{code.act},1"' in features
        assert f"hotline-{code.act} =>\n" in section(files["features.conf"], "hotline")
        assert f"{code.keys}=dialplan_exec({names.KEYS_IN_ROOM},{code.act},1)" in menu
        assert f"exten => {code.act},1," in section(files["extensions_act.conf"], names.KEYS)
    assert "119" not in features + menu


def test_nobody_but_the_agent_and_experts_has_keys() -> None:
    """The variable is set on the leg that answered, and not inherited; departments, centres and callers have no menu."""
    files = render(plan())
    dialplan = "\n".join(text for name, text in files.items() if name.startswith("extensions"))
    assert len(re.findall(r"(?<![_A-Z])DYNAMIC_FEATURES=hotline", dialplan)) == dialplan.count("DYNAMIC_FEATURES") == 2
    for context in (names.ON_ANSWER, names.ON_ANSWER_BEHIND):
        assert "DYNAMIC_FEATURES" in section(files["extensions.conf"], context)
    rooms = re.split(r"^exten => ", section(files["extensions_conference.conf"], names.CONFERENCE), flags=re.MULTILINE)
    with_keys = {room.partition(",")[0] for room in rooms if "hotline-keys" in room}
    assert with_keys == {names.Room.AGENT, names.Room.EXPERT}
