"""The shapes of hidden callers, readings and number keys in the HTTP API."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Why = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]


class HiddenIn(BaseModel):
    """Who: the caller of `call`, in this call or by `every_call` in all of his; or `number`, which means all of its
    calls."""

    model_config = ConfigDict(extra="forbid")

    call: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{0,128}$")] = ""
    every_call: bool = Field(False, description="All calls of this caller, past and coming.")
    number: Annotated[str, Field(max_length=64, repr=False)] = ""
    reason: Why


class ReasonIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Why


class HiddenOut(BaseModel):
    """Times are epoch seconds. The number is kept nowhere here."""

    id: int
    call: str | None = Field(description="This call alone; null: every call of a caller.")
    reason: str
    by: str = Field(description="Name of the token.")
    at: float
    ended_by: str | None
    ended_at: float | None
    ended_reason: str | None


class CallerOut(BaseModel):
    call: str
    number: str = Field(description="As this role sees it, or in clear where it was read; empty: nothing of it.")
    withheld: bool = Field(description="The caller sent no number.")
    hidden: bool = Field(description="The caller asked for it.")
    names: list[str] = Field(description="Real names that agents wrote down; where they were read.")


class AuditOut(BaseModel):
    id: int
    at: float = Field(description="Epoch seconds.")
    actor: str = Field(description="Name of the token; `service` for what nobody asked for.")
    role: str
    act: str = Field(description="read, hide, show, key_renewed, resealed, key_retired, ...")
    subject_kind: str
    subject_id: str
    reason: str
    details: dict[str, Any]


class KeysOut(BaseModel):
    newest: str = Field(description="Id of the key in force.")
    keys: list[str] = Field(description="All that the service has, the newest first.")
    sealed: dict[str, int] = Field(description="Sealed texts by key; '' of those that do not say it.")
    old: int = Field(description="Those not under the key in force.")
    unreadable: int = Field(description="Those of them that no key opens.")
    waiting: int = Field(description="Records that are not in the database yet.")
    may_go: bool = Field(description="The old keys may be deleted.")
    why: str = Field(description="One sentence.")


class ResealedOut(BaseModel):
    resealed: int
    unreadable: int = Field(description="No key opens them: they stay as they are.")
    after: str | None = Field(description="Where the next batch begins; null: that was the last.")
