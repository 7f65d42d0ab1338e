"""`/api/dossiers`: the officers' list, one dossier opened with a reason, its papers and its receipt."""

import asyncio
import sqlite3
import time
from contextlib import closing
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field

from ...desk.commands import OpenDossier
from ...desk.roles import MAY
from ...dossiers.advice import advise
from ...dossiers.forms.check import problems
from ...dossiers.forms.rows import RowKind, rows
from ...dossiers.life import DossierStatus
from ...line import orders as o
from ...store import dossiers, papers
from ...store.dossiers import Dossier
from ...store.papers import Papers
from ...store.schema import connect
from ...store.vault import CannotUnseal, Vault
from ...wire.filing import Filing
from ...wire.words import Frozen, Role, local
from ..sheets.receipt import receipt_pdf
from .api import answered, json
from .context import Web, needs
from .filings import read_paper, sealed_of
from .public.procedure import DOSSIER_TEXTS
from .sessions import Session

OPEN_S = 1800.0
"""Who has opened a dossier, with a reason, may look at its papers for so long."""
MAY_OPEN = tuple(sorted(MAY[OpenDossier]))
NO_STORE = {"Cache-Control": "no-store"}


class Reason(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=200)


class Line(Frozen):
    """A row of the filled form, in words."""

    label: str
    value: str = ""
    heading: bool = False


class PaperShown(Frozen):
    n: int
    name: str
    kind: str
    pages: int
    type: str = ""
    revision: int = 0
    number: str = ""
    again: bool = False


class Words(Frozen):
    """What an officer, or the province, said to it."""

    status: str
    words: str
    at: int


class Opened(Frozen):
    """A dossier as an officer reads it. `doubts`: how many answers do not keep the form's rules today."""

    line: Dossier
    owner: str
    number: str
    phone: str
    answers: tuple[Line, ...] = ()
    papers: tuple[PaperShown, ...] = ()
    words: tuple[Words, ...] = ()
    doubts: int = 0


class Shelf:
    """Reads dossiers through the seal; one for all pages. Its methods may run in threads."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._files = Papers(web.folder.root)
        self._opened: dict[tuple[str, str], float] = {}

    # --- lists, without any seal ---

    def listed(self, status: tuple[DossierStatus, ...]) -> list[Dossier]:
        with closing(self._connect()) as conn:
            return dossiers.listed(conn, status)

    def find(self, number: str) -> Dossier | None:
        with closing(self._connect()) as conn:
            return dossiers.find(conn, number)

    def prepared_for(self, sealed: str) -> str:
        """The dossier that a ticket's holder prepared at a kiosk, by the ticket's own seal; "" if none."""
        if not sealed:
            return ""
        with closing(self._connect()) as conn:
            try:
                kept = Vault(conn, self._web.master).open(sealed)
            except CannotUnseal:
                return ""
            named = msgspec.json.decode(kept).get("dossier", "") if kept else ""
            return named if dossiers.get(conn, named) is not None else ""

    # --- through the seal ---

    def note_opened(self, session: Session, dossier: str) -> None:
        now = time.monotonic()
        self._opened = {key: until for key, until in self._opened.items() if until > now}
        self._opened[session.key, dossier] = now + OPEN_S

    def has_opened(self, session: Session, dossier: str) -> bool:
        return self._opened.get((session.key, dossier), 0.0) > time.monotonic()

    def read(self, dossier: str, language: str) -> Opened | None:
        """None: unknown or forgotten. Raises CannotUnseal."""
        with closing(self._connect()) as conn:
            line, sealed = dossiers.get(conn, dossier), sealed_of(conn, self._web.master, dossier)
            if line is None or sealed is None:
                return None
            known = {p.n: p for p in papers.of_dossier(conn, dossier)}
            vault = Vault(conn, self._web.master)
            said = [
                msgspec.json.decode(x, type=Words)
                for kind in ("words", "province")
                for x in vault.find(dossier, kind)
            ]
        filing = sealed.filing
        answers, doubts = self._answers(filing, line, language)
        return Opened(
            line=line,
            owner=filing.owner_name,
            number=filing.owner_number,
            phone=filing.phone,
            answers=answers,
            papers=tuple(_shown(filing, n, known.get(n)) for n in range(1, line.papers + 1)),
            words=tuple(sorted(said, key=lambda x: x.at)),
            doubts=doubts,
        )

    def _answers(
        self, filing: Filing, line: Dossier, language: str
    ) -> tuple[tuple[Line, ...], int]:
        """The form's rows in words; plainly path and value where the form is not there any more."""
        offered = self._web.forms.offered(self._web.state.forms_checked)
        found = offered.find(filing.form, filing.form_version)
        if found is None:
            plain = (Line(label=k, value=str(v)) for k, v in filing.answers.items())
            return tuple(plain), 0
        day = local(line.received_at, self._web.state.setup.rules.utc_offset_minutes).date()
        told = []
        for row in rows(found.form, filing.answers, day, language):
            if row.kind is RowKind.HEADING:
                told.append(Line(label=row.label, heading=True))
            elif row.lines:
                lines = ("; ".join(x for x in one if x) for one in row.lines)
                told.append(Line(label=row.label, value="\n".join(lines)))
            elif row.value:
                told.append(Line(label=f"{row.number} {row.label}".strip(), value=row.value))
        wrong = sum(p.blocks for p in problems(found.form, filing.answers, day))
        return tuple(told), wrong

    def paper(self, dossier: str, n: int) -> bytes:
        """Raises FileNotFoundError, CannotUnseal."""
        with closing(self._connect()) as conn:
            return read_paper(conn, self._web.master, self._files, dossier, n)

    def receipt(self, dossier: str, language: str) -> bytes | None:
        """The receipt as PDF; None: unknown or forgotten. Raises CannotUnseal."""
        with closing(self._connect()) as conn:
            line, sealed = dossiers.get(conn, dossier), sealed_of(conn, self._web.master, dossier)
        if line is None or sealed is None:
            return None
        web = self._web
        procedure = web.catalogue.get(line.procedure)
        told = advise(procedure, DOSSIER_TEXTS.say, language) if procedure else None
        base = web.file.web.public_url.rstrip("/")
        url = f"{base}/lookup?code={line.number}" if base and line.number else ""
        name = told.name if told else line.procedure
        when = told.time if told else ""
        setup = web.state.setup
        return receipt_pdf(line, sealed.filing, setup, name, when, url, web.now(), language)

    def _connect(self) -> sqlite3.Connection:
        return connect(self._web.folder.database, read_only=True)


