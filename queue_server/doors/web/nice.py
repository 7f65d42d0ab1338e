"""NiceGUI on our app: its secret, its cookies, and who may open its socket."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from nicegui import core, ui

from ...doors.broker import is_loopback
from .context import Web
from .public.notices import notice


def run_nicegui(app: FastAPI, web: Web) -> None:
    """Mount it below all other routes: call it last, since it answers every path that is left."""
    core.sio.eio.cors_allowed_origins = same_origin
    core.app.add_exception_handler(404, no_page)
    core.app.add_exception_handler(Exception, failed)
    ui.run_with(
        app,
        title="Một Cửa",
        language="vi",
        favicon="🏛️",
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=8.0,
        show_welcome_message=False,
        storage_secret=kept_secret(web.folder.root / "nicegui-secret"),
        session_middleware_kwargs={
            "https_only": not is_loopback(web.file.web.host),
            "same_site": "strict",
        },
    )


async def no_page(request: Request, _: Exception) -> Response:
    """In our words, and in the reader's language."""
    return notice(request, "no_page", 404)


async def failed(request: Request, _: Exception) -> Response:
    """The error itself is for the log alone: it may name what nobody should read on a page."""
    return notice(request, "failed", 500)


def same_origin(origin: str | None, environ: dict[str, Any]) -> bool:
    """A socket may be opened by our own pages only: browsers send Origin, whoever the cookie belongs to."""
    return not origin or urlsplit(origin).netloc == environ.get("HTTP_HOST")


def kept_secret(path: Path) -> str:
    """The secret in this file (mode 600), made when it is not there yet."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    made = secrets.token_urlsafe(32)
    with os.fdopen(handle, "w") as file:
        file.write(made)
    return made
