"""Feature codes: what was dialled on which phone, and whether it is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing import events as e
from service.acts import Acts
from service.codes import Codes
from telephony.agi.codec import AgiRequest
from telephony.names import SCRIPT_SEAT, Verb
from tests.unit.routing.floor_plan import Drive

REQUEST = AgiRequest(SCRIPT_SEAT, (), "", "", 0.0, "", "1.1", "PJSIP/1004-1", seat_id="1004")


class Phone:
    """The phone of a seat, with a drive behind it."""

    def __init__(self, drive: Drive, seat: str) -> None:
        self.drive, self.seat = drive, seat
        reasons = {"": "", "2": "用餐"}
        acts = Acts(drive.engine, lambda event: [drive.send(event)].clear(), reasons.get)
        self.codes = Codes(acts)

    def dials(self, act: str, value: str = "") -> Verb:
        request = replace(REQUEST, act=act, seat_id=self.seat, value=value)
        return self.codes.answer(request, self.drive.engine.rules)

    @property
    def state(self) -> tuple[str, str]:
        (view,) = [one for one in self.drive.engine.view(self.drive.now).seats if one.seat_id == self.seat]
        return view.state, view.reason


def test_a_shift_by_codes() -> None:
    phone = Phone(Drive("1001", "1004"), "1004")
    assert phone.dials("sign-in", "1004") is Verb.DONE
    assert phone.state[0] == "paused"
    assert phone.dials("ready") is Verb.DONE
    assert phone.state == ("ready", "")
    assert phone.dials("pause", "2") is Verb.DONE
    assert phone.state == ("paused", "用餐")
    assert phone.dials("sign-out") is Verb.DONE
    assert phone.state[0] == "signed_out"


@pytest.mark.parametrize(
    ("act", "value"),
    [("ready", ""), ("pause", "2"), ("extend", ""), ("sign-out", ""), ("sign-in", "9999"), ("sign-in", "")],
)
def test_nobody_there_or_nobody_known_is_refused(act: str, value: str) -> None:
    assert Phone(Drive("1004"), "1004").dials(act, value) is Verb.REFUSED


def test_an_unknown_reason_and_a_wrap_up_that_is_not_are_refused() -> None:
    phone = Phone(Drive("1001"), "1001")
    assert phone.dials("pause", "77") is Verb.REFUSED
    assert phone.dials("extend") is Verb.REFUSED
    assert phone.state == ("ready", "")


def test_who_is_signed_in_by_his_phone_cannot_sign_out_by_a_code() -> None:
    phone = Phone(Drive("1001"), "1001")
    assert phone.dials("sign-out") is Verb.REFUSED
    assert phone.state == ("ready", "")


def test_a_phone_speaks_for_whoever_sits_there() -> None:
    drive = Drive("1002")
    drive.send(e.AgentSignedIn("1004", "1003"))
    phone = Phone(drive, "1003")
    assert phone.dials("ready") is Verb.DONE
    assert phone.state == ("ready", "")
    assert phone.dials("sign-in", "1004") is Verb.DONE  # again, at the same seat
    assert phone.dials("sign-in", "1002") is Verb.REFUSED  # taken
