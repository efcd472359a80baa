"""Who may speak to the API: bearer tokens, known by their SHA-256 only, each with a role."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Annotated, Final

from fastapi import Depends, Request

from console.deps import ConsoleDeps, Role, Token
from console.problems import Problem

COOKIE: Final = "hotline_wallboard"
MAX_TOKEN: Final = 512

EVERYBODY: Final = frozenset(Role)
OVERSEERS: Final = frozenset({Role.SUPERVISOR, Role.ENGINEER, Role.AUDITOR})
ACTORS: Final = frozenset({Role.AGENT, Role.EXPERT, Role.SUPERVISOR, Role.ENGINEER})
MANAGERS: Final = frozenset({Role.SUPERVISOR, Role.ENGINEER})
LISTENERS: Final = frozenset({Role.SUPERVISOR, Role.AUDITOR})  # to what was said
ENGINEERS: Final = frozenset({Role.ENGINEER})


def known(tokens: Mapping[str, Token], given: str) -> Token | None:
    """The token's owner, or None. Compares with every known hash, so the time tells nothing about any of them."""
    if not given or len(given) > MAX_TOKEN:
        return None
    digest = hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()
    found = None
    for sha256, token in tokens.items():
        if hmac.compare_digest(sha256.lower().encode(), digest.encode()):
            found = token
    return found


def bearer(request: Request) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _deps(request: Request) -> ConsoleDeps:
    deps = request.app.state.deps
    assert isinstance(deps, ConsoleDeps)
    return deps


Deps = Annotated[ConsoleDeps, Depends(_deps)]


def allow(roles: frozenset[Role], *, cookie: bool = False) -> Callable[[Request, ConsoleDeps], Token]:
    """A dependency that lets these roles in: 401 without a known token, 403 with another role.

    `cookie`: the wallboard's cookie counts too. Only for pages that read: a cookie travels by itself, so nothing that
    acts may accept it.
    """

    def check(request: Request, deps: Deps) -> Token:
        given = bearer(request) or (request.cookies.get(COOKIE, "") if cookie else "")
        token = known(deps.tokens, given)
        if token is None:
            raise Problem(401, "A known token is needed: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})
        if token.role not in roles:
            raise Problem(403, f"The role {token.role} may not do this.")
        return token

    return check


def acts_for(token: Token, agent_id: str) -> None:
    """Agents and experts act for themselves; 403 otherwise."""
    if token.role in (Role.AGENT, Role.EXPERT) and token.name != agent_id:
        raise Problem(403, "An agent's token acts for that agent only.")
