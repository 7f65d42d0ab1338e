"""The province's port: what is sent, how it is signed, what an answer means (docs/province-port.md). Pure."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from ...dossiers.passing import PassedOn
from ...wire.words import Frozen, Names

VERSION = 1
LARGEST_ANSWER = 65_536
LONGEST_WORDS = 2_000
REASONS = frozenset(
    {
        "bad_manifest",
        "bad_paper",
        "incomplete",
        "wrong_procedure",
        "wrong_agency",
        "held_already",
        "too_large",
        "not_allowed",
        "other",
    }
)
"""Words of the port for a rejection; they stand in the log, so that no other word does."""


class CentreNamed(Frozen):
    """Who sends."""

    id: str
    agency: str
    name: Names


class Owner(Frozen):
    name: str
    number: str
    phone: str = ""
    notify: bool = False


class PaperSent(Frozen):
    """A digitised paper: owner's number and `type` are the two columns of its code. `part`: its part of the body."""

    n: int
    name: str
    kind: str
    type: str
    number: str
    component: int | None
    pages: int
    bytes: int
    sha256: str
    part: str
    reused: bool = False


class Manifest(Frozen):
    """One filed dossier. Times are ISO 8601 with offset. `round`: 1, and one more each time after a rejection."""

    port: int
    id: str
    round: int
    centre: CentreNamed
    procedure: str
    service: str
    received_at: str
    owner: Owner
    code: str = ""
    provisional: str = ""
    due_at: str | None = None
    language: str = "vi"
    form: str = ""
    form_version: str = ""
    answers: dict[str, Any] = {}
    papers: tuple[PaperSent, ...] = ()
    sample: bool = False


def body(manifest: Manifest, files: Sequence[bytes]) -> tuple[bytes, str]:
    """The whole body and its content type: part `manifest`, then `paper-1`, `paper-2` … as the manifest names them."""
    boundary = f"motcua-{secrets.token_hex(16)}"
    pieces = [_part(boundary, "manifest", "application/json", msgspec.json.encode(manifest))]
    for paper, content in zip(manifest.papers, files, strict=True):
        pieces.append(_part(boundary, paper.part, "application/pdf", content, f"{paper.part}.pdf"))
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces), f"multipart/form-data; boundary={boundary}"


def _part(boundary: str, name: str, kind: str, content: bytes, file: str = "") -> bytes:
    named = f'; filename="{file}"' if file else ""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n'
    return f"{head}Content-Type: {kind}\r\n\r\n".encode() + content + b"\r\n"


# --- the signature ------------------------------------------------------------------------------


def signature(key: bytes, method: str, path: str, digest: str, at: int, nonce: str) -> str:
    """HMAC-SHA256 in base64 over six lines. `path`: with the query, as sent; `digest`: SHA-256 of the body, hex;
    `at`: seconds since 1970."""
    text = "\n".join((f"motcua-{VERSION}", method.upper(), path, digest, str(at), nonce))
    return base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()


def signed(
    key: bytes, key_id: str, method: str, path: str, content: bytes, at: int
) -> dict[str, str]:
    """The headers of one request; its nonce is never used again."""
    digest, nonce = hashlib.sha256(content).hexdigest(), secrets.token_hex(16)
    return {
        "MotCua-Key": key_id,
        "MotCua-Time": str(at),
        "MotCua-Nonce": nonce,
        "MotCua-Digest": f"sha-256={digest}",
        "MotCua-Signature": signature(key, method, path, digest, at, nonce),
    }


# --- answers ------------------------------------------------------------------------------------


class Answer(Frozen):
    """What the province says; anything that does not read as this is no answer."""

    state: str
    id: str = ""
    round: int = 0
    code: str = ""
    due_at: str = ""
    reason: str = ""
    words: str = ""


class Outcome(Frozen):
    """What we make of it. `passed` None: nothing has changed (`cause` says why it cannot be spoken to).

    `unknown`: the province clearly does not have it, so it may be sent.
    """

    passed: PassedOn | None
    cause: str = ""
    code: str = ""
    due_at: int | None = None
    words: str = ""
    unknown: bool = False


def of_sending(status: int, content: bytes, dossier: str, round_: int) -> Outcome:
    """An answer to PUT. What is not clearly one of ours is unclear: it may have arrived."""
    answer = _read(content)
    settled = _settled(answer, status, dossier, round_)
    if settled is not None:
        return settled
    if answer is not None and answer.state == "denied" and status in (401, 403):
        return Outcome(passed=PassedOn.WAITING, cause="denied")
    if answer is not None and answer.state == "busy" and status == 429:
        return Outcome(passed=PassedOn.WAITING, cause="busy")
    if answer is not None and answer.state == "checking" and answer.id == dossier:
        return Outcome(passed=PassedOn.UNCLEAR, cause="checking")
    return Outcome(passed=PassedOn.UNCLEAR, cause=_trouble(status))


def of_asking(status: int, content: bytes, dossier: str, round_: int) -> Outcome:
    """An answer to GET. Only `unknown` in so many words lets a dossier be sent."""
    answer = _read(content)
    settled = _settled(answer, status, dossier, round_)
    if settled is not None:
        return settled
    if answer is None:
        return Outcome(passed=None, cause=_trouble(status))
    if answer.state == "denied":
        return Outcome(passed=None, cause="denied")
    if answer.id != dossier:
        return Outcome(passed=None, cause=_trouble(status))
    if answer.state == "checking" and status < 300:
        return Outcome(passed=None, cause="checking")
    if answer.state == "unknown" and status == 404:
        return Outcome(passed=None, unknown=True)
    before = answer.state == "rejected" and 0 < answer.round < round_
    return Outcome(passed=None, unknown=before, cause="" if before else _trouble(status))


def _settled(answer: Answer | None, status: int, dossier: str, round_: int) -> Outcome | None:
    """Accepted or rejected, beyond doubt: our id, a status that fits, and (if rejected) this very round."""
    if answer is None or answer.id != dossier:
        return None
    if answer.state == "accepted" and 200 <= status < 300:
        return Outcome(
            passed=PassedOn.ACCEPTED,
            cause="accepted",
            code=answer.code[:60],
            due_at=moment(answer.due_at),
        )
    if answer.state == "rejected" and answer.round == round_ and answer.reason:
        if status < 300 or 400 <= status < 500:
            words = answer.words[:LONGEST_WORDS]
            cause = answer.reason if answer.reason in REASONS else "other"
            return Outcome(passed=PassedOn.REJECTED, cause=cause, words=words)
    return None


def moment(text: str) -> int | None:
    """ms of an ISO 8601 time with offset; None where it is none."""
    try:
        parsed = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if parsed.tzinfo is None else int(parsed.timestamp() * 1000)


def start_of(day: dt.date | None, offset_minutes: int) -> int:
    """ms of a day's first moment at the centre's offset; 0 without a day."""
    if day is None:
        return 0
    zone = dt.timezone(dt.timedelta(minutes=offset_minutes))
    return int(dt.datetime.combine(day, dt.time(), zone).timestamp() * 1000)


def iso(at: int, offset_minutes: int) -> str:
    """`at` (ms) at the centre's offset."""
    zone = dt.timezone(dt.timedelta(minutes=offset_minutes))
    return dt.datetime.fromtimestamp(at / 1000, zone).isoformat(timespec="seconds")


def _read(content: bytes) -> Answer | None:
    try:
        return msgspec.json.decode(content, type=Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _trouble(status: int) -> str:
    return "no_answer" if 200 <= status < 300 else f"http_{status}"
