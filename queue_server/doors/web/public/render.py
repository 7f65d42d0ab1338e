"""Public pages as HTML: one template folder, two languages, and headers that let no foreign script in."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ....wire.texts import LANGUAGES, Texts
from ....wire.words import Language

HERE = Path(__file__).parent
STATIC = HERE / "static"
TEXTS = Texts(HERE / "texts")
LANGUAGE_COOKIE = "motcua_language"
LANGUAGE_LASTS_S = 90 * 86_400
LARGEST_FORM = 8_192

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self';"
        " img-src 'self' data:; media-src 'self' blob:; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "same-origin",  # with no-referrer a browser names no origin on its forms
    "Cache-Control": "no-store",
}

_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def version() -> str:
    """Names the scripts and styles as they are on disk, so that a board notices a new edition."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


VERSION = version()


def language_of(request: Request, otherwise: str = Language.VI) -> str:
    """The visitor's choice: in the address, else in her cookie, else `otherwise`."""
    for chosen in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if chosen in LANGUAGES:
            return chosen
    return otherwise if otherwise in LANGUAGES else Language.VI


def fragment(template: str, language: str, **values: Any) -> str:
    """A template filled in; `say`, and `also` for the other language, are there for all."""
    other = Language.VI if language == Language.EN else Language.EN

    def say(key: str, **words: object) -> str:
        return TEXTS.say(key, language, **words)

    def also(key: str, **words: object) -> str:
        return TEXTS.say(key, other, **words)

    text: str = _templates.get_template(template).render(
        lang=language,
        other=other,
        say=say,
        also=also,
        version=VERSION,
        **values,
    )
    return text


def page(
    request: Request,
    template: str,
    language: str,
    status: int = 200,
    path: str = "",
    **values: Any,
) -> HTMLResponse:
    """A whole page in `language`; a language chosen in the address is remembered.

    `path`: where the other language is to be had, if not at the request's own address.
    """
    path = path or request.url.path
    response = HTMLResponse(fragment(template, language, path=path, **values), status, HEADERS)
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, language, max_age=LANGUAGE_LASTS_S, httponly=True, samesite="lax"
        )
    return response


def stream(frames: AsyncIterator[bytes]) -> StreamingResponse:
    """Server-Sent Events, past any proxy that would hold them back."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(frames, media_type="text/event-stream", headers=headers)


def event(name: str, data: bytes) -> bytes:
    """One Server-Sent Event; its data may have several lines."""
    lines = b"\n".join(b"data: " + line for line in data.split(b"\n"))
    return b"event: " + name.encode() + b"\n" + lines + b"\n\n"


class Form:
    """The fields of a plain form, each read once and never trusted."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._fields = fields

    def text(self, name: str, longest: int = 200) -> str:
        return self._fields.get(name, [""])[0].strip()[:longest]

    def several(self, name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._fields.get(name, [])))


async def form_of(request: Request, largest: int = LARGEST_FORM) -> Form:
    """What was sent. Raises HTTPException 413 or 400 for what no form of ours sends."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise HTTPException(413, "too large")
    try:
        return Form(parse_qs(body.decode(), max_num_fields=60))
    except ValueError as error:
        raise HTTPException(400, "not a form") from error


def address(request: Request) -> str:
    """Where the request comes from; many phones of one hall may share it."""
    return request.client.host if request.client else ""


def is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
