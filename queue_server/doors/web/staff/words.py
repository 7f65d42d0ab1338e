"""The words of the staff's pages, and in which language a browser wants them."""

from __future__ import annotations

from pathlib import Path

from fastapi import Request

from ....wire.texts import LANGUAGES, Texts

TEXTS = Texts(Path(__file__).parent / "texts")
LANGUAGE_COOKIE = "motcua_language"


def language_of(request: Request) -> str:
    """Vietnamese, unless this browser has chosen another."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else LANGUAGES[0]
