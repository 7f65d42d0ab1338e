"""`/p/{code}`: a procedure on the visitor's own phone, to keep; and the centre's own guides to it.

A centre puts pictures, a filled sample (PDF) or a film into `<data>/guides/<code>/`; they are shown
as they are, in the order of their names. What a sample's file is called is its caption.
"""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

import queue_server.dossiers

from ....dossiers.advice import advise
from ....dossiers.catalogue import CODE
from ....wire.guides import MOST_GUIDES, Guide
from ....wire.texts import Texts
from ..context import Web
from .notices import notice
from .render import HEADERS, language_of, page

DOSSIER_TEXTS = Texts(Path(queue_server.dossiers.__file__).parent / "texts")
KINDS = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
}
ORDER = re.compile(r"^\d+[\s._-]+")


def guides(folder: Path, code: str) -> tuple[Guide, ...]:
    """The guides to a procedure, by name; none for a code that no folder has."""
    if not CODE.fullmatch(code):
        return ()
    try:
        files = sorted(p for p in (folder / code).iterdir() if p.suffix.lower() in KINDS)
        return tuple(_guide(path) for path in files[:MOST_GUIDES] if path.is_file())
    except OSError:
        return ()


def _guide(path: Path) -> Guide:
    """Raises OSError for a file that went away meanwhile."""
    kind, about = KINDS[path.suffix.lower()], path.stat()
    caption = ORDER.sub("", path.stem).replace("_", " ").strip()
    return Guide(
        file=path.name,
        kind=_shown(kind),
        caption=caption,
        size=about.st_size,
        stamp=f"{about.st_mtime_ns:x}-{about.st_size:x}",
    )


def _shown(kind: str) -> str:
    if kind == "application/pdf":
        return "sample"
    return "film" if kind.startswith("video/") else "picture"


def procedure_routes(web: Web) -> APIRouter:
    router = APIRouter(tags=["public"])
    folder = web.folder.root / "guides"

    @router.get("/p/{code}", response_class=HTMLResponse)
    async def procedure(code: str, request: Request) -> Response:
        """One procedure: papers, times, fees, the way. No log-in; works without script."""
        language = language_of(request)
        found = web.catalogue.get(code)
        if found is None:
            return notice(request, "no_procedure", 404)
        setup = web.state.setup
        service = setup.service(found.service) if found.service else None
        return page(
            request,
            "procedure.html",
            language,
            advice=advise(found, DOSSIER_TEXTS.say, language),
            guides=guides(folder, found.code),
            centre=setup.name,
            hotline=setup.hotline,
            service=service,
            take=web.file.web.take != "off" and service is not None,
        )

    @router.get("/api/guides/{code}")
    async def list_guides(code: str) -> Response:
        """The centre's own guides to a procedure, for kiosks. No log-in needed."""
        from ..api import json

        return json(guides(folder, code))

    @router.get("/guides/{code}/{file}")
    async def guide(code: str, file: str) -> Response:
        """One file of a guide. No log-in needed."""
        known = {g.file for g in guides(folder, code)}
        if file not in known:
            raise HTTPException(404, "no such guide")
        path = folder / code / file
        headers = {**HEADERS, "Cache-Control": "max-age=600"}
        return FileResponse(path, media_type=KINDS[path.suffix.lower()], headers=headers)

    return router
