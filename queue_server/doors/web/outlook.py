"""The outlook and the moves over the API: what is foretold, what is proposed, and the manager's answer."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from ... import said
from ...desk.roles import MAY
from ...line import orders as o
from ...line.moves import MoveNow, MoveStatus
from ...line.proposals import answer_by
from ...wire.words import Role
from .api import answered, json
from .context import Web, needs
from .sessions import Session

READERS = (Role.MANAGER, Role.ADMINISTRATOR, Role.AUDITOR)
ANSWERERS = tuple(sorted(MAY[o.AcceptMove]))
_ROLES = {"x-roles": [str(r) for r in ANSWERERS]}


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Refusing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(default="", max_length=200)


def outlook_routes(web: Web) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["moves"])
    key = Header(default="", alias="Idempotency-Key", max_length=80)

    @router.get("/outlook")
    async def outlook(session: Annotated[Session, Depends(needs(web, *READERS))]) -> Response:
        """Waits foretold for 15, 30 and 60 minutes from now, with the chance that the target is missed."""
        await _noted(web, session, "outlook")
        table = web.replica.estimates.table
        return json({"at": table.at, "outlook": table.outlook, "later": table.later})

    @router.get("/moves")
    async def moves(session: Annotated[Session, Depends(needs(web, *READERS))]) -> Response:
        """Today's moves in the order in which they were proposed, and what came of them."""
        await _noted(web, session, "moves")
        return json([move_view(web, now) for now in web.state.moves.values()])

    @router.post("/moves/{move}/accept", openapi_extra=_ROLES)
    async def accept(
        move: str,
        session: Annotated[Session, Depends(needs(web, *ANSWERERS))],
        body: Nothing | None = None,
        order_id: str = key,
    ) -> Response:
        """Accept a proposed move; accepting it again changes nothing."""
        order = o.AcceptMove(move=move)
        return answered(await web.give("AcceptMove", order, session, order_id))

    @router.post("/moves/{move}/refuse", openapi_extra=_ROLES)
    async def refuse(
        move: str,
        session: Annotated[Session, Depends(needs(web, *ANSWERERS))],
        body: Refusing | None = None,
        order_id: str = key,
    ) -> Response:
        """Refuse a proposed move, or end one that is under way."""
        order = o.RefuseMove(move=move, reason=body.reason if body else "")
        return answered(await web.give("RefuseMove", order, session, order_id))

    return router


async def _noted(web: Web, session: Session, what: str) -> None:
    if session.role is Role.AUDITOR:
        await web.give("Note", o.Note(what="read", subject=what), session)


def move_view(web: Web, now: MoveNow) -> dict[str, Any]:
    """A move with its words in both languages; times in ms, waits in minutes."""
    setup = web.state.setup
    waiting = now.status is MoveStatus.PROPOSED
    return {
        **msgspec.structs.asdict(now.move),
        "status": now.status,
        "words": {x: said.move(now.move, setup, x) for x in said.TEXTS.languages()},
        "proposed_at": now.proposed_at,
        "answer_by": answer_by(web.state, now) if waiting else None,
        "answered_at": now.answered_at or None,
        "ended_at": now.ended_at or None,
        "by": now.by,
        "auto": now.auto,
        "reason": now.reason,
        "came": now.came,
    }