def _shown(filing: Filing, n: int, known: papers.Paper | None) -> PaperShown:
    paper = filing.papers[n - 1]
    return PaperShown(
        n=n,
        name=paper.name,
        kind=paper.kind,
        pages=paper.pages,
        type=known.type if known and not known.type.startswith("ten:") else "",
        revision=known.revision if known else 0,
        number=paper.number,
        again=bool(paper.held),
    )


def dossier_routes(web: Web) -> APIRouter:
    router = APIRouter(prefix="/api/dossiers", tags=["dossiers"])
    shelf = web.shelf
    may_open = needs(web, *MAY_OPEN)

    @router.get("")
    async def listed(
        session: Annotated[Session, Depends(may_open)],
        status: DossierStatus = DossierStatus.RECEIVED,
    ) -> Response:
        """Dossiers that stand so, in the order in which they came. Nothing of a person."""
        if session.role is Role.AUDITOR:
            await web.give("Note", o.Note(what="read", subject="dossiers"), session)
        return json(await asyncio.to_thread(shelf.listed, (status,)))

    @router.post("/{dossier}/open")
    async def open_(
        dossier: str, body: Reason, session: Annotated[Session, Depends(may_open)]
    ) -> Response:
        """Answers and papers of one dossier, for a reason that goes into the log."""
        order = OpenDossier(dossier=dossier, reason=body.reason)
        answer = await web.give("OpenDossier", order, session)
        if answer.refusal is not None:
            return answered(answer)
        shelf.note_opened(session, dossier)
        try:
            found = await asyncio.to_thread(shelf.read, dossier, "vi")
        except CannotUnseal:
            found = None
        if found is None:
            raise HTTPException(410, "forgotten")
        response = json(found)
        response.headers.update(NO_STORE)
        return response

    def opened(session: Session, dossier: str) -> None:
        if not shelf.has_opened(session, dossier):
            raise HTTPException(403, "open the dossier first, with a reason")

    @router.get("/{dossier}/papers/{n}")
    async def paper(
        dossier: str, n: int, session: Annotated[Session, Depends(may_open)]
    ) -> Response:
        """One paper as PDF, for who has opened the dossier."""
        opened(session, dossier)
        try:
            content = await asyncio.to_thread(shelf.paper, dossier, n)
        except FileNotFoundError as error:
            raise HTTPException(404, "no such paper") from error
        except CannotUnseal as error:
            raise HTTPException(410, "forgotten") from error
        return pdf(content, f"giay-to-{n}.pdf")

    @router.get("/{dossier}/receipt.pdf")
    async def receipt(
        dossier: str, session: Annotated[Session, Depends(may_open)], lang: str = "vi"
    ) -> Response:
        """The receipt (Form 01), A5, for who has opened the dossier."""
        opened(session, dossier)
        language = "en" if lang == "en" else "vi"
        try:
            content = await asyncio.to_thread(shelf.receipt, dossier, language)
        except CannotUnseal as error:
            raise HTTPException(410, "forgotten") from error
        if content is None:
            raise HTTPException(404, "no such dossier")
        return pdf(content, "giay-tiep-nhan.pdf")

    return router


def pdf(content: bytes, name: str) -> Response:
    headers: dict[str, Any] = {**NO_STORE, "Content-Disposition": f'inline; filename="{name}"'}
    return Response(content, media_type="application/pdf", headers=headers)
