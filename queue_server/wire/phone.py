"""Papers from a visitor's own phone: what kiosk and centre say to each other of one visit (`/api/visits`)."""

from __future__ import annotations

from .words import Frozen, Language

PATH = "/api/visits"
LARGEST_PAGE = 8_000_000
"""Bytes of one page, sealed; a larger one is drawn smaller."""


class Begin(Frozen):
    """A kiosk's ask. `public_key`: X25519 of the visit's own process, base64; `language`: the visitor's."""

    public_key: str
    language: Language = Language.VI


class Begun(Frozen):
    """`url` goes into the QR; with `/<paper>` behind it what is handed in is for that paper."""

    visit: str
    token: str
    url: str


class PhonePage(Frozen):
    """A page that was handed in (JPEG), sealed to the visit's key. `n` from 1; `paper`: of the QR, or None."""

    n: int
    paper: int | None
    bytes: int


def about(visit: str, n: int) -> str:
    """What a page is sealed about."""
    return f"upload/{visit}/{n}"
