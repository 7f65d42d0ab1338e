"""The JSON API: log-in, every order that a person may give, and what the line looks like. OpenAPI describes it."""

import asyncio
import time
import typing
from contextlib import closing
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field, create_model

from ... import first_start
from ...desk import public
from ...desk.commands import SaveAccount
from ...desk.roles import MAY
from ...desk.verbs import PEOPLE_GIVE, VERBS, path_of
from ...doors.local import DevicesChanged
from ...line import orders as o
from ...store import asked_for, people
from ...store.devices import CodeRefused
from ...store.schema import connect
from ...wire import messages as m
from ...wire.words import DAY, Role
from .context import Web, needs
from .devices import device_view
from .kept_catalogue import KeptCatalogue
from .sessions import COOKIE, Session, TooManyTries


class LogIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    account: str = Field(max_length=60)
    password: str = Field(max_length=200)


class LoggedIn(BaseModel):
    token: str
    account: str
    name: str
    role: Role
    must_change: bool


class NewPassword(BaseModel):
    model_config = ConfigDict(extra="forbid")
    old: str = Field(max_length=200)
    new: str = Field(max_length=200)


class Enrol(BaseModel):
    model_config = ConfigDict(extra="forbid")
    code: str = Field(max_length=80)
    name: str | None = Field(default=None, max_length=60)


ASKED_WITHIN = 90 * DAY
"""What visitors come for most is counted over so long (ms)."""


def json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def answered(answer: m.Answer) -> Response:
    """200 with the reply, or 409 with the refusal (403 not allowed, 503 server away)."""
    if answer.refusal is None:
        return Response(bytes(answer.ok) or b"{}", media_type="application/json")
    status = {"not_allowed": 403, "server_away": 503, "not_saved": 503, "internal": 500}
    return json({"refusal": answer.refusal}, status.get(answer.refusal.code, 409))


def session_routes(web: Web) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["session"])

    @router.post("/session", response_model=LoggedIn)
    async def log_in(body: LogIn, request: Request, response: Response) -> Any:
        """Log in. The token serves as a bearer token; a cookie is set as well."""
        try:
            token, account = await start_session(web, request, body.account, body.password)
        except TooManyTries as error:
            raise HTTPException(
                429, "too many tries", headers={"Retry-After": str(int(error.seconds) + 1)}
            ) from error
        except WrongLogin as error:
            raise HTTPException(401, "wrong name or password") from error
        give_cookie(response, token, request)
        return LoggedIn(
            token=token,
            account=account.account,
            name=account.name,
            role=account.role,
            must_change=account.must_change,
        )

    @router.delete("/session")
    async def log_out(
        response: Response, session: Annotated[Session, Depends(needs(web))]
    ) -> dict[str, bool]:
        """End this session; pages that are open with it can do nothing more."""
        web.sessions.end(session.key)
        response.delete_cookie(COOKIE)
        await web.give("Note", o.Note(what="logged_out", subject=session.account), None)
        return {"done": True}

    @router.get("/me")
    async def me(session: Annotated[Session, Depends(needs(web))]) -> dict[str, Any]:
        """Who is logged in."""
        return {
            "account": session.account,
            "name": session.name,
            "role": session.role,
            "must_change": session.must_change,
        }

    @router.post("/me/password")
    async def change_password(
        body: NewPassword, session: Annotated[Session, Depends(needs(web))]
    ) -> Response:
        """Change one's own password (10 signs or more); other sessions of the account end."""
        return await new_password(web, session, body.old, body.new)

    return router


class WrongLogin(Exception):
    """No such account, or not its password, or shut; which of them is nobody's business."""


async def start_session(
    web: Web, request: Request, name: str, password: str
) -> tuple[str, people.Account]:
    """The token of a new session, and whose it is. Raises TooManyTries, WrongLogin."""
    now = time.time()
    keys = (f"name:{name}", f"from:{request.client.host if request.client else ''}")
    web.throttle.check(keys, now)
    account = people.find(web.database, name)
    if not people.verify(account, password) or account is None:
        web.throttle.failed(keys, now)
        raise WrongLogin()
    web.throttle.passed(keys)
    token = web.sessions.start(
        account.account, account.name, account.role, account.must_change, now
    )
    await web.give("Note", o.Note(what="logged_in", subject=account.account), None)
    return token, account


def give_cookie(response: Response, token: str, request: Request) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure)


