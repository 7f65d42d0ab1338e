"""Frames between terminals and the bridge, as `docs/terminal-protocol.md` describes them; pure.

A frame's `count` is the number that never goes back (a "counter" is a desk in this centre's words):
in frames of a terminal it numbers its presses, in frames of the bridge it numbers what the bridge says.
"""

from __future__ import annotations

import binascii
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from cobs import cobs

from . import ota

VERSION = 1
KEY_BYTES = 32
TAG_BYTES = 8
CRC_BYTES = 2
HIGHEST_ADDRESS = 247
HIGHEST_COUNT = 0xFFFF_FFFF
MAX_PAYLOAD = 64

_HEADER = struct.Struct(">BBBBI")
_CRC = struct.Struct(">H")
_MIN_BODY = _HEADER.size + TAG_BYTES + CRC_BYTES
_MAX_BODY = _MIN_BODY + MAX_PAYLOAD
_MAX_STUFFED = _MAX_BODY + 1
MAX_ON_WIRE = _MAX_STUFFED + 2
"""Bytes of the longest frame with both delimiters."""


class Kind(IntEnum):
    """What a frame is for. Press, key, status, want and report come from terminals, the others from the bridge."""

    POLL = 1
    PRESS = 2
    ACKNOWLEDGEMENT = 3
    STATUS = 4
    LAMP = 5
    DISPLAY = 6
    KEY = 7
    OFFER = 8
    WANT = 9
    PIECE = 10
    REPORT = 11
    CONFIRM = 12


_KINDS = frozenset(int(kind) for kind in Kind)
FROM_TERMINAL = frozenset({Kind.PRESS, Kind.STATUS, Kind.KEY, Kind.WANT, Kind.REPORT})


@dataclass(frozen=True, slots=True)
class Frame:
    """`address` 1–247 is always the terminal's, whoever speaks; a reply repeats the poll's `sequence`."""

    address: int
    sequence: int
    kind: Kind
    count: int
    payload: bytes = b""


class Flaw(StrEnum):
    """Why bytes between two delimiters are no frame for us."""

    NOISE = "noise"
    """Spoiled on the line: stuffing, length or CRC is wrong."""
    VERSION = "version"
    STRANGER = "stranger"
    """A sound frame of an address whose key we do not hold (on a terminal: its neighbours')."""
    FORGED = "forged"
    """The CRC is right and the tag is not: a wrong key, or somebody who has none."""
    KIND = "kind"


@dataclass(frozen=True, slots=True)
class Broken:
    """Bytes that were refused. `address` is 0 unless the CRC was right."""

    flaw: Flaw
    address: int = 0


class PayloadWrong(ValueError):
    """A genuine frame whose payload does not fit its kind: the two ends are of different makes."""


# --- whole frames -----------------------------------------------------------------------------------


def encode(frame: Frame, key: bytes) -> bytes:
    """The frame as bytes for the line. Raises ValueError for a field out of its range or a short key."""
    _check(frame, key)
    header = _HEADER.pack(VERSION, frame.address, frame.sequence, frame.kind, frame.count)
    signed = header + frame.payload
    body = signed + _tag(signed, key)
    stuffed: bytes = cobs.encode(body + _CRC.pack(crc16(body)))
    return b"\0" + stuffed + b"\0"


