"""Codes of any seats come back as they were kept; and what a code says of a free seat is what the rules alone say."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from routing import choice
from routing import events as e
from routing.candidates import UNFIT_CODE, Edition, pack, read_edition, unpack
from routing.codes import BETTER_WAS_THERE, Code
from routing.model import Line, Ring, Rules, SeatProfile, Timing
from routing.need import Skilled
from routing.steps import Step, StepKind
from storage.decisions import _decision_row
from storage.entries import WriteEdition, decode, encode
from tests.property.test_choice_of_seat import NOW, SEVERAL_AFTER_S, engine_with, person
from tests.unit.routing.floor_plan import EPOCH, stood


@given(codes=st.binary(max_size=3000))
def test_codes_come_back_as_they_were_kept(codes: bytes) -> None:
    assert unpack(pack(codes)) == codes


@given(codes=st.binary(min_size=1, max_size=300), edition=st.text("0123456789abcdef", min_size=16, max_size=16))
def test_codes_come_through_the_journal(codes: bytes, edition: str) -> None:
    step = Step("c", 1, 2.0, StepKind.NOBODY, {"open_rings": 1}, f"{edition}:{pack(codes)}")
    read = decode(encode(step, 1))
    assert read == step
    row = _decision_row(step)
    assert row is not None
    assert (row["edition"], unpack(pack(codes))) == (edition, codes)


@given(ids=st.lists(st.text(min_size=1, max_size=5), unique=True, max_size=20), need=st.sampled_from(["a", "b-1"]))
def test_an_edition_comes_through_the_journal(ids: list[str], need: str) -> None:
    line = Line("1", "线", rings=(Ring(0, Skilled(need)),))
    edition = Edition(Rules(Timing(), {"1": line}, {}, {id_: SeatProfile(id_, "") for id_ in ids}))
    kept: Any = decode(encode(WriteEdition(edition, 5.0), 1))
    assert (kept.id, kept.at, kept.body) == (edition.id, 5.0, edition.body)
    assert read_edition(kept.body) == {
        "seats": ids,
        "lines": {"1": {"name": "线", "rings": [[0, f"{need}>=1"]]}},
    }


@settings(max_examples=300, deadline=None)
@given(
    persons=st.lists(person, max_size=8),
    waited_s=st.sampled_from([0.0, 4.0, 7.0, 10.0, 12.0]),
    ami_up=st.booleans(),
    talking=st.sets(st.sampled_from(["1001", "1002", "1003"])),
)
def test_a_code_says_of_each_seat_what_the_rules_alone_say(
    persons: list[Any], waited_s: float, ami_up: bool, talking: set[str]
) -> None:
    people = {str(1001 + number): one for number, one in enumerate(persons)}
    engine = engine_with(people, ami_up, talking)
    engine.handle(e.CallHeld("a", 1, "20001", EPOCH + NOW - waited_s), NOW, EPOCH + NOW)
    call = engine.calls["a"] = engine.calls["a"]._replace(missed=frozenset(i for i, p in people.items() if p[5]))
    waiting = engine.waiting(call._replace(open_rings=choice.open_rings(call.line, waited_s, engine.floor.anybody)))
    before = {now_at.seat.id: now_at for now_at in engine.floor.all_seats()}
    demand = dict(engine.queue.demand)
    steps = [c.step for c in engine.handle(e.DecisionsAllowed(), NOW, EPOCH + NOW) if hasattr(c, "step")]
    for step in (step for step in steps if step.candidates is not None):
        found = stood(step)
        chosen = [seat for seat, code in found.items() if code >= Code.CHOSEN]
        assert len(chosen) <= (3 if waited_s >= SEVERAL_AFTER_S else 1)
        assert found.keys() == people.keys()
        last = max((flat(waiting, before[seat], demand) for seat in chosen), default=())
        for seat, code in found.items():
            now_at = before.get(seat)
            reason = choice.Reason.OUT if now_at is None else choice.eligible(waiting, now_at)
            assert (reason is None) == (code >= Code.CHOSEN or code in BETTER_WAS_THERE), (seat, code)
            assert (reason is choice.Reason.SKILL) == (code == Code.NO_RING or Code.NOT_OPEN <= code < Code.CHOSEN)
            for of_the_call, its in UNFIT_CODE.items():
                assert (reason is of_the_call) == (code == its)
            if now_at is not None and code in BETTER_WAS_THERE:
                pairs = zip(last, flat(waiting, now_at, demand), strict=True)
                differs = next(place for place, (one, two) in enumerate(pairs) if one != two)
                assert choice.RANKED_BY[differs] is Code(code), (seat, code)


def flat(waiting: choice.Waiting, now_at: choice.SeatNow, demand: dict[str, int]) -> tuple[object, ...]:
    missed, uncertain, ring, liked, idle_since, seat_id = choice.rank(waiting, now_at, demand)
    assert isinstance(liked, tuple)
    return missed, uncertain, ring, *liked, idle_since, seat_id
