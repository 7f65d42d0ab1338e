"""Coming in and going out: plain HTML forms, which need no script."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from ....line import orders as o
from ....store import people
from ....wire.texts import LANGUAGES
from ....wire.words import Role
from ..api import WrongLogin, give_cookie, new_password, start_session
from ..context import Web
from ..sessions import COOKIE, Session, TooManyTries
from .notices import plain
from .words import LANGUAGE_COOKIE, TEXTS, language_of

Text = Annotated[str, Form(max_length=200)]
A_YEAR_S = 31_536_000


def log_in_routes(web: Web) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    async def log_in_page(request: Request, next: str = "") -> Response:
        session = web.session(request)
        if session is None:
            return _log_in(web, request, next)
        if session.must_change:
            return _password(web, request, session, next)
        return _go(next or home_of(web, session))

    @router.post("/login")
    async def log_in(request: Request, account: Text, password: Text, next: Text = "") -> Response:
        try:
            token, who = await start_session(web, request, account.strip(), password)
        except TooManyTries as error:
            return _log_in(web, request, next, account, "too_many", 429, int(error.seconds) + 1)
        except WrongLogin:
            return _log_in(web, request, next, account, "wrong", 401)
        response = _go("/login" if who.must_change else next or "/staff", next)
        give_cookie(response, token, request)
        return response

    @router.get("/login/password")
    async def password_page(request: Request, next: str = "") -> Response:
        session = web.session(request)
        return _password(web, request, session, next) if session else _go("/login")

    @router.post("/login/password")
    async def change_password(
        request: Request, old: Text, new: Text, again: Text, next: Text = ""
    ) -> Response:
        session = web.session(request)
        if session is None:
            return _go("/login", next)
        if new != again:
            return _password(web, request, session, next, "differ")
        try:
            answer = await new_password(web, session, old, new)
        except HTTPException as error:
            cause = "wrong_old" if error.status_code == 401 else "too_short"
            return _password(web, request, session, next, cause)
        if answer.status_code != 200:
            return _password(web, request, session, next, "away")
        return _go(_safe(next) or home_of(web, session))

    @router.post("/logout")
    async def log_out(request: Request) -> Response:
        session = web.session(request)
        response = _go("/login")
        response.delete_cookie(COOKIE)
        if session is not None:
            web.sessions.end(session.key)
            await web.give("Note", o.Note(what="logged_out", subject=session.account), None)
        return response

    @router.post("/staff/language")
    async def choose_language(language: Text, next: Text = "") -> Response:
        response = _go(_safe(next) or "/staff")
        if language in LANGUAGES:
            response.set_cookie(LANGUAGE_COOKIE, language, max_age=A_YEAR_S, samesite="strict")
        return response

    @router.get("/staff")
    async def home(request: Request) -> Response:
        """Where a person works: her own page."""
        session = web.session(request)
        if session is None or session.must_change:
            return _go("/login")
        return _go(home_of(web, session))

    @router.get("/staff/counter")
    async def own_counter(request: Request) -> Response:
        session = web.session(request)
        return _go(f"/counter/{counter_of(web, session)}" if session else "/login")

    return router


def home_of(web: Web, session: Session) -> str:
    """An officer's open counter, else her usual one; the page of every other role."""
    return HOMES.get(session.role) or f"/counter/{counter_of(web, session)}"


def counter_of(web: Web, session: Session) -> int:
    for counter in web.state.counters.values():
        if counter.open and counter.officer == session.account:
            return counter.id
    officer = web.state.setup.officer(session.account)
    first = web.state.setup.counters[0].id if web.state.setup.counters else 1
    return officer.counter if officer is not None and officer.counter else first


HOMES = {
    Role.GUIDE: "/guide",
    Role.MANAGER: "/manager",
    Role.TECHNICIAN: "/devices",
    Role.AUDITOR: "/audit",
    Role.ADMINISTRATOR: "/accounts",
}


def _safe(path: str) -> str:
    """Only a path of this very site: a link to the log-in must not lead elsewhere afterwards."""
    parts = urlsplit(path)
    inside = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if inside and not parts.scheme and not parts.netloc else ""


def _go(path: str, then: str = "") -> RedirectResponse:
    target = _safe(path) or "/staff"
    if then and target == "/login" and _safe(then):
        target = f"/login?next={quote(then)}"
    return RedirectResponse(target, 303)


def _log_in(
    web: Web,
    request: Request,
    then: str,
    account: str = "",
    cause: str = "",
    status: int = 200,
    seconds: int = 0,
) -> Response:
    language = language_of(request)
    error = TEXTS.say(f"login.{cause}", language, seconds=seconds) if cause else ""
    return plain(
        "login.html",
        language,
        status,
        next=_safe(then),
        account=account,
        error=error,
        here=request.url.path,
        **_centre(web, language),
    )


def _password(web: Web, request: Request, session: Session, then: str, cause: str = "") -> Response:
    language = language_of(request)
    error = TEXTS.say(f"password.{cause}", language, least=people.SHORTEST) if cause else ""
    return plain(
        "password.html",
        language,
        422 if cause else 200,
        next=_safe(then),
        account=session.account,
        name=session.name,
        first=session.must_change,
        least=people.SHORTEST,
        error=error,
        here="/login" if session.must_change else "/login/password",
        **_centre(web, language),
    )


def _centre(web: Web, language: str) -> dict[str, str]:
    setup = web.state.setup
    return {"centre": setup.name.say(language), "authority": setup.authority.say(language)}
