"""The public pages, put together: board, ticket, survey, numbers by phone, open figures, front page."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from ...fonts import fonts
from ..context import Web
from ..uploads import PhoneVisits, visit_routes
from .board import Board, board_routes
from .book import book_routes
from .feedback import feedback_pages
from .lookup import lookup_routes
from .month import month_routes
from .open import open_routes
from .procedure import procedure_routes
from .render import STATIC, language_of, page
from .signing import Signer, secret
from .spoken import speech_routes
from .survey import survey_routes
from .take import Taking, take_routes
from .ticket import Phones, ticket_routes
from .upload import upload_pages
from .visit import Visits


def add_public_pages(app: FastAPI, web: Web) -> None:
    """Hang all of them onto `app`; none needs a log-in."""
    signer = Signer(secret(web.folder.root / "web-secret"))
    visits = Visits(web, signer)
    board = Board(web, signer)
    phones = PhoneVisits()
    app.mount("/static/fonts", StaticFiles(directory=fonts()), name="fonts")
    app.mount("/static/public", StaticFiles(directory=STATIC), name="public")
    for router in (
        front_routes(web),
        board_routes(web, signer, board),
        speech_routes(web, board),
        ticket_routes(web, visits, Phones(web)),
        survey_routes(web, visits, signer),
        take_routes(Taking(web, signer, visits)),
        open_routes(web),
        month_routes(web),
        procedure_routes(web),
        feedback_pages(web, signer),
        visit_routes(web, phones),
        upload_pages(phones),
        book_routes(web, signer),
        lookup_routes(web),
    ):
        app.include_router(router)


def front_routes(web: Web) -> APIRouter:
    router = APIRouter(tags=["public"])

    @router.get("/", response_class=HTMLResponse)
    async def front(request: Request) -> Response:
        """The front page: where everything is. No log-in."""
        setup = web.state.setup
        return page(
            request,
            "front.html",
            language_of(request),
            name=setup.name,
            authority=setup.authority,
            hotline=setup.hotline,
            take=web.file.web.take != "off",
            book=setup.rules.appointment_days > 0,
        )

    return router
