"""`/api/forms`: the forms for kiosks and the public, and marking one as checked against the official sheet."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from ...desk.roles import MAY
from ...dossiers.forms.offered import FormsOffered
from ...line import orders as o
from .api import answered, json
from .context import Web, needs
from .sessions import Session


def form_routes(web: Web) -> APIRouter:
    router = APIRouter(prefix="/api/forms", tags=["forms"])
    may_mark = needs(web, *sorted(MAY[o.MarkForm]))

    def now() -> FormsOffered:
        return web.forms.offered(web.state.forms_checked)

    @router.get("")
    def forms(request: Request) -> Response:
        """All forms and versions, and which are marked as checked. No log-in needed; 304 to a known ETag."""
        found = now()
        tag = f'"{found.version}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304)
        response = json(found)
        response.headers["ETag"] = tag
        return response

    async def mark(form: str, version: str, session: Session, checked: bool) -> Response:
        found = now().find(form, version)
        if found is None:
            raise HTTPException(404, "no such form")
        order = o.MarkForm(form=form, version=version, sha=found.sha, checked=checked)
        return answered(await web.give("MarkForm", order, session))

    @router.post("/{form}/{version}/check")
    async def check(
        form: str, version: str, session: Annotated[Session, Depends(may_mark)]
    ) -> Response:
        """Mark this version, as it reads now, as checked against the official sheet: it may be filed."""
        return await mark(form, version, session, True)

    @router.post("/{form}/{version}/uncheck")
    async def uncheck(
        form: str, version: str, session: Annotated[Session, Depends(may_mark)]
    ) -> Response:
        """Take the mark away: nothing is filed with it any more."""
        return await mark(form, version, session, False)

    return router
