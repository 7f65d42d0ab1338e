"""What the web process signs: the code on the board that changes, and small facts kept in a phone's cookie."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

CODE_LASTS_S = 300
CODE_DIGITS = 5
_BYTES = 32


def secret(path: Path) -> bytes:
    """The key of this data folder; made at first use, mode 600."""
    with suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
    return path.read_bytes()


class Signer:
    """Signs under one key, each purpose apart from the others. Times are seconds since 1970."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, purpose: str, value: str, until: float) -> str:
        """`value` with its end and a seal; `value` may have any letters but must not be secret."""
        body = f"{int(until)}.{value}"
        return f"{body}.{self._seal(purpose, body)}"

    def read(self, purpose: str, signed: str, now: float) -> str | None:
        """The value that was signed, or None when it is not ours, for another purpose, or over."""
        body, _, seal = signed.rpartition(".")
        end, _, value = body.partition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(purpose, body).encode()):
            return None
        return value if end.isdecimal() and int(end) > now else None

    def code(self, now: float) -> str:
        """The code that the board shows now; a new one every five minutes."""
        return self._code(int(now // CODE_LASTS_S))

    def is_code(self, given: str, now: float) -> bool:
        """The present code or the one before it, so that nobody is cut off while she types."""
        slot = int(now // CODE_LASTS_S)
        typed = "".join(sign for sign in given if sign.isdecimal()).encode()
        return any(hmac.compare_digest(typed, self._code(s).encode()) for s in (slot, slot - 1))

    def _code(self, slot: int) -> str:
        digest = self._digest("board code", str(slot))
        return f"{int.from_bytes(digest[:8], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"

    def _seal(self, purpose: str, body: str) -> str:
        return base64.urlsafe_b64encode(self._digest(purpose, body)[:18]).decode()

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256)
