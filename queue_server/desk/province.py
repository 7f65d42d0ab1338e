"""The desk's use cases of passing dossiers on to the province: note each step, take its code, let one go again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from ..dossiers.codes import BadCode, parse
from ..dossiers.passing import PassedOn
from ..line import orders as o
from ..line.outcome import Refused
from ..store import dossiers, passing
from ..wire import messages as m
from ..wire.words import Frozen
from . import commands as c

if TYPE_CHECKING:
    from .desk import Changed, Desk, Request

log = structlog.get_logger()
LONGEST_WORDS = 2_000
LONGEST_CAUSE = 40


def note(desk: Desk, request: Request, ask: c.NotePassing, changed: Changed) -> Frozen:
    """The step, and the province's code with it, in one commit. Its words may name people: they are sealed."""
    if request.role is not None:
        raise Refused("not_allowed")
    conn = desk.log.conn
    if dossiers.get(conn, ask.dossier) is None:
        raise Refused("unknown_dossier")
    known = passing.get(conn, ask.dossier)
    words = ask.words.strip()[:LONGEST_WORDS]
    ref = desk.new_ref() if words else ""
    code, trouble = _code(desk, ask)
    order = o.PassOn(
        dossier=ask.dossier,
        was=known.passed,
        passed=ask.passed,
        round=known.round,
        cause=trouble or ask.cause[:LONGEST_CAUSE],
        code=code,
        due_at=ask.due_at,
        sealed=ref,
    )
    before = len(changed.entries)
    desk.do(request, order, changed)
    if len(changed.entries) > before:
        if words:
            said = {"status": f"province_{ask.passed}", "words": words, "at": desk.clock.now()}
            desk.vault.seal(ask.dossier, "province", m.encode(said), 0, ref)
        if code and ask.passed is PassedOn.ACCEPTED:
            _take_code(desk, request, ask, code, changed)
    return m.Done()


def _code(desk: Desk, ask: c.NotePassing) -> tuple[str, str]:
    """The province's code in its official form, or why it cannot be taken."""
    if not ask.code:
        return "", ""
    try:
        code = str(parse(ask.code))
    except BadCode:
        return "", "bad_code"
    known, other = dossiers.get(desk.log.conn, ask.dossier), dossiers.find(desk.log.conn, code)
    if other is not None and other.dossier != ask.dossier:
        return "", "code_taken"
    if known is not None and known.code and known.code != code:
        return "", "other_code"
    return code, ""


def _take_code(
    desk: Desk, request: Request, ask: c.NotePassing, code: str, changed: Changed
) -> None:
    """The code takes the place of a provisional number; one of ours stays as it is."""
    known = desk.state.dossiers.get(ask.dossier)
    if known is None or known.code:
        return
    terms = desk.terms_at(desk.clock.now())
    order = o.CodeDossier(dossier=ask.dossier, code=code, terms=terms, due_at=ask.due_at)
    try:
        desk.do(request, order, changed)
    except Refused as refused:
        log.warning("code_not_taken", dossier=ask.dossier, code=refused.code)


def again(desk: Desk, request: Request, ask: c.PassAgain, changed: Changed) -> Frozen:
    """A rejected one may go once more; the reason is sealed with the dossier."""
    conn, words = desk.log.conn, ask.reason.strip()[:LONGEST_WORDS]
    if dossiers.get(conn, ask.dossier) is None:
        raise Refused("unknown_dossier")
    known = passing.get(conn, ask.dossier)
    ref = desk.new_ref() if words else ""
    order = o.PassAgain(dossier=ask.dossier, was=known.passed, round=known.round, sealed=ref)
    desk.do(request, order, changed)
    said = {"status": "province_again", "words": words, "at": desk.clock.now()}
    desk.vault.seal(ask.dossier, "province", m.encode(said), 0, ref)
    return m.Done()


CASES: dict[type, Any] = {c.NotePassing: note, c.PassAgain: again}
PEOPLES = frozenset({c.PassAgain})
"""Those that need a role of the person."""