async def new_password(web: Web, session: Session, old: str, new: str) -> Response:
    account = people.find(web.database, session.account)
    if account is None or not people.verify(account, old):
        raise HTTPException(401, "wrong password")
    if len(new) < people.SHORTEST or new == old:
        raise HTTPException(422, f"at least {people.SHORTEST} signs, and another one than before")
    change = SaveAccount(
        account=account.account,
        name=account.name,
        role=account.role,
        password=people.hasher.hash(new),
        own=True,
    )
    answer = await web.give("SaveAccount", change, session)
    if answer.refusal is None:
        web.sessions.password_changed(session.key)
        web.sessions.end_account(session.account, but=session.key)
        first_start.forget(web.folder.first_login, session.account)
    return answered(answer)


def order_routes(web: Web) -> APIRouter:
    """One route for each order: `POST /api/orders/call-next` and so on."""
    router = APIRouter(prefix="/api/orders", tags=["orders"])
    for verb in PEOPLE_GIVE:
        _add_order(router, web, verb)
    return router


BEHIND: dict[str, type] = {
    "TakeTicket": o.IssueTicket,
    "FinishService": o.Finish,
    "BookTime": o.BookAppointment,
    "ComeForTime": o.CheckIn,
    "CancelTime": o.CancelAppointment,
}
"""What a verb of the desk's own comes down to, where the roles are those of an order of the line."""


def roles_of(verb: str) -> tuple[Role, ...]:
    kind = BEHIND.get(verb, VERBS[verb])
    return tuple(sorted(MAY.get(kind, frozenset())))


def _add_order(router: APIRouter, web: Web, verb: str) -> None:
    kind = VERBS[verb]
    model = model_of(kind)
    roles = roles_of(verb)

    async def give(
        body: Any,
        session: Session = Depends(needs(web, *roles)),
        order_id: str = Header(default="", alias="Idempotency-Key", max_length=80),
    ) -> Response:
        order = msgspec.convert(body.model_dump(mode="json"), kind)
        return answered(await web.give(verb, order, session, order_id))

    give.__annotations__["body"] = model
    give.__doc__ = (kind.__doc__ or "").split("\n")[0]
    router.add_api_route(
        f"/{path_of(verb)}",
        give,
        methods=["POST"],
        name=verb,
        openapi_extra={"x-roles": [str(r) for r in roles]},
    )


def model_of(kind: type[msgspec.Struct]) -> type[BaseModel]:
    """The pydantic twin of an order, so that FastAPI checks and documents it."""
    hints = typing.get_type_hints(kind)
    fields: dict[str, Any] = {}
    for item in msgspec.structs.fields(kind):
        hint = _plain(hints[item.name])
        if item.name in ("id", "asked_at"):
            fields[item.name] = (hint, "" if item.name == "id" else 0)
        elif item.required:
            fields[item.name] = (hint, ...)
        elif item.default is not msgspec.NODEFAULT:
            fields[item.name] = (hint, item.default)
        else:
            fields[item.name] = (hint, Field(default_factory=item.default_factory))
    config = ConfigDict(extra="forbid")
    return create_model(f"{kind.__name__}Body", __config__=config, **fields)


