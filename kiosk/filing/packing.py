"""What a visitor files, made into one package that only the centre can open, and put on the disk so."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from queue_server.wire.filing import (
    LARGEST_PACKAGE,
    Feedback,
    FiledPaper,
    Filing,
    Package,
    encode_feedback,
    encode_package,
)
from queue_server.wire.sealed import seal
from queue_server.wire.words import Language

from .reports import How, Page
from .visit import Errand, State, Wanted, applicant, is_prepared, own_sheets, phone, to_give

Pdf = Callable[[Sequence[Page], Wanted], bytes]
"""The pages of one paper as a PDF."""
WITH_PAGES = (How.SCAN, How.FLAT, How.PHONE)


class CannotPack(Exception):
    """`why`: `disk`, `large` or `error`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def packed(state: State, form_pdf: bytes, pdf: Pdf, at: int, key: str = "") -> bytes:
    """The sealed package of this visit. `at`: ms by this machine's clock; `key`: to follow words by.

    Raises CannotPack.
    """
    opened = state.opened
    assert opened is not None
    if state.errand is Errand.FEEDBACK:
        content = encode_feedback(feedback(state, at, key))
    else:
        content = encode_package(package(state, form_pdf, pdf, at))
    if len(content) > LARGEST_PACKAGE - 1_000:
        raise CannotPack("large")
    try:
        return seal(content, opened.filing_key, opened.visit)
    except ValueError as error:
        raise CannotPack("error") from error


def package(state: State, form_pdf: bytes, pdf: Pdf, at: int) -> Package:
    """The filled form first, then the papers in the procedure's order."""
    opened, form = state.opened, state.form
    assert opened is not None and form is not None
    papers, files = _form_paper(state, form_pdf)
    for wanted in to_give(state):
        given = state.given.get(wanted.index)
        if given is None:
            continue
        if given.how is How.HELD:
            papers.append(_paper(wanted, "held", held=given.held))
            files.append(b"")
        elif given.how in WITH_PAGES and given.pages:
            content = pdf(given.pages, wanted)
            papers.append(_paper(wanted, given.how.value, content, len(given.pages)))
            files.append(content)
    filing = Filing(
        id=opened.visit,
        procedure=opened.record.code if opened.record else "",
        service=opened.service,
        submitted_at=at,
        language=Language(state.language),
        form=form.id,
        form_version=form.version,
        answers=state.answers,
        papers=tuple(papers),
        owner_name=str(applicant(state, "card.name") or ""),
        owner_number=str(applicant(state, "card.number") or ""),
        phone=phone(state),
        notify="notify" in state.consents,
        consents=tuple(sorted(consent.value for consent in state.consents)),
        prepare=is_prepared(state),
        provisional=state.provisional,
        offset_ms=opened.offset_ms,
    )
    return Package(filing=filing, files=tuple(files))


def _form_paper(state: State, content: bytes) -> tuple[list[FiledPaper], list[bytes]]:
    form, record = state.form, state.opened.record if state.opened else None
    assert form is not None
    if not content:
        return [], []
    own = own_sheets(record.components) if record else ()
    paper = FiledPaper(
        name=form.title.vi,
        kind="form",
        code=form.paper_code,
        component=own[0] if own else None,
        pages=content.count(b"/Type /Page\n") or content.count(b"/Type/Page/") or 1,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    return [paper], [content]


def _paper(
    wanted: Wanted, kind: str, content: bytes = b"", pages: int = 1, held: str = ""
) -> FiledPaper:
    return FiledPaper(
        name=wanted.name[:300],
        kind=kind,
        code=wanted.code,
        component=wanted.index,
        pages=pages,
        sha256=hashlib.sha256(content).hexdigest() if content else "",
        held=held,
    )


def feedback(state: State, at: int, key: str = "") -> Feedback:
    """The answers of `feedback.toml`."""
    opened = state.opened
    assert opened is not None

    def said(key: str) -> str:
        return str(state.answers.get(f"feedback.{key}") or "")

    return Feedback(
        id=opened.visit,
        kind=said("kind"),
        words=said("words"),
        submitted_at=at,
        about=said("about"),
        service=opened.service,
        phone=said("phone"),
        language=Language(state.language),
        provisional=state.provisional,
        offset_ms=opened.offset_ms,
        key=key,
    )


def write_draft(folder: Path, visit: str, sealed: bytes) -> Path:
    """Complete and on the disk when it returns; nothing is left of it when it cannot be. Raises CannotPack."""
    path = folder / f"{visit}.draft"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise CannotPack("disk" if full else "error") from error
    return path
