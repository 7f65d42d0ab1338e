"""The forms: faults in the shipped ones and the centre's own, and which of them end or have ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ..dossiers.forms.model import Form
from ..dossiers.forms.offered import offered
from ..dossiers.forms.read import (
    BadForm,
    Fault,
    check_form,
    is_in_force,
    line_of,
    read_form,
    shipped_texts,
)
from ..store.catalogue import TEXTS
from ..store.forms import FOLDER, own_files
from ..store.log import load
from ..store.schema import connect
from ..wire.texts import Texts
from ..wire.words import local
from .finding import Finding, Look, bad, note, ok

ENDING = dt.timedelta(days=60)
MOST_NAMED = 5


@dataclass(frozen=True)
class Placed:
    """A fault, and where: `{:vi}` and `{:en}` say it, so that one value serves both languages of a line."""

    file: str
    line: int
    fault: Fault

    def __format__(self, language: str) -> str:
        at = f"{self.file}:{self.line}" if self.line else self.file
        words = Texts(TEXTS).say(
            f"form.fault.{self.fault.code}", language or "vi", detail=self.fault.detail
        )
        return f"{at} {self.fault.place}: {words}" if self.fault.place else f"{at}: {words}"


@dataclass(frozen=True)
class Faults:
    """Several of them, told one after the other."""

    all: tuple[Placed, ...]

    def __format__(self, language: str) -> str:
        return "; ".join(format(placed, language) for placed in self.all)


def forms(look: Look) -> Finding:
    """The worst that can be said of them."""
    found, faults = read_all([*shipped_texts().items(), *_own(look.folder.root / FOLDER)])
    if faults:
        named = Faults(tuple(faults[:MOST_NAMED]))
        return bad("forms", "forms_faulty", count=len(faults), detail=named)
    today = local(look.now, look.file.rules.utc_offset_minutes).date()
    expired = [f for f in last_versions(found) if f.valid_to and f.valid_to < today]
    if expired:
        return note("forms", "forms_expired", names=_names(expired))
    ending = [f for f in last_versions(found) if f.valid_to and f.valid_to <= today + ENDING]
    if ending:
        return note("forms", "forms_ending", names=_names(ending))
    current = [f for f in found if is_in_force(f, today)]
    sample = look.file.forms.sample
    told = ok if sample or not current else note
    checked = _checked(look, current)
    if checked:
        told = ok
    return told("forms", "forms_sample" if sample else "forms", count=len(current), checked=checked)


def read_all(sources: Iterable[tuple[str, str]]) -> tuple[list[Form], list[Placed]]:
    """What can be read, and every fault in it; `sources` are names and texts of files."""
    found: list[Form] = []
    faults: list[Placed] = []
    files: dict[tuple[str, str], str] = {}
    for name, text in sources:
        try:
            form = read_form(text, name)
        except BadForm as error:
            fault = Fault(code="unreadable", place=error.place, detail=error.detail)
            faults.append(Placed(name, error.line, fault))
            continue
        found.append(form)
        told = [(line_of(text, f.place), f) for f in check_form(form)]
        faults += [Placed(name, line, fault) for line, fault in told]
        key = (form.id, form.version)
        if key in files:
            fault = Fault(code="twice", place="version", detail=files[key])
            faults.append(Placed(name, 0, fault))
        files[key] = name
    return found, faults


def last_versions(forms: Iterable[Form]) -> list[Form]:
    """Of each form the version that is in force longest."""
    last: dict[str, Form] = {}
    for form in forms:
        known = last.get(form.id)
        if known is None or _ends(known) <= _ends(form):
            last[form.id] = form
    return list(last.values())


def _ends(form: Form) -> dt.date:
    return form.valid_to or dt.date.max


def _own(folder: Path) -> Iterator[tuple[str, str]]:
    for path in own_files(folder):
        yield f"{FOLDER}/{path.name}", path.read_text("utf-8", errors="replace")


def _names(forms: Iterable[Form]) -> str:
    return ", ".join(f"{f.id} {f.version} ({f.valid_to})" for f in forms)


def _checked(look: Look, current: list[Form]) -> int:
    """How many of these the centre has marked as checked."""
    if not look.folder.database.exists():
        return 0
    with closing(connect(look.folder.database, read_only=True)) as conn:
        marked = load(conn)[0].forms_checked
    return sum(x.checked for x in offered(current, (), marked, sample=False).forms)
