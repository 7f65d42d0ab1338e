"""The desk's use cases of dossiers: take one in, move it, give it its code, open it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from ..dossiers import package
from ..dossiers.life import ENDED
from ..line import events as e
from ..line import orders as o
from ..line.outcome import Refused
from ..store import dossiers, papers
from ..wire import messages as m
from ..wire.filing import Filed, Filing
from ..wire.words import DAY, Frozen, local
from . import commands as c

if TYPE_CHECKING:
    from .desk import Changed, Desk, Request

DOSSIER = re.compile(r"[0-9a-f]{24}")
LONGEST_WORDS = 2_000


class SealedDossier(Frozen):
    """What lies in the vault under a dossier: the filing without its files, and the key of its papers."""

    filing: Filing
    key: bytes


encode_sealed = msgspec.msgpack.Encoder().encode
decode_sealed = msgspec.msgpack.Decoder(SealedDossier).decode


def file(desk: Desk, request: Request, ask: c.FileDossier, changed: Changed) -> Frozen:
    """The same dossier again gives the same answer, however late."""
    if request.role is not None:
        raise Refused("not_allowed")
    conn, now = desk.log.conn, desk.clock.now()
    known = dossiers.get(conn, ask.dossier)
    if known is None:
        filing = ask.filing
        desk.do(request, _registered(desk, ask, now), changed)
        sealed = SealedDossier(filing=filing, key=ask.key)
        purge_at = now + desk.terms.keep_days * DAY
        desk.vault.seal(ask.dossier, "filing", encode_sealed(sealed), purge_at, ask.ref)
        owner = papers.Owner(number=ask.owner, both=ask.owner_check)
        for n, (paper, kind) in enumerate(zip(filing.papers, ask.types, strict=True), 1):
            kept = "keep" in filing.consents and not paper.held
            papers.note(conn, ask.dossier, n, owner, kind, paper.kind, paper.pages, kept, now)
        known = dossiers.get(conn, ask.dossier)
    assert known is not None
    return filed(known, desk.public_url, desk.state.setup.rules.utc_offset_minutes)


def _registered(desk: Desk, ask: c.FileDossier, now: int) -> o.RegisterDossier:
    filing = ask.filing
    noted = zip(filing.papers, ask.types, strict=True)
    return o.RegisterDossier(
        dossier=ask.dossier,
        procedure=filing.procedure,
        service=ask.service,
        submitted_at=filing.submitted_at + filing.offset_ms,
        terms=desk.terms_at(now),
        papers=tuple(
            e.Paper(code=kind, kind=p.kind, pages=p.pages, held=bool(p.held)) for p, kind in noted
        ),
        time=ask.time,
        form=filing.form,
        form_version=filing.form_version,
        form_sha=ask.form_sha,
        sample=ask.sample,
        presence=ask.presence,
        prepare=filing.prepare,
        provisional=package.provisional(filing),
        sealed=ask.ref,
    )


def filed(dossier: dossiers.Dossier, public_url: str, offset_minutes: int) -> Filed:
    """What the visitor is told of it."""
    base, number = public_url.rstrip("/"), dossier.number
    due = dossier.due_at
    return Filed(
        dossier=dossier.dossier,
        received_at=dossier.received_at,
        code=dossier.code,
        provisional=dossier.provisional,
        due_at=due,
        due_text=f"{local(due, offset_minutes):%H:%M %d/%m/%Y}" if due else "",
        place=dossier.place,
        url=f"{base}/lookup?code={number}" if base and number else "",
        sample=dossier.sample,
        prepared=dossier.prepared,
        papers=dossier.papers,
        reused=dossier.reused,
    )


def move(desk: Desk, request: Request, ask: c.MoveDossier, changed: Changed) -> Frozen:
    """The officer's words are sealed under the dossier; the log only knows that there are some."""
    words = ask.words.strip()[:LONGEST_WORDS]
    ref = desk.new_ref() if words else ""
    now = desk.clock.now()
    order = o.TurnDossier(
        dossier=ask.dossier, status=ask.status, terms=desk.terms_at(now), sealed=ref
    )
    before = len(changed.entries)
    desk.do(request, order, changed)
    if len(changed.entries) > before:
        purge_at = now + desk.terms.keep_days * DAY if ask.status in ENDED else 0
        if words:
            said = {"status": str(ask.status), "words": words, "at": now}
            desk.vault.seal(ask.dossier, "words", m.encode(said), purge_at, ref)
        desk.vault.keep_until(ask.dossier, purge_at)
    return m.Done()


def give_code(desk: Desk, request: Request, ask: c.GiveDossierCode, changed: Changed) -> Frozen:
    """A code belongs to one dossier alone, also among those that have ended."""
    from .desk import checked_codes

    (code,) = checked_codes((ask.code,))
    other = dossiers.find(desk.log.conn, code)
    if other is not None and other.dossier != ask.dossier:
        raise Refused("dossier_code_taken", number=code)
    order = o.CodeDossier(dossier=ask.dossier, code=code, terms=desk.terms_at(desk.clock.now()))
    desk.do(request, order, changed)
    return m.Done()


def open_(desk: Desk, request: Request, ask: c.OpenDossier, changed: Changed) -> Frozen:
    """Only noted here: the web process opens the seal by itself, afterwards."""
    if not ask.reason.strip():
        raise Refused("reason_missing")
    if dossiers.get(desk.log.conn, ask.dossier) is None:
        raise Refused("unknown_dossier")
    note = o.Note(
        what="dossier_opened", subject=ask.dossier, detail={"reason": ask.reason.strip()[:200]}
    )
    desk.do(request, note, changed)
    return m.Done()


CASES: dict[type, Any] = {
    c.FileDossier: file,
    c.MoveDossier: move,
    c.GiveDossierCode: give_code,
    c.OpenDossier: open_,
}
PEOPLES = frozenset({c.MoveDossier, c.GiveDossierCode, c.OpenDossier})
"""Those that need a role of the person."""