def _plain(hint: Any) -> Any:
    """Nested structs are free JSON objects for pydantic; msgspec checks them afterwards."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return dict[str, Any]
    inside = typing.get_args(hint)
    if typing.get_origin(hint) is tuple and _plain(inside[0]) is not inside[0]:
        return list[dict[str, Any]]
    return hint


def line_routes(web: Web) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["line"])

    def most_asked() -> tuple[str, ...]:
        with closing(connect(web.folder.database, read_only=True)) as conn:
            return asked_for.most_asked(conn, web.now() - ASKED_WITHIN)

    kept = KeptCatalogue(web.folder.root, most_asked)

    @router.get("/line")
    async def line() -> Response:
        """The public line: numbers only. No log-in needed."""
        return json(public.line_state(web.state, web.replica.estimates, web.now()))

    @router.get("/centre")
    async def centre() -> Response:
        """Services, priority groups and the centre's name. No log-in needed."""
        file = web.file
        return json(
            public.centre_setup(
                web.state,
                web.now(),
                "",
                file.web.public_url,
                web.catalogue.version(),
                file.colours,
                file.web.take,
                web.forms.offered(web.state.forms_checked).version,
                web.filing_key,
                web.surveys.values(),
            )
        )

    @router.get("/catalogue")
    async def catalogue(request: Request) -> Response:
        """Procedures in short, for kiosks. No log-in needed; answers 304 to a known ETag."""
        tag = f'"{web.catalogue.version()}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304)
        response = json(web.catalogue.summaries())
        response.headers["ETag"] = tag
        return response

    @router.get("/catalogue/full")
    async def full_catalogue(request: Request) -> Response:
        """The whole records of what is done here, by code, and the centre's own everyday words, for kiosks
        that are cut off. No log-in needed; gzipped for who takes it; answers 304 to a known ETag.
        """
        if request.headers.get("if-none-match") == await asyncio.to_thread(kept.tag):
            return Response(status_code=304)
        copy = await asyncio.to_thread(kept.copy)
        headers = {"ETag": copy.tag, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(copy.packed, media_type="application/json", headers=headers)
        return Response(copy.plain, media_type="application/json", headers=headers)

    @router.get("/catalogue/{code}")
    async def procedure(code: str) -> Response:
        """One procedure with its papers, times and fees. No log-in needed."""
        found = web.catalogue.get(code)
        if found is None:
            raise HTTPException(404, "no such procedure")
        return json(found)

    staff = (Role.OFFICER, Role.GUIDE, Role.MANAGER, Role.AUDITOR, Role.ADMINISTRATOR)

    @router.get("/tickets")
    async def tickets(session: Annotated[Session, Depends(needs(web, *staff))]) -> Response:
        """Today's tickets as staff see them: no token, no personal data."""
        if session.role is Role.AUDITOR:
            await web.give("Note", o.Note(what="read", subject="tickets"), session)
        return json([_ticket(web, t.id) for t in web.state.tickets.values()])

    @router.get("/devices")
    async def devices(
        session: Annotated[
            Session,
            Depends(needs(web, Role.TECHNICIAN, Role.MANAGER, Role.ADMINISTRATOR, Role.AUDITOR)),
        ],
    ) -> Response:
        """Devices and their terminals, when they were last seen, their health, what they are wanted to run with."""
        wanted = web.devices.wanted()
        return json([device_view(web, d.name, wanted) for d in web.devices.list()])

    return router


def _ticket(web: Web, ticket_id: str) -> dict[str, Any]:
    ticket = web.state.tickets[ticket_id]
    table = web.replica.estimates.table
    return {
        "ticket": ticket.id,
        "number": ticket.number,
        "service": ticket.service,
        "procedure": ticket.procedure,
        "status": ticket.status,
        "priority": ticket.priority,
        "counter": ticket.counter,
        "arrived": ticket.arrived,
        "booked": ticket.booked,
        "called_at": ticket.called_at or None,
        "wait_minutes": round(ticket.wait(web.now()) / 60_000, 1),
        "passed": ticket.passed,
        "dossiers": ticket.dossiers,
        "prepared": ticket.prepared,
        "copies": ticket.copies,
        "supplement": ticket.supplement,
        "told": ticket.told,
        "estimate": table.tickets.get(ticket.id),
        "reason": web.reason(ticket.reason),
        "printed": ticket.printed,
    }


def device_routes(web: Web) -> APIRouter:
    router = APIRouter(tags=["devices"])

    @router.get("/ca.pem")
    async def authority() -> Response:
        """The centre's own certificate authority; its fingerprint is part of an enrolment code."""
        return Response(web.ca, media_type="application/x-pem-file")

    @router.post("/api/enrol")
    async def enrol(body: Enrol, request: Request) -> Response:
        """A new device redeems its one-time code (the secret part) for its credentials, once."""
        now = time.time()
        keys = (f"enrol:{request.client.host if request.client else ''}",)
        try:
            web.throttle.check(keys, now)
            enrolled = web.devices.redeem(body.code, int(now * 1000))
        except TooManyTries as error:
            raise HTTPException(429, "too many tries") from error
        except CodeRefused as error:
            web.throttle.failed(keys, now)
            raise HTTPException(403, "this code is unknown, used or too old") from error
        web.replica.line.send(DevicesChanged())
        note = o.Note(what="device_enrolled", subject=enrolled.device.name)
        await web.give("Note", note, None)
        return json(credentials_for(web, request, enrolled))

    return router


def credentials_for(web: Web, request: Request, enrolled: Any) -> Any:
    from ...doors.broker import is_loopback

    outside = web.file.outside_broker.host
    host = outside or web.file.broker.host
    everywhere = host in ("0.0.0.0", "::", "")
    reached = request.url.hostname or "127.0.0.1"
    return enrolled.credentials(
        centre=web.file.centre.id,
        host=reached if everywhere else host,
        port=web.broker_port,
        web=str(request.base_url).rstrip("/"),
        ca="" if is_loopback(host) else web.ca,
    )
