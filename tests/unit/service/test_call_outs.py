"""Who may dial a number that he types: in a talk, by the API or by keys, and to follow up a case."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from console.deps import Refused, Role, Token
from routing import events as e
from routing.joined import Verb
from routing.outbound import OutKind
from service.call_outs import CallOuts
from service.main import role_of
from service.settings import Settings, load
from telephony.names import Ack
from tests.property.joined_world import CALL
from tests.unit.routing.floor_plan import Drive
from tests.unit.service.test_join_codes import Keys

NUMBER = "13800000077"
MAY = {Role.AGENT: False, Role.EXPERT: True, Role.SUPERVISOR: True, Role.ENGINEER: False}
FOLLOWS_UP = {**MAY, Role.AGENT: True}


@dataclass
class Entry:
    state: str = "open"
    line: str = "12345"
    case_id: str = "A1"
    ref: str = "r"


@dataclass
class Entries:
    """Stands for the list of call-backs: one entry, with a number."""

    asked: list[int] = field(default_factory=list)

    async def fresh(self, entry: int) -> Entry:
        self.asked.append(entry)
        return Entry()

    def number(self, row: Entry) -> str:
        return NUMBER


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load(folder / "hotline.toml")


def call_outs(settings: Settings, drive: Drive) -> CallOuts:
    none: Any = None
    entries: Any = Entries()
    return CallOuts(
        drive.engine, lambda event: drive.send(event) and None, lambda: settings, none, entries, lambda: None
    )


async def placed(settings: Settings, role: Role, **wanted: object) -> int:
    drive = Drive("1001")
    try:
        await call_outs(settings, drive).place("1001", wanted, "1001", role)
    except Refused as refused:
        assert not drive.engine.outbound
        return refused.status
    (out,) = drive.engine.outbound.values()
    assert out.kind is (OutKind.CALLBACK if "callback" in wanted else OutKind.FOLLOW_UP)
    return 202


@pytest.mark.parametrize("role", MAY)
def test_role_that_may_dial_numbers_may_do_so_by_keys_and_by_the_api_and_no_other_in_any_way(
    settings: Settings, role: Role
) -> None:
    by_keys, by_api = Keys(settings, role=role), Keys(settings, role=role)
    keys = by_keys.press("consult", NUMBER) is Ack.DONE
    api = by_api.request(Verb.CONSULT, {"number": NUMBER}) == 202
    assert (keys, api) == (MAY[role],) * 2
    assert CALL in by_keys.world.drive.engine.joined


@pytest.mark.parametrize("role", MAY)
async def test_citizen_of_a_case_is_called_by_the_roles_that_follow_up(settings: Settings, role: Role) -> None:
    assert await placed(settings, role, case="A1", number=NUMBER) == (202 if FOLLOWS_UP[role] else 422)


async def test_following_up_can_be_kept_from_agents(folder: Path) -> None:
    config = folder / "hotline.toml"
    config.write_text(config.read_text() + '\n[dialing]\nfollow_up_roles = ["supervisor"]\n')
    found = [await placed(load(config), role, case="A1", number=NUMBER) for role in (Role.AGENT, Role.SUPERVISOR)]
    assert found == [422, 202]


@pytest.mark.parametrize("role", MAY)
async def test_entry_of_the_list_is_for_everybody(settings: Settings, role: Role) -> None:
    assert await placed(settings, role, callback=17) == 202


@pytest.mark.parametrize("how", ["waits", "talks", "is called"])
async def test_citizen_who_is_with_us_just_now_is_not_called(settings: Settings, how: str) -> None:
    drive = Drive("1001", "1002")
    if how == "is called":
        drive.send(e.OutboundAsked("out-1", OutKind.CALLBACK, "1002", "12345", "x", callback=9, caller_ref="r"))
    else:
        drive.call("a", caller_ref="r")
    if how == "talks":
        drive.answer("a", "1002")
    before = dict(drive.engine.outbound)
    with pytest.raises(Refused) as refused:
        await call_outs(settings, drive).place("1001", {"callback": 17}, "1001", Role.AGENT)
    assert refused.value.status == 409
    assert drive.engine.outbound == before


@pytest.mark.parametrize("role", MAY)
async def test_number_that_nobody_may_dial_stays_so(settings: Settings, role: Role) -> None:
    assert await placed(settings, role, case="A1", number="0085213800000") == 422


def test_agent_has_the_role_of_his_token_on_his_telephone() -> None:
    tokens = {
        "a": Token("1001", Role.AGENT),
        "b": Token("1002", Role.EXPERT),
        "c": Token("1003", Role.SUPERVISOR),
        "d": Token("1001", Role.EXPERT),
    }
    assert [role_of(tokens, agent) for agent in ("1001", "1002", "1003", "1009")] == [
        Role.EXPERT, Role.EXPERT, Role.AGENT, Role.AGENT,
    ]  # fmt: skip
