"""Secrets come from a file beside the configuration or from the environment, never from the configuration itself."""

from __future__ import annotations

import base64
import os
import re
import stat
from pathlib import Path
from typing import Final

from storage import keys
from storage.errors import StorageError
from storage.keys import KeySet

NUMBER_KEY_VARIABLE: Final = "HOTLINE_NUMBER_KEY"  # what the file holds, apart by blanks
DATABASE_PASSWORD_VARIABLE: Final = "HOTLINE_DATABASE_PASSWORD"  # noqa: S105 a name, not a password


OUTBOX_SECRET_VARIABLE: Final = "HOTLINE_OUTBOX_SECRET"  # noqa: S105 a name, not a secret
OUTBOX_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 as Standard Webhooks write them
HOW_TO_SIGN: Final = "make one with: (umask 077; printf 'whsec_%s\\n' \"$(openssl rand -base64 32)\" > {path})"

FIT_FOR_ASTERISK: Final = re.compile(r"(?!>)[!-:<-~]{1,200}")  # ";" begins a comment there, "=>" is another "="
FIT_WORDS: Final = "ASCII letters, digits and signs only, no blank, no ; and no > in front"


class SecretError(Exception):
    """A secret cannot be read; the text says what to type."""


def ami_secret_variable(pbx: str) -> str:
    """`pbx1` -> `HOTLINE_AMI_SECRET_PBX1`."""
    return "HOTLINE_AMI_SECRET_" + pbx.upper().replace("-", "_")


def read_private(path: Path, make_it: str) -> bytes:
    """The bytes of a file that nobody else may read.

    Raises:
        SecretError: it is not there (`make_it` says how to get it), not a file, empty, or open to others.
    """
    try:
        found = path.stat()
        content = path.read_bytes()
    except FileNotFoundError:
        raise SecretError(f"{path} does not exist; {make_it}") from None
    except OSError as error:
        raise SecretError(f"{path} cannot be read: {error.strerror}") from None
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise SecretError(f"{path} can be read by others; type: chmod 600 {path}")
    if not content:
        raise SecretError(f"{path} is empty; {make_it}")
    return content


def read_text(path: Path | None, variable: str, make_it: str) -> str:
    """A secret in one line: the environment first, then the file, without the line end."""
    if value := os.environ.get(variable):
        return value
    if path is None:
        raise SecretError(f"no file is named and the environment has no {variable}; {make_it}")
    try:
        text = read_private(path, make_it).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not text") from None
    if not text or not text.isprintable():
        raise SecretError(f"{path} must hold one line of text")
    return text


def fit_for_asterisk(secret: str) -> str:
    """The secret itself. Raises SecretError when Asterisk's files could not carry it."""
    if not FIT_FOR_ASTERISK.fullmatch(secret):
        raise SecretError(f"the manager's secret may hold {FIT_WORDS}")
    return secret


def read_number_keys(path: Path) -> KeySet:
    """The keys that encrypt caller numbers at rest, the newest first; see `storage.keys`.

    Losing them loses the numbers; losing the line of the references, the matching of callers.
    """
    make_it = "restore it from your copy, or make a first one with hotline init"
    given = os.environ.get(NUMBER_KEY_VARIABLE)
    try:
        return keys.read(given or read_private(path, make_it).decode())
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not text") from None
    except StorageError as error:
        raise SecretError(f"{NUMBER_KEY_VARIABLE if given else path}: {error}") from None


def write_number_keys(path: Path, found: KeySet) -> None:
    """Replaces the file as a whole: who is killed meanwhile leaves the old one or the new one, both whole.

    Raises:
        SecretError: it cannot be written, or the environment goes before it.
    """
    if os.environ.get(NUMBER_KEY_VARIABLE):
        raise SecretError(f"{NUMBER_KEY_VARIABLE} goes before the file; put the keys into {path} and unset it first")
    draft = path.with_name(f"{path.name}.draft")
    try:
        owner = path.stat()
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w", encoding="ascii") as out:
            os.fchmod(fd, 0o600)
            if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(fd, owner.st_uid, owner.st_gid)  # typed by root, read by the service
            out.write(found.text())
            out.flush()
            os.fsync(fd)
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise SecretError(f"{path} cannot be written: {error.strerror}") from None


def read_outbox_secrets(path: Path) -> tuple[bytes, ...]:
    """One line `whsec_<base64 of 24 to 64 bytes>`, or two while it is being changed, the new one first."""
    make_it = HOW_TO_SIGN.format(path=path)
    given = os.environ.get(OUTBOX_SECRET_VARIABLE) or read_private(path, make_it).decode("ascii", "replace")
    source = OUTBOX_SECRET_VARIABLE if os.environ.get(OUTBOX_SECRET_VARIABLE) else path
    secrets = tuple(_outbox_secret(word) for word in given.split())
    if not 1 <= len(secrets) <= 2 or None in secrets:
        raise SecretError(f"{source} must hold one secret, or two in a change, each whsec_ and base64; {make_it}")
    return tuple(secret for secret in secrets if secret is not None)


def _outbox_secret(word: str) -> bytes | None:
    try:
        secret = base64.b64decode(word.removeprefix(OUTBOX_SECRET_PREFIX), validate=True)
    except ValueError:
        return None
    return secret if word.startswith(OUTBOX_SECRET_PREFIX) and 24 <= len(secret) <= 64 else None