def _check(frame: Frame, key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a terminal's key has {KEY_BYTES} bytes")
    if not 1 <= frame.address <= HIGHEST_ADDRESS:
        raise ValueError(f"address {frame.address} is not in 1–{HIGHEST_ADDRESS}")
    if not 0 <= frame.sequence <= 0xFF or not 0 <= frame.count <= HIGHEST_COUNT:
        raise ValueError("sequence or count out of range")
    if len(frame.payload) > MAX_PAYLOAD:
        raise ValueError(f"payload over {MAX_PAYLOAD} bytes")


def _tag(signed: bytes, key: bytes) -> bytes:
    return hmac.digest(key, signed, "sha256")[:TAG_BYTES]


def crc16(data: bytes) -> int:
    """CRC-16/IBM-3740 ("CCITT-FALSE"): x^16+x^12+x^5+1 (1021 hex), start FFFF, not reflected, no final XOR."""
    return binascii.crc_hqx(data, 0xFFFF)


def decode(stuffed: bytes, key_of: Callable[[int], bytes | None]) -> Frame | Broken:
    """The frame in the bytes between two delimiters. `key_of(address)` is None for a stranger."""
    body = _unstuff(stuffed)
    if body is None:
        return Broken(Flaw.NOISE)
    version, address, sequence, kind, count = _HEADER.unpack_from(body)
    if version != VERSION:
        return Broken(Flaw.VERSION, address)
    key = key_of(address)
    if key is None:
        return Broken(Flaw.STRANGER, address)
    signed, tag = body[:-TAG_BYTES], body[-TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(signed, key)):
        return Broken(Flaw.FORGED, address)
    if kind not in _KINDS:
        return Broken(Flaw.KIND, address)
    return Frame(address, sequence, Kind(kind), count, signed[_HEADER.size :])


def _unstuff(stuffed: bytes) -> bytes | None:
    """Header, payload and tag, or None when the line has spoiled them."""
    if len(stuffed) > _MAX_STUFFED:
        return None
    try:
        body = cobs.decode(stuffed)
    except cobs.DecodeError:
        return None
    if not _MIN_BODY <= len(body) <= _MAX_BODY:
        return None
    checked, crc = body[:-CRC_BYTES], body[-CRC_BYTES:]
    return checked if _CRC.pack(crc16(checked)) == crc else None


class Deframer:
    """Finds frames in what a line delivers, in pieces of any size; after noise the next 00 starts afresh."""

    def __init__(self, key_of: Callable[[int], bytes | None]) -> None:
        self._key_of = key_of
        self._open = b""

    def feed(self, data: bytes) -> list[Frame | Broken]:
        """All that has ended with `data`, in order. Memory stays bounded whatever the line says."""
        *ended, rest = (self._open + data).split(b"\0")
        self._open = rest[: _MAX_STUFFED + 1]
        return [decode(piece, self._key_of) for piece in ended if piece]


# --- payloads ---------------------------------------------------------------------------------------

_PRESS = struct.Struct(">IBIB")
_STATUS = struct.Struct(">IBBBBBB")
_POLL = struct.Struct(">I")
_ACKNOWLEDGEMENT = struct.Struct(">I")
_LAMP = struct.Struct(">BB")

BUTTONS = range(1, 6)
"""The five faces: 1 very dissatisfied … 5 very satisfied."""
LONGEST_AGE_MS = 0xFFFF_FFFF
ON_MAINS = 255


@dataclass(frozen=True, slots=True)
class Press:
    """A press of `button`, `age_ms` before the frame was sent; the frame's count numbers it.

    `poll` repeats the count of the poll that it answers, so that a recorded frame is of no use later.
    `exact` is False when the terminal lost power since: the press is then at least `age_ms` old.
    """

    poll: int
    button: int
    age_ms: int
    exact: bool = True

    def payload(self) -> bytes:
        age = min(self.age_ms, LONGEST_AGE_MS)
        return _PRESS.pack(self.poll, self.button, age, 0 if self.exact else 1)

    @classmethod
    def read(cls, payload: bytes) -> Press:
        poll, button, age_ms, flags = _unpack(_PRESS, payload)
        if button not in BUTTONS:
            raise PayloadWrong(f"no button {button}")
        return cls(poll, button, age_ms, not flags & 1)


class Key(IntEnum):
    """The keys of a caller keypad."""

    NEXT = 1
    RECALL = 2
    NO_SHOW = 3
    FINISH = 4


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A press of a keypad's `key`; all else is as in `Press`."""

    poll: int
    key: Key
    age_ms: int
    exact: bool = True

    def payload(self) -> bytes:
        age = min(self.age_ms, LONGEST_AGE_MS)
        return _PRESS.pack(self.poll, self.key, age, 0 if self.exact else 1)

    @classmethod
    def read(cls, payload: bytes) -> KeyPress:
        poll, key, age_ms, flags = _unpack(_PRESS, payload)
        try:
            return cls(poll, Key(key), age_ms, not flags & 1)
        except ValueError as error:
            raise PayloadWrong(str(error)) from error


@dataclass(frozen=True, slots=True)
class Status:
    """The answer of a terminal that has no press to tell.

    `waiting` presses in its log (0–255), `battery` in percent or ON_MAINS, `shown` the sequence of the
    lamp or display frame that it showed last (0 none), `lost` presses that its full log refused (0–255).
    """

    poll: int
    waiting: int = 0
    battery: int = ON_MAINS
    shown: int = 0
    lost: int = 0
    firmware: tuple[int, int] = (0, 0)

    def payload(self) -> bytes:
        waiting, lost = min(self.waiting, 255), min(self.lost, 255)
        return _STATUS.pack(self.poll, waiting, self.battery, self.shown, lost, *self.firmware)

    @classmethod
    def read(cls, payload: bytes) -> Status:
        poll, waiting, battery, shown, lost, major, minor = _unpack(_STATUS, payload)
        return cls(poll, waiting, battery, shown, lost, (major, minor))


@dataclass(frozen=True, slots=True)
class OfUpdate:
    """What a terminal that has no press to tell says of new firmware (docs/terminals-ota.md)."""

    poll: int
    message: ota.Want | ota.Report

    def payload(self) -> bytes:
        return _POLL.pack(self.poll) + self.message.body()

    @classmethod
    def read_want(cls, payload: bytes) -> OfUpdate:
        return cls._read(payload, ota.Want.read)

    @classmethod
    def read_report(cls, payload: bytes) -> OfUpdate:
        return cls._read(payload, ota.Report.read)

    @classmethod
    def _read(cls, payload: bytes, form: Callable[[bytes], ota.Want | ota.Report]) -> OfUpdate:
        (poll,) = _unpack(_POLL, payload[: _POLL.size])
        try:
            return cls(poll, form(payload[_POLL.size :]))
        except ota.Malformed as error:
            raise PayloadWrong(str(error)) from error


UPDATE_KINDS: dict[type[ota.Message], Kind] = {
    ota.Offer: Kind.OFFER,
    ota.Want: Kind.WANT,
    ota.Piece: Kind.PIECE,
    ota.Report: Kind.REPORT,
    ota.Confirm: Kind.CONFIRM,
}
"""Kinds of what is said about new firmware; what the bridge says is the message's body alone."""


class Colour(IntEnum):
    """What a lamp says: green "counted", amber "received, but not counted", red "the log is full"."""

    OFF = 0
    GREEN = 1
    AMBER = 2
    RED = 3


@dataclass(frozen=True, slots=True)
class Lamp:
    """Light the lamp for `tenths` of a second (0–255)."""

    colour: Colour
    tenths: int = 20

    def payload(self) -> bytes:
        return _LAMP.pack(self.colour, self.tenths)

    @classmethod
    def read(cls, payload: bytes) -> Lamp:
        colour, tenths = _unpack(_LAMP, payload)
        try:
            return cls(Colour(colour), tenths)
        except ValueError as error:
            raise PayloadWrong(str(error)) from error


LONGEST_TEXT = 8
ON_DISPLAYS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-")
"""The signs that every display can show."""


@dataclass(frozen=True, slots=True)
class Display:
    """Show `text` (at most 8 signs of ON_DISPLAYS; none: dark), blinking for `tenths` of a second (0–255)."""

    text: str
    tenths: int = 0

    def payload(self) -> bytes:
        """Raises ValueError for a text that a display cannot show."""
        if len(self.text) > LONGEST_TEXT or not ON_DISPLAYS.issuperset(self.text):
            raise ValueError(f"no text for a display: {self.text!r}")
        return bytes([self.tenths]) + self.text.encode("ascii")

    @classmethod
    def read(cls, payload: bytes) -> Display:
        text = payload[1:].decode("ascii", "replace")
        if not payload or len(text) > LONGEST_TEXT or not ON_DISPLAYS.issuperset(text):
            raise PayloadWrong("no text for a display")
        return cls(text, payload[0])


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The press with this count lies safely in the bridge's store; the terminal may forget it."""

    press: int

    def payload(self) -> bytes:
        return _ACKNOWLEDGEMENT.pack(self.press)

    @classmethod
    def read(cls, payload: bytes) -> Acknowledgement:
        (press,) = _unpack(_ACKNOWLEDGEMENT, payload)
        return cls(press)


def _unpack(form: struct.Struct, payload: bytes) -> tuple[int, ...]:
    if len(payload) != form.size:
        raise PayloadWrong(f"{len(payload)} bytes instead of {form.size}")
    return form.unpack(payload)
