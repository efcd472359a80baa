"""The shapes of retention and legal holds in the HTTP API."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Reason = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
Case = Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
Number = Annotated[str, Field(max_length=64, repr=False)]


class RetentionOut(BaseModel):
    """Times are epoch seconds."""

    ages: dict[str, int] = Field(description="Days by kind; 0: for ever, or as long as the call.")
    running: bool
    doing: str | None = Field(description="The kind that is being forgotten now.")
    done: dict[str, int] = Field(description="Rows by kind, of the run that goes on or was the last.")
    last_at: float | None = Field(description="When a run was done last.")
    next_at: float | None = Field(description="When the next one is due; null: nothing is forgotten by its age.")
    failure: str | None = Field(description="Why the last run ended early.")


class DueOut(BaseModel):
    kind: str = Field(description="numbers, intakes, callbacks, agents, calls")
    before: float = Field(description="Epoch seconds: what is older is over its age.")
    due: int = Field(description="Rows that a run would forget now.")
    held: int = Field(description="Rows that stay because of a hold.")


class CitizenIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: Number
    reason: Reason
    dry_run: bool = False


class CitizenOut(BaseModel):
    calls: int = Field(description="Calls out of which he is forgotten, or would be.")
    held: int = Field(description="Calls that stay as they are because of a hold on them.")
    open: int = Field(description="Calls that are not over: ask once more afterwards.")
    callbacks: int
    recordings: int
    restrictions: int = Field(description="Entries that are over, without his number now.")
    restrictions_in_force: int = Field(description="Entries that stay whole until they are over.")


class CallIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason
    dry_run: bool = False


class ForgottenCallOut(BaseModel):
    call: str
    forgotten_before: bool = Field(description="Its caller was forgotten already.")


class HoldIn(BaseModel):
    """On one thing: call, number, case, or days."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    call: Annotated[str, Field(max_length=140)] = ""
    number: Number = ""
    case: Case = ""
    from_: date | None = Field(None, alias="from", description="First day.")
    to: date | None = Field(None, description="Last day, included; absent: the first.")
    reason: Reason


class LiftIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class HoldOut(BaseModel):
    """Times are epoch seconds."""

    id: int
    kind: str = Field(description="call, caller, case, days")
    call: str
    number: str = Field(description="Masked; empty: hidden, not for this role, or on something else.")
    hidden: bool = Field(description="The caller asked for it.")
    case: str
    days: str
    reason: str
    by: str = Field(description="Name of the token.")
    at: float
    calls: int | None = Field(description="Calls that it is on now; null: it is lifted.")
    lifted_by: str | None
    lifted_at: float | None
    lifted_reason: str | None
