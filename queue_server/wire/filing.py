"""What a kiosk files: the package that is sealed for the centre, and what the centre answers.

A package is `Package` in MessagePack, sealed by `sealed.seal` to the centre's filing key; it goes to
`POST /api/filings/{id}` with the device's own name and password, again and again until it is answered.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .base32 import ALPHABET, READ_AS, base32
from .words import Frozen, Language

LARGEST_PACKAGE = 48_000_000
"""Bytes of a sealed package; a kiosk makes none larger, the centre takes none larger."""
LARGEST_PAGE = 1_000_000
KEY_LETTERS = 16


class FiledPaper(Frozen):
    """One digitised paper. `code`: paper-type code; `number`: the document's own number, if known.

    `kind`: `form` (the filled form), `scan`, `flat` (flat-bed scanner), `phone`. `component` is its place
    among the procedure's components. `held`: the reference of a paper the centre already holds, instead of bytes.
    """

    name: str
    kind: str
    code: str = ""
    number: str = ""
    component: int | None = None
    pages: int = 1
    sha256: str = ""
    held: str = ""


class Filing(Frozen):
    """What is filed. `answers`: by `section.field`; `form` and `form_version` name what they answer.

    `submitted_at`: by the kiosk's clock (ms), `offset_ms`: what the server's clock was ahead of it when last heard.
    `provisional`: the number by which it waits in the kiosk, hers if the line is down. `owner_*`: of the person
    concerned.
    """

    id: str
    procedure: str
    service: str
    submitted_at: int
    language: Language = Language.VI
    form: str = ""
    form_version: str = ""
    answers: dict[str, Any] = {}
    papers: tuple[FiledPaper, ...] = ()
    owner_name: str = ""
    owner_number: str = ""
    phone: str = ""
    notify: bool = False
    consents: tuple[str, ...] = ()
    """`reuse`: papers that the centre holds may be used again; `keep`: these may be kept for that."""
    prepare: bool = False
    """Only prepared: the visitor goes to a counter with it (originals to show, presence asked for)."""
    provisional: str = ""
    offset_ms: int = 0


class Package(Frozen):
    """`files[i]` are the bytes (PDF) of `filing.papers[i]`; empty for a paper that is held."""

    filing: Filing
    files: tuple[bytes, ...] = ()


class Filed(Frozen):
    """What the visitor is told. Times in ms UTC.

    `code`: the dossier code, empty while it is not given (`band` province; then `provisional`).
    `due_at`: when the result is there; None where it is not yet known. `place`: her place in the officers' list.
    `token` opens `/t/<token>`. `sample`: filed under the word MẪU. `prepared`: only made ready for the counter.
    """

    dossier: str
    received_at: int
    code: str = ""
    provisional: str = ""
    due_at: int | None = None
    due_text: str = ""
    place: int = 0
    token: str = ""
    url: str = ""
    sample: bool = False
    prepared: bool = False
    papers: int = 0
    reused: int = 0


encode_package = msgspec.msgpack.Encoder().encode
decode_package = msgspec.msgpack.Decoder(Package).decode


class HeldAsk(Frozen):
    """Which papers does the centre hold of this person for this procedure? Sealed about `held/<device>`.

    Answered only with the person's consent `reuse`, and only where name and number belong together.
    """

    procedure: str
    owner_number: str
    owner_name: str
    consents: tuple[str, ...] = ()


class HeldPaper(Frozen):
    """A paper that may be used again: name it by `ref` in `FiledPaper.held`. `at`: when (ms) it was filed."""

    ref: str
    component: int
    name: str
    at: int
    pages: int = 1


class Held(Frozen):
    papers: tuple[HeldPaper, ...] = ()


encode_held_ask = msgspec.msgpack.Encoder().encode
decode_held_ask = msgspec.msgpack.Decoder(HeldAsk).decode


class Feedback(Frozen):
    """A complaint, suggestion, question or praise (phản ánh, kiến nghị), sealed as a package is, to
    `POST /api/feedback/{id}`.

    `kind`: a word of `dossiers.feedback.FeedbackKind`. `about`: a procedure's or field's name in her own words.
    `provisional`: the number that she was given; it stands for the centre's own when the line was down.
    """

    id: str
    kind: str
    words: str
    submitted_at: int
    about: str = ""
    service: str = ""
    name: str = ""
    phone: str = ""
    language: Language = Language.VI
    provisional: str = ""
    offset_ms: int = 0
    procedure: str = ""
    """The code of the procedure that it is about, if she came from one."""
    counter: int | None = None
    notify: bool = False
    """She wants to hear of the answer by phone."""
    key: str = ""
    """By which she follows it (`base32.ALPHABET`, 16 letters); made by a kiosk, whose line may be down,
    else by the centre."""


class FeedbackFiled(Frozen):
    """The number to follow it by, and until when (ms) it is to be answered. `key`: with the number it opens the
    state and the answer; `url` does so at once. `answer_text`: the day, as it is written."""

    number: str
    received_at: int
    answer_by: int | None = None
    url: str = ""
    key: str = ""
    answer_text: str = ""


encode_feedback = msgspec.msgpack.Encoder().encode
decode_feedback = msgspec.msgpack.Decoder(Feedback).decode


def feedback_key(raw: bytes) -> str:
    """A key to follow feedback by, of ten random bytes: 16 letters that one can type."""
    letters = base32(raw)[:KEY_LETTERS]
    if len(letters) < KEY_LETTERS:
        raise ValueError("a key needs 10 bytes")
    return letters


def read_key(text: str) -> str:
    """A key as it was typed, or an empty text when it is none."""
    letters = text.upper().translate(READ_AS)
    return letters if len(letters) == KEY_LETTERS and set(letters) <= set(ALPHABET) else ""


def shown_key(key: str) -> str:
    """In groups of four."""
    return "-".join(key[i : i + 4] for i in range(0, len(key), 4))
