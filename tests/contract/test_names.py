"""Every name in `config/asterisk` is in `telephony/names.py`, and the other way round: a typo in either breaks calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

from config.feature_codes import IDLE, feature_codes
from config.render import template_names, template_text
from config.sounds import tone_sounds
from routing import joined
from routing.commands import Tone
from telephony import names

DIALPLAN = "\n".join(template_text(name) for name in template_names() if name.startswith("extensions"))
PREFIXES = {
    names.DIAL_STRING,
    names.DEVICE,
    names.SEAT_OF,
    names.FALLBACK_COUNT,
    names.KNOWN_SEATS,
    names.KNOWN_UNTIL,
    "HOTLINE_TOLD_",
}
OTHER_SECTIONS = {
    "hotline-caller",
    "hotline-helper",
    "hotline-keys",
    "hotline-media",
    "hotline-seat-phone",
    "hotline-seat-aor",
}


def templates() -> str:
    return "\n".join(template_text(name) for name in template_names())


def without_comments(text: str) -> str:
    return "\n".join(re.sub(r"(^|\s);.*", "", line) for line in text.splitlines())


def told() -> Iterator[str]:
    """Every string of `telephony/names.py`, those in tuples too."""
    for key, value in vars(names).items():
        if key.isupper():
            yield from value if isinstance(value, tuple) else (value,)


def test_every_variable_of_the_dialplan_is_known() -> None:
    known = set(told())
    for found in set(re.findall(r"HOTLINE_[A-Z_]*[A-Z]_?", templates())):
        assert found in known or any(found == prefix or found == prefix.rstrip("_") for prefix in PREFIXES), found


def test_every_known_variable_is_in_the_dialplan_or_made_from_a_prefix() -> None:
    text = templates() + ",".join(names.CHANNEL_VARIABLES)
    assert [name for name in told() if name.startswith("HOTLINE_") and name not in text] == [names.FALLBACK_REASON]


def test_every_context_and_group_of_the_configuration_is_known_and_the_other_way_round() -> None:
    text = without_comments(templates())
    found = set(re.findall(r"\bhotline-[a-z-]*[a-z]\b", text)) - OTHER_SECTIONS
    assert found == {name for name in told() if re.fullmatch(r"hotline-[a-z-]+", name)}


def test_every_user_event_is_known_and_the_other_way_round() -> None:
    found = set(re.findall(r"UserEvent\((\w+)", templates()))
    assert found == {
        names.EVENT_ARRIVAL,
        names.EVENT_FALLBACK,
        names.EVENT_UNKNOWN_NUMBER,
        names.EVENT_PLACE,
        names.EVENT_EMERGENCY,
        names.EVENT_ACT,
        names.EVENT_OUTBOUND,
    }


def test_every_verb_stage_and_script_is_in_the_dialplan() -> None:
    text = template_text("extensions.conf.j2")
    for verb in (names.Verb.PRESENT, names.Verb.NOTICE, names.Verb.FALLBACK, names.Verb.BACK, names.Verb.WAIT):
        assert f'"{verb}"' in text
    for stage in names.Stage:
        assert f"hotline-note,s,1({stage})" in text
    assert f'= "{names.Verb.DONE}"]' in text
    assert [code.act for code in IDLE] == list(names.Act)
    for script in (names.SCRIPT_ROUTE, names.SCRIPT_AFTER, names.SCRIPT_SEAT):
        assert f"AGI({{{{ fastagi }}}}/{script}," in text


def test_every_context_that_is_entered_exists() -> None:
    text = without_comments(DIALPLAN)
    contexts = set(re.findall(r"^\[(hotline-[a-z-]+)\]", text, re.MULTILINE))
    entered = set(re.findall(r"(?:Gosub|Goto|hangup_handler_push\)=)\(?(hotline-[a-z-]+),", text))
    entered |= set(re.findall(r"[bU]\((hotline-[a-z-]+)", text)) | set(re.findall(r"[?:](hotline-[a-z-]+),", text))
    assert entered <= contexts


def test_every_extension_that_is_entered_exists() -> None:
    text = without_comments(DIALPLAN)
    blocks = re.split(r"^\[([a-z-]+)\]\n", text, flags=re.MULTILINE)
    extensions = {
        context: set(re.findall(r"^exten => ([^,]+),1[,(]", block, re.MULTILINE))
        for context, block in zip(blocks[1::2], blocks[2::2], strict=True)
    }
    for context, block in zip(blocks[1::2], blocks[2::2], strict=True):
        for target, extension in re.findall(r"(?:(hotline-[a-z-]+),)?([a-z]+),1(?=[):(])", block):
            assert extension in extensions[target or context], f"{context}: {target},{extension}"


def test_every_key_of_a_talk_leads_to_a_verb_of_the_engine_or_to_an_emergency_centre() -> None:
    codes = feature_codes(["110", "12395"])
    acts = {verb.value for verb in joined.Verb} - {joined.Verb.EMERGENCY.value}
    assert {code.act for code in codes} == acts | {"110", "12395", names.RECORDING}
    assert all(code.needs_target == (code.act in joined.DIALS) for code in codes)
    keys = [code.keys for code in codes]
    assert not [one for one in keys for other in keys if one != other and other.startswith(one)]


def test_the_keys_know_every_answer_of_the_service_and_every_tone_has_its_sound() -> None:
    text = template_text("extensions_act.conf.j2")
    assert {ack for ack in names.Ack if f'"{ack}"' in text} == set(names.Ack) - {names.Ack.REFUSED}
    assert f"exten => {names.WHISPER},1,ChanSpy(${{{names.EAR}}}" in text
    assert {f"{tone}.alaw" for tone in Tone} <= set(tone_sounds())
