"""What the API says about test calls."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ProbeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: str = Field(pattern=r"^[0-9]{2,20}$", description="A line; it is called from outside.")


class ProbeOut(BaseModel):
    """One test call. Times of `_at` are epoch seconds; null: not so far, or not known."""

    id: str
    number: str
    by: str = Field(description="Name of the token, or schedule.")
    state: str = Field(description="asked dialled ringing answered ended")
    asked_at: float
    ended_at: float | None
    outcome: str | None = Field(description="answered busy no_answer silent refused not_dialled gave_way unknown")
    cause: int | None = Field(description="Asterisk's, of an end without an answer.")
    sip: int | None = Field(description="The SIP answer behind it, where Asterisk tells it.")
    dial_delay_s: float | None = Field(description="Dialled until the first sound, from outside.")
    answer_s: float | None = Field(description="Dialled until answered, from outside.")
    ring_s: float | None = Field(description="First sound until answered, from outside.")
    call: str = Field(description="The call that came in; empty: none did.")
    seat: str
    agent: str
    answered_by: str = Field(description="engine or fallback")
    inside_s: float | None = Field(description="Arrival until answered, as the records of callers measure it.")
    faults: list[str] = Field(
        description="not_reached not_measured elsewhere no_agent slow_ringing slow_answer; none: good, or not over"
    )
