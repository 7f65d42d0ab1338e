"""Frames as docs/terminal-protocol.md describes them, for MicroPython, which has neither hmac nor CRC-16."""

import hashlib
import struct

VERSION = 1
KEY_BYTES = 32
TAG_BYTES = 8
CRC_BYTES = 2
MAX_PAYLOAD = 64

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
KINDS = range(POLL, CONFIRM + 1)
FROM_TERMINAL = (PRESS, STATUS, KEY, WANT, REPORT)

_HEADER = ">BBBBI"
_HEADER_BYTES = 8
_MIN_BODY = _HEADER_BYTES + TAG_BYTES + CRC_BYTES
_MAX_STUFFED = _MIN_BODY + MAX_PAYLOAD + 1
_BLOCK = 64
"""Bytes that SHA-256 takes at a time (RFC 2104's B)."""

_CRC_OF_NIBBLE = (
    0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50A5, 0x60C6, 0x70E7,
    0x8108, 0x9129, 0xA14A, 0xB16B, 0xC18C, 0xD1AD, 0xE1CE, 0xF1EF,
)  # fmt: skip


class Frame:
    """`address` is always the terminal's, whoever speaks; `count` never goes back."""

    def __init__(
        self, address: int, sequence: int, kind: int, count: int, payload: bytes = b""
    ) -> None:
        self.address = address
        self.sequence = sequence
        self.kind = kind
        self.count = count
        self.payload = payload


class Broken(Exception):
    """Bytes that are no frame for us; `flaw` is the word of the protocol's page."""

    def __init__(self, flaw: str) -> None:
        super().__init__(flaw)
        self.flaw = flaw


class Signer:
    """Tags under one key: the first 8 bytes of HMAC-SHA256."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a key has 32 bytes")
        padded = key + bytes(_BLOCK - KEY_BYTES)
        self._inner = bytes(byte ^ 0x36 for byte in padded)
        self._outer = bytes(byte ^ 0x5C for byte in padded)

    def mac(self, signed: bytes) -> bytes:
        """The whole HMAC."""
        inner = hashlib.sha256(self._inner + signed).digest()
        return hashlib.sha256(self._outer + inner).digest()

    def tag(self, signed: bytes) -> bytes:
        return self.mac(signed)[:TAG_BYTES]

    def made(self, tag: bytes, signed: bytes) -> bool:
        return same(tag, self.tag(signed))


def same(told: bytes, ours: bytes) -> bool:
    """Whether they are alike, in the same time for everything that is not."""
    different = len(told) ^ len(ours)
    for one, other in zip(told, ours):  # noqa: B905 (MicroPython's zip has no strict)
        different |= one ^ other
    return different == 0


def encode(frame: Frame, signer: Signer) -> bytes:
    """The frame as bytes for the line, with both delimiters."""
    header = struct.pack(_HEADER, VERSION, frame.address, frame.sequence, frame.kind, frame.count)
    signed = header + frame.payload
    body = signed + signer.tag(signed)
    return b"\0" + stuff(body + struct.pack(">H", crc16(body))) + b"\0"


def decode(stuffed: bytes, address: int, signer: Signer) -> Frame:
    """The frame in the bytes between two delimiters, if it is for `address`. Raises Broken."""
    body = unstuff(stuffed) if len(stuffed) <= _MAX_STUFFED else b""
    if len(body) < _MIN_BODY:
        raise Broken("noise")
    checked = body[:-CRC_BYTES]
    if struct.unpack(">H", body[-CRC_BYTES:])[0] != crc16(checked):
        raise Broken("noise")
    version, whose, sequence, kind, count = struct.unpack(_HEADER, checked[:_HEADER_BYTES])
    if version != VERSION:
        raise Broken("version")
    if whose != address:
        raise Broken("stranger")
    signed = checked[:-TAG_BYTES]
    if not signer.made(checked[-TAG_BYTES:], signed):
        raise Broken("forged")
    if kind not in KINDS:
        raise Broken("kind")
    return Frame(whose, sequence, kind, count, signed[_HEADER_BYTES:])


def crc16(data: bytes) -> int:
    """CRC-16/IBM-3740 ("CCITT-FALSE"), half a byte at a time: small, and quick enough for 80 bytes."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc << 4) & 0xFFFF ^ _CRC_OF_NIBBLE[crc >> 12 ^ byte >> 4]
        crc = (crc << 4) & 0xFFFF ^ _CRC_OF_NIBBLE[crc >> 12 ^ byte & 15]
    return crc


def stuff(data: bytes) -> bytes:
    """COBS of less than 254 bytes, which all frames are."""
    return b"".join(bytes((len(run) + 1,)) + run for run in data.split(b"\0"))


def unstuff(stuffed: bytes) -> bytes:
    """The way back; b"" when the line has spoiled it."""
    runs, place = [], 0
    while place < len(stuffed):
        end = place + stuffed[place]
        if end == place or end > len(stuffed):
            return b""
        runs.append(stuffed[place + 1 : end])
        place = end
    return b"\0".join(runs)


class Deframer:
    """Finds the frames for one address in what the line delivers, in pieces of any size.

    Most that is said on a bus is for others: version and address come before the first zero, so COBS
    leaves them where they are, and a stranger's frame costs two looks.
    """

    def __init__(self, address: int, signer: Signer) -> None:
        self._address = address
        self._signer = signer
        self._open = b""
        self._ended_after = 0

    def feed(self, data: bytes) -> list[Frame]:
        """All genuine frames that have ended with `data`. Memory stays bounded whatever the line says."""
        pieces = (self._open + data).split(b"\0")
        self._open = pieces[-1][: _MAX_STUFFED + 1]
        frames = []
        for piece in pieces[:-1]:
            self._ended_after += len(piece)
            if len(piece) >= _MIN_BODY and piece[2] == self._address:
                try:
                    frames.append(decode(piece, self._address, self._signer))
                    self._ended_after = 0
                except Broken:
                    pass
        return frames

    @property
    def after(self) -> int:
        """Bytes that have come behind the last frame: somebody speaks, and the time to answer it is over."""
        return self._ended_after + len(self._open)


# --- payloads ---------------------------------------------------------------------------------------

LONGEST_AGE_MS = 0xFFFF_FFFF
ON_MAINS = 255


def press(poll: int, button: int, age_ms: int, exact: bool) -> bytes:
    """Payload of a press or a key."""
    return struct.pack(">IBIB", poll, button, min(age_ms, LONGEST_AGE_MS), 0 if exact else 1)


def status(
    poll: int, waiting: int, battery: int, shown: int, lost: int, firmware: tuple[int, int]
) -> bytes:
    major, minor = firmware
    return struct.pack(
        ">IBBBBBB", poll, min(waiting, 255), battery, shown, min(lost, 255), major, minor
    )


def word(poll: int, body: bytes) -> bytes:
    """Payload of a want or a report."""
    return struct.pack(">I", poll) + body


def acknowledged(payload: bytes) -> int:
    """The count in an acknowledgement. Raises ValueError, as the readers below do."""
    if len(payload) != 4:
        raise ValueError
    return int(struct.unpack(">I", payload)[0])


def lamp(payload: bytes) -> tuple[int, int]:
    """Colour and milliseconds."""
    if len(payload) != 2 or payload[0] > 3:
        raise ValueError
    return payload[0], payload[1] * 100


def display(payload: bytes) -> tuple[str, int]:
    """Text and milliseconds that it blinks."""
    if not 1 <= len(payload) <= 9:
        raise ValueError
    return payload[1:].decode(), payload[0] * 100
