"""The shapes of intake and outbox in the HTTP API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_LINE = r"^[^\x00-\x1f\x7f]*$"
Line = Annotated[str, Field(max_length=60, pattern=_LINE)]
Kind = Literal["咨询", "求助", "投诉", "举报", "建议"]


class IntakeIn(BaseModel):
    """All of it, also where only a part is corrected."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(description="咨询 求助 投诉 举报 建议")
    subject: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    name: Annotated[Line, Field(repr=False)] = Field("", description="The caller's real name; empty: not told.")
    hidden: bool = Field(False, description="The caller asked for it: neither name nor number leaves this service.")
    text: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$", repr=False)] = ""
    district: Line = ""
    corrects: int | None = Field(
        None, ge=1, le=2**31 - 1, description="Id of the newest revision of what is corrected."
    )


class IntakeOut(BaseModel):
    id: int
    root: int = Field(description="Id of the first revision.")
    revision: int = Field(description="From 1; of one root the highest holds.")
    call: str
    kind: str = Field(description="咨询 求助 投诉 举报 建议")
    subject: str
    name: str = Field(description="Empty: not told, or the caller is hidden.")
    hidden: bool = Field(description="As this revision says; what is shown goes by every rule, see `/hidden`.")
    text: str
    district: str
    by: str = Field(description="Name of the token; of an agent his id.")
    at: float = Field(description="Epoch seconds.")
    forgotten: bool = Field(False, description="Name, text and subject are removed: their time is over.")


class DropIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]


class OutboxOut(BaseModel):
    """One thing that the work-order platform is to be told. Times are epoch seconds."""

    id: int = Field(description="The order.")
    event: str = Field(description="The id by which the receiver knows a repeat.")
    call: str
    type: str
    made_at: float
    state: str = Field(description="pending, dead, delivered, dropped")
    attempts: int
    next_at: float = Field(description="Not before; 0: at once.")
    error: str | None = Field(description="Of the last attempt.")
    closed_at: float | None = Field(description="Delivered or dropped.")
    by: str | None = Field(description="Who dropped it.")
    reason: str | None


class RetriedOut(BaseModel):
    retried: int
