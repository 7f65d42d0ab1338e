"""What bridge and terminal say to each other about new firmware, as `docs/terminals-ota.md` describes it; pure.

The terminal pulls: it asks for pieces of files as it has room and time, and goes on after a power cut where it
was. The bridge only answers, so it keeps nothing but which package it has offered under which number.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from enum import IntEnum

PIECE_BYTES = 48
"""Of a file, in one piece: it fits the payload of a frame on a line."""
TAG_BYTES = 8
MAC_BYTES = 32
_LABEL = b"motcua firmware "


class Said(IntEnum):
    """What a message is. Want and report come from the terminal, the others from the bridge."""

    OFFER = 1
    WANT = 2
    PIECE = 3
    REPORT = 4
    CONFIRM = 5


class State(IntEnum):
    """What a terminal reports of an offer."""

    TRYING = 1
    """It runs the new set, and goes back by itself unless it is confirmed."""
    GOOD = 2
    REFUSED = 3
    WENT_BACK = 4
    """The new set did not hold: the old one runs again, and this one is not taken any more."""


class Reason(IntEnum):
    """Why a terminal refused."""

    NONE = 0
    MAC = 1
    HASH = 2
    SPACE = 3
    MANIFEST = 4
    OLD = 5


class Malformed(ValueError):
    """Genuine, and yet in no form that we know: the two ends are of different makes."""


@dataclass(frozen=True, slots=True)
class Offer:
    """There is a package. `number` never goes back; `mac` is the terminal's proof for the manifest, which is file 0."""

    number: int
    size: int
    mac: bytes

    def body(self) -> bytes:
        return struct.pack(">IH", self.number, self.size) + self.mac

    @classmethod
    def read(cls, body: bytes) -> Offer:
        _size(body, 6 + MAC_BYTES)
        number, size = struct.unpack(">IH", body[:6])
        return cls(number, size, body[6:])


@dataclass(frozen=True, slots=True)
class Want:
    """Give me the piece of `file` (0 the manifest, then as it lists them) that begins at `offset`."""

    number: int
    file: int
    offset: int

    def body(self) -> bytes:
        return struct.pack(">IBI", self.number, self.file, self.offset)

    @classmethod
    def read(cls, body: bytes) -> Want:
        _size(body, 9)
        return cls(*struct.unpack(">IBI", body))


@dataclass(frozen=True, slots=True)
class Piece:
    """The piece that was asked for; empty beyond the file's end."""

    number: int
    file: int
    offset: int
    data: bytes

    def body(self) -> bytes:
        return struct.pack(">IBI", self.number, self.file, self.offset) + self.data

    @classmethod
    def read(cls, body: bytes) -> Piece:
        if not 9 <= len(body) <= 9 + PIECE_BYTES:
            raise Malformed(f"{len(body)} bytes")
        number, file, offset = struct.unpack(">IBI", body[:9])
        return cls(number, file, offset, body[9:])


@dataclass(frozen=True, slots=True)
class Report:
    """How it came out at the terminal."""

    number: int
    state: State
    reason: Reason = Reason.NONE

    def body(self) -> bytes:
        return struct.pack(">IBB", self.number, self.state, self.reason)

    @classmethod
    def read(cls, body: bytes) -> Report:
        _size(body, 6)
        number, state, reason = struct.unpack(">IBB", body)
        try:
            return cls(number, State(state), Reason(reason))
        except ValueError as error:
            raise Malformed(str(error)) from error


@dataclass(frozen=True, slots=True)
class Confirm:
    """The new set has told its version in a fresh status: it may be kept for good."""

    number: int

    def body(self) -> bytes:
        return struct.pack(">I", self.number)

    @classmethod
    def read(cls, body: bytes) -> Confirm:
        _size(body, 4)
        return cls(*struct.unpack(">I", body))


Message = Offer | Want | Piece | Report | Confirm
_FORMS: dict[Said, type[Message]] = {
    Said.OFFER: Offer,
    Said.WANT: Want,
    Said.PIECE: Piece,
    Said.REPORT: Report,
    Said.CONFIRM: Confirm,
}
_KINDS = {form: kind for kind, form in _FORMS.items()}


def _size(body: bytes, wanted: int) -> None:
    if len(body) != wanted:
        raise Malformed(f"{len(body)} bytes instead of {wanted}")


def manifest_mac(number: int, manifest: bytes, key: bytes) -> bytes:
    """HMAC-SHA256 by which a terminal knows that its own bridge offers this manifest under this number."""
    return hmac.digest(key, _LABEL + struct.pack(">I", number) + manifest, "sha256")


def encode(message: Message, key: bytes) -> bytes:
    """A whole message for MQTT: kind (1), body, and 8 bytes of tag under the terminal's key."""
    signed = bytes([_KINDS[type(message)]]) + message.body()
    return signed + _tag(signed, key)


def decode(payload: bytes, key: bytes) -> Message | None:
    """None for what is not genuine. Raises Malformed."""
    signed, tag = payload[:-TAG_BYTES], payload[-TAG_BYTES:]
    if not signed or not hmac.compare_digest(tag, _tag(signed, key)):
        return None
    try:
        form = _FORMS[Said(signed[0])]
    except ValueError as error:
        raise Malformed(str(error)) from error
    return form.read(signed[1:])


def _tag(signed: bytes, key: bytes) -> bytes:
    return hmac.digest(key, _LABEL + signed, "sha256")[:TAG_BYTES]


def piece_of(content: bytes, offset: int) -> bytes:
    return content[offset : offset + PIECE_BYTES]


def digest(manifest: bytes) -> str:
    """By which a terminal remembers a set that did not hold."""
    return hashlib.sha256(manifest).hexdigest()
