"""Plain pages that need no script: the log-in, a new password, and “not for your role”."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader

from ....wire.words import Role
from ..sessions import Session
from .words import TEXTS

_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "assets"), autoescape=True, trim_blocks=True
)


def plain(name: str, language: str, status: int = 200, /, **values: Any) -> HTMLResponse:
    """The page `name` of the assets in this language."""

    def say(key: str, **filled: object) -> str:
        return TEXTS.say(key, language, **filled)

    text = _pages.get_template(name).render(say=say, language=language, **values)
    return HTMLResponse(text, status, headers={"Cache-Control": "no-store"})


def forbidden(session: Session, roles: tuple[Role, ...], language: str) -> HTMLResponse:
    return plain(
        "forbidden.html",
        language,
        403,
        name=session.name,
        role=TEXTS.say(f"role.{session.role}", language),
        roles=[TEXTS.say(f"role.{role}", language) for role in roles],
    )
