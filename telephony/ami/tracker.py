"""AMI events to routing events; owns the map from calls to channels.

Theory of operation. A call begins with the dialplan's HotlineArrival on the caller's channel and ends with that channel's
Hangup; CallEnded is the last event of a call. Everything between is read off its legs:

* a phone is dialled (DialBegin), rings (DialState or Newstate, whichever comes first), stops (DialEnd);
* caller and phone are *connected* when bridges and Local pipes lead from one to the other. The order of the BridgeEnter
  events differs with the way of the call, so the question is asked anew after each of them, and answered once per talk;
* a talk ends with the phone's Hangup. Who began the end is decided by what came first: HangupRequest on the caller's
  channel (caller), any request on the phone's (agent), SoftHangupRequest on the caller's, or nothing at all (pbx).
  Later requests are Asterisk tidying up. A phone is *lost* when it was the first to go, without a goodbye of its own, by
  cause 44 (no RTP).
* a phone that refuses (603, or 480 at once) is reported by Asterisk as NOANSWER in DialEnd, like one that rang out. The
  cause of its HangupRequest tells them apart; routing is told BUSY, "busy or rejected by the phone".
  It says NOANSWER as well when agent and caller act in the same instant, the one picking up, the other giving up: the
  caller's HangupRequest came first, so that is a CANCEL and blames nobody.
  HangupRequest and DialEnd come from different topics too: a NOANSWER waits for the end of its leg, which follows at
  once, before it is told.
* a call that is joined with others has a conference, named by its id. Entering it tells where caller and agent are, and
  that a third party (a leg with HOTLINE_THIRD) has come; hold is told by the dialplan. A third party may be a pipe with a
  phone behind it: it rings and answers by its phone, joins by whichever end enters, and is over with its last leg.
* caller and agent in one bridge is an answer, unless the caller's phone saw its call given up (487): Asterisk still
  builds a bridge for it when CANCEL and answer cross inside. Told before the bridge, there was no answer; told after it
  (the two come from different topics of Asterisk, so their order may differ), the answer stands and the call is marked;
  so it is when the caller left before the bridge and no SIP cause tells why: a quick goodbye, or a CANCEL on Asterisk 16.

Races met. A quick phone rings (Newstate) before its DialBegin is told: routing hears of the dialling first all the same.
Asterisk 16 hangs up the caller before the lost phone: the talk is then closed by the caller's Hangup. A caller
who leaves several ringing seats is gone before their DialEnd: legs of a call that is over are followed to their end in
silence. Events before and after a rebuild may tell the same thing twice: every step is idempotent.

Nothing here raises for what Asterisk sends; what does not fit is counted in `drift` and repaired by the next picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import singledispatchmethod
from typing import Final

from routing import events as routing
from routing.model import DeviceState
from telephony import names
from telephony.ami import events as ami
from telephony.ami import joins
from telephony.ami.legs import CallId, Leg, Seats, TrackedCall, connected

NO_RTP_CAUSE: Final = 44  # AST_CAUSE_REQUESTED_CHAN_UNAVAIL, set by rtp_timeout
REJECTED_CAUSE: Final = 21  # the agent pressed the red key: SIP 603
AWAY_CAUSE: Final = 19  # the phone itself says "no answer": SIP 480; before any ringing this is "do not disturb"
UNANSWERED: Final = frozenset({"NOANSWER", "CONTINUE"})  # DialStatus; CONTINUE: a remote seat that did not confirm
GAVE_UP: Final = 487  # SIP: Request Terminated, the answer to an INVITE that was cancelled
STAMP_TOLERANCE_S: Final = 0.5  # clause of the design: a larger difference flags the call
_PROBE: Final = f"PJSIP/{names.PROBE}-"
MAX_BORN: Final = 10_000  # channels whose Hangup we never saw must not pile up

Emit = Callable[[routing.Event], None]


class Tracker:
    """Feed it typed AMI events in order; it calls `emit` for each routing event."""

    def __init__(self, dial_strings: Mapping[str, str], emit: Emit) -> None:
        """`dial_strings`: seat id -> dial string, to know a seat by its device."""
        self._emit = emit
        self.seats = Seats(dial_strings)
        self.calls: dict[str, TrackedCall] = {}
        self.devices: dict[str, DeviceState] = {}  # seat id -> state
        self.drift: Counter[str] = Counter()
        self.stamps_differ = 0
        self._call_of: dict[str, str] = {}  # uniqueid -> call id
        self._born: dict[str, float] = {}  # uniqueid -> creation, of channels that are no call's yet

    def replace(self, calls: Mapping[str, TrackedCall], devices: Mapping[str, DeviceState]) -> None:
        """Believe a rebuilt picture instead of what was followed so far. An empty one forgets everything."""
        self.calls, self.devices = dict(calls), dict(devices)
        self._call_of = {
            leg.uniqueid: call.call_id for call in calls.values() for leg in (call.caller, *call.legs.values())
        }
        self._born.clear()

    @property
    def known_channels(self) -> int:
        """How many channels are remembered, of calls or not of calls yet."""
        return len(self._call_of) + len(self._born)

    def dialled_leg(self, call_id: str, seat_id: str) -> str | None:
        """Uniqueid of a seat's leg that is being dialled for a call and has not been answered."""
        call = self.calls.get(call_id)
        legs = [] if call is None else call.legs.values()
        return next(
            (leg.uniqueid for leg in legs if leg.seat_id == seat_id and not leg.dial_over and not leg.third), None
        )

    @singledispatchmethod
    def handle(self, event: ami.AmiEvent) -> None:
        """Events without a handler of their own say nothing about calls."""

    # -- arrival -------------------------------------------------------------------------------------------------------

    @handle.register
    def _(self, event: ami.ChannelCreated) -> None:
        if len(self._born) < MAX_BORN:
            self._born[event.channel.uniqueid] = event.at

    @handle.register
    def _(self, event: ami.ArrivalAnnounced) -> None:
        if CallId.parse(event.call_id).caller != event.channel.uniqueid:
            self.drift["arrival_on_another_channel"] += 1
        elif event.call_id not in self.calls:
            arrived_at = self._born.pop(event.channel.uniqueid, event.stamped_at)
            self.stamps_differ += abs(arrived_at - event.stamped_at) > STAMP_TOLERANCE_S
            self._begin(event.call_id, event.channel, event.number, arrived_at)
            self._emit(
                routing.CallSeen(
                    event.call_id,
                    event.number,
                    arrived_at,
                    event.trunk,
                    caller_number=event.caller_number,
                    case=event.case,
                    test=event.test,
                )
            )

    def _begin(self, call_id: str, caller: ami.Channel, number: str, arrived_at: float) -> TrackedCall:
        call = TrackedCall(call_id, Leg(caller.uniqueid, caller.name), number, arrived_at)
        self.calls[call_id] = call
        self._call_of[caller.uniqueid] = call_id
        return call

    @handle.register
    def _(self, event: ami.FallbackAnnounced) -> None:
        self._emit(routing.FallbackUsed(event.call_id, event.stage, event.at))

    # -- presentation --------------------------------------------------------------------------------------------------

    @handle.register
    def _(self, event: ami.DialBegan) -> None:
        call, leg = self._place(event.dest)
        if call is not None and leg is not None:
            self._dial_begun(call, leg, event.at)

    def _dial_begun(self, call: TrackedCall, leg: Leg, at: float) -> None:
        was_begun, leg.dial_begun = leg.dial_begun, True
        if leg.seat_id is not None and not leg.third and not was_begun and not call.over:
            call.ended_by = None  # whatever began to end before, the call goes on
            self._emit(routing.SeatDialing(call.call_id, leg.seat_id, at))

    @handle.register
    def _(self, event: ami.DialProgressed) -> None:
        if event.status in ami.RINGING_STATUSES:
            self._rings(event.dest, event.at)

    @handle.register
    def _(self, event: ami.ChannelStateChanged) -> None:
        if event.channel.state == ami.RINGING_STATE:
            self._rings(event.channel, event.at)
        elif event.channel.state == ami.UP_STATE:
            self._picked_up(event.channel, event.at)

    def _picked_up(self, phone: ami.Channel, at: float) -> None:
        """Only of a remote seat is this news: a phone that is picked up is connected in the same moment."""
        call, leg = self._known(phone.uniqueid)
        if call is not None and leg is not None and not leg.third and self.seats.is_remote(leg.seat_id):
            self._emit(routing.SeatPickedUp(call.call_id, leg.seat_id or "", at))

    def _rings(self, phone: ami.Channel, at: float) -> None:
        call, leg = self._place(phone)
        if call is None or leg is None or leg.ringing or leg.dial_over or leg is call.caller:
            return
        self._dial_begun(call, leg, at)
        leg.ringing = True
        if leg.third and leg.pipe is None and not call.over:
            self._emit(routing.ThirdRinging(call.call_id, leg.third, at))
        elif leg.seat_id is not None and not leg.third and not call.over:
            self._emit(routing.SeatRinging(call.call_id, leg.seat_id, at))

    @handle.register
    def _(self, event: ami.DialEnded) -> None:
        call, leg = self._place(event.dest)
        if call is None or leg is None:
            return
        if leg.third:
            self._third_dial_ended(call, leg, event)
            return
        explained = leg.far_end_left or call.caller.far_end_left or leg.dial_over
        if event.status == "NOANSWER" and not explained:
            leg.unexplained_at = event.at
        else:
            self._dial_ended(call, leg, event.status, event.at)

    def _dial_ended(self, call: TrackedCall, leg: Leg, status: str, at: float) -> None:
        was_over, was_ringing = leg.dial_over, leg.ringing
        leg.dial_over, leg.ringing, leg.unexplained_at = True, False, None
        if leg.seat_id is not None and not was_over and not call.over:
            refused = leg.far_end_cause == REJECTED_CAUSE or (leg.far_end_cause == AWAY_CAUSE and not was_ringing)
            if status in UNANSWERED and call.caller.far_end_left:
                status = "CANCEL"
            elif status == "NOANSWER" and refused:
                status = "BUSY"
            self._emit(routing.SeatDialEnded(call.call_id, leg.seat_id, status, at))

    def _third_dial_ended(self, call: TrackedCall, leg: Leg, event: ami.DialEnded) -> None:
        leg.dial_over, leg.ringing = True, False
        if event.status == "ANSWER" and leg.pipe is None and not call.over:
            self._emit(routing.ThirdAnswered(call.call_id, leg.third, event.at))

    # -- talk ----------------------------------------------------------------------------------------------------------

    @handle.register
    def _(self, event: ami.BridgeEntered) -> None:
        call, leg = self._place(event.channel)
        if call is None or leg is None:
            return
        leg.bridge = event.bridge
        if event.name == call.call_id and not call.over:
            self._in_room(call, leg, event)
            return
        answerable = call.talk is None and not call.over and not call.caller.cancelled
        phones = connected(call) if answerable else []
        if phones:
            phone = next((p for p in phones if p.seat_id is not None), phones[0])
            call.place, call.agent_in_room = "bridge", False
            call.talk, call.answered_at, call.crossed = phone.uniqueid, event.at, call.caller.far_end_left
            call.ended_by = "caller" if call.crossed else None
            self._emit(routing.CallAnswered(call.call_id, phone.seat_id or "", event.at))

    def _in_room(self, call: TrackedCall, leg: Leg, event: ami.BridgeEntered) -> None:
        """In the conference of the call."""
        call.room = event.bridge
        if leg is call.caller:
            call.place = "room"
            self._emit(routing.CallerPlaced(call.call_id, "room", event.at))
        elif leg.third:
            self._emit(routing.ThirdJoined(call.call_id, leg.third, event.at))
        elif leg.uniqueid == call.talk:
            call.agent_in_room = True
            self._emit(routing.AgentPlaced(call.call_id, leg.seat_id or "", event.at))

    @handle.register
    def _(self, event: ami.CallerParked) -> None:
        call = self.calls.get(event.call_id)
        if call is not None and not call.over:
            call.place = event.place
            self._emit(routing.CallerPlaced(call.call_id, event.place, event.at))

    @handle.register
    def _(self, event: ami.EmergencyAnnounced) -> None:
        call = self.calls.get(event.call_id)
        if call is not None and not call.over:
            told = event.call_id, event.number, event.asked_at, event.state, event.route, event.at
            self._emit(routing.EmergencyAlone(*told))

    @handle.register
    def _(self, event: ami.KeysPressed) -> None:
        if event.call_id in self.calls:
            self._emit(routing.CodeDialled(event.call_id, event.leg, event.seat_id, event.act, event.value, event.at))

    @handle.register
    def _(self, event: ami.OriginateFailed) -> None:
        """A leg that never had a channel; of one that had, the end of the channel tells."""
        call_id, key = joins.third_of(event.uniqueid)
        call = self.calls.get(call_id)
        if call is not None and not call.over and not call.third_legs(key) and key not in call.causes:
            self._emit(routing.ThirdEnded(call_id, key, event.at, None, lost=False))

    @handle.register
    def _(self, event: ami.BridgeLeft) -> None:
        _, leg = self._known(event.channel.uniqueid)
        if leg is not None and leg.bridge == event.bridge:  # a late leave must not undo a later enter
            leg.bridge = None

    # -- the end -------------------------------------------------------------------------------------------------------

    @handle.register
    def _(self, event: ami.HangupRequested) -> None:
        call, leg = self._known(event.channel.uniqueid)
        if call is not None and leg is not None:
            leg.far_end_left, leg.far_end_cause, leg.cancelled = True, event.cause, event.sip_cause == GAVE_UP
            self._end_begun(call, leg, "caller")

    @handle.register
    def _(self, event: ami.SoftHangupRequested) -> None:
        call, leg = self._known(event.channel.uniqueid)
        if call is not None and leg is not None:
            self._end_begun(call, leg, "pbx")

    def _end_begun(self, call: TrackedCall, leg: Leg, by: str) -> None:
        """The first who begins the end has ended it. `by`: whom to name when it begins on the caller's channel."""
        if leg is call.caller:
            call.ended_by = call.ended_by or by
        elif leg.uniqueid == call.talk:
            call.ended_by = call.ended_by or "agent"

    @handle.register
    def _(self, event: ami.ChannelHungUp) -> None:
        uniqueid = event.channel.uniqueid
        self._born.pop(uniqueid, None)
        call, leg = self._known(uniqueid)
        if call is None or leg is None:
            return
        del self._call_of[uniqueid]
        if leg is call.caller:
            self._caller_gone(call, event)
        else:
            self._leg_gone(call, leg, event)
        if call.over and not call.legs:
            del self.calls[call.call_id]

    def _leg_gone(self, call: TrackedCall, leg: Leg, event: ami.ChannelHungUp) -> None:
        del call.legs[leg.uniqueid]
        if leg.third:
            self._third_gone(call, leg, event)
            return
        if leg.unexplained_at is not None:
            leg.far_end_cause = leg.far_end_cause or (event.cause if event.cause == REJECTED_CAUSE else None)
            self._dial_ended(call, leg, "NOANSWER", leg.unexplained_at)
        if (leg.dial_begun or leg.ringing) and not leg.dial_over:
            self.drift["dial_end_missed"] += not call.over
            self._dial_ended(call, leg, "CANCEL", event.at)  # the one status that blames nobody
        if leg.uniqueid == call.talk:
            call.ended_by = call.ended_by or "agent"
            self._talk_ended(call, leg, event)
            if call.place != "bridge" and any(other.third for other in call.legs.values()):
                call.ended_by = None  # the call goes on without him

    def _third_gone(self, call: TrackedCall, leg: Leg, event: ami.ChannelHungUp) -> None:
        if leg.pipe is None:
            call.causes[leg.third] = event.cause
        if call.over or call.third_legs(leg.third):
            return
        if call.caller.far_end_left:  # he has hung up, and everybody with him: the end of his channel is told at once
            call.causes.setdefault(leg.third, event.cause)
            return
        if call.talk is None and call.place != "bridge":
            call.ended_by = call.ended_by or "agent"  # the last who helped
        cause = call.causes.setdefault(leg.third, event.cause)
        lost = cause == NO_RTP_CAUSE and not leg.far_end_left
        self._emit(routing.ThirdEnded(call.call_id, leg.third, event.at, cause, lost))

    def _caller_gone(self, call: TrackedCall, event: ami.ChannelHungUp) -> None:
        phone = call.legs.get(call.talk or "")
        if phone is not None:
            self._talk_ended(call, phone, event)
        call.over = True
        crossed = call.answered_at is not None and (call.crossed or call.caller.cancelled)
        self._emit(routing.CallEnded(call.call_id, event.at, event.cause, call.ended_by or "pbx", crossed))

    def _talk_ended(self, call: TrackedCall, phone: Leg, event: ami.ChannelHungUp) -> None:
        """`event` is the end of the phone, or of the caller when that came first."""
        call.talk = None
        lost = call.ended_by == "agent" and event.cause == NO_RTP_CAUSE and not phone.far_end_left
        self._emit(routing.AgentLegEnded(call.call_id, phone.seat_id or "", lost, event.at))

    # -- devices, names ------------------------------------------------------------------------------------------------

    @handle.register
    def _(self, event: ami.DeviceChanged) -> None:
        self.trunk_seen(event.device, event.state)
        seat_id = self.seats.of_device(event.device)
        if seat_id is not None:
            self.devices[seat_id] = event.state
            self._emit(routing.SeatStateChanged(seat_id, event.state, event.at))

    def trunk_seen(self, device: str, state: DeviceState) -> None:
        """Of a trunk to emergency centres, the state of the endpoint beside it."""
        if device.startswith(_PROBE):
            up = state not in (DeviceState.UNAVAILABLE, DeviceState.INVALID)
            self._emit(routing.TrunkStateChanged(device.removeprefix(_PROBE), up))

    @handle.register
    def _(self, event: ami.ChannelRenamed) -> None:
        _, leg = self._known(event.uniqueid)
        if leg is not None:
            leg.name = event.name

    # -- the map -------------------------------------------------------------------------------------------------------

    def _known(self, uniqueid: str) -> tuple[TrackedCall | None, Leg | None]:
        call = self.calls.get(self._call_of.get(uniqueid, ""))
        return call, None if call is None else call.leg(uniqueid)

    def _place(self, channel: ami.Channel) -> tuple[TrackedCall | None, Leg | None]:
        """The call and leg of a channel; a leg that is seen for the first time is taken in.

        A leg never brings its call to life: after the end of a call its legs still talk for some milliseconds.
        """
        call, leg = self._known(channel.uniqueid)
        if call is not None and leg is not None:
            leg.seat_id = leg.seat_id or (None if leg is call.caller else self.seats.of_channel(channel))
            return call, leg
        if not channel.call_id:
            return None, None
        call = self.calls.get(channel.call_id) or self._missed_arrival(channel)
        if call is None:
            self.drift["leg_of_unknown_call"] += 1
            return None, None
        self._born.pop(channel.uniqueid, None)
        self._call_of[channel.uniqueid] = call.call_id
        if channel.uniqueid == call.caller.uniqueid:
            return call, call.caller
        third = channel.variables.get(names.THIRD, "")
        leg = Leg(channel.uniqueid, channel.name, self.seats.of_channel(channel), third)
        call.legs[channel.uniqueid] = leg
        return call, leg

    def _missed_arrival(self, channel: ami.Channel) -> TrackedCall | None:
        """The caller's own channel proves that the call lives, even when its arrival was never announced to us."""
        call_id = CallId.parse(channel.call_id)
        if call_id.caller != channel.uniqueid:
            return None
        self.drift["arrival_missed"] += 1
        wanted = names.LINE, names.TRUNK, names.CASE, names.TEST
        number, trunk, case, test = (channel.variables.get(name, "") for name in wanted)
        self._emit(routing.CallSeen(call_id.text, number, call_id.stamped_at, trunk, case=case, test=test))
        return self._begin(call_id.text, channel, number, call_id.stamped_at)
