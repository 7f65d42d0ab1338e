"""What comes out of a sealed package, checked before anything of it is kept: papers, files, sizes, texts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import msgspec

from ..wire.filing import LARGEST_PAGE, Feedback, FiledPaper, Filing, Package
from .catalogue import Component, ComponentKind, Procedure
from .search import fold

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,79}")
NUMBER = re.compile(r"[A-Z0-9][A-Z0-9.-]{3,39}")
MOST_PAPERS, MOST_PAGES = 60, 60
LONGEST_NAME = 300
LARGEST_ANSWERS = 300_000
SPARE = 200_000
"""Bytes that a file may have beside its pages."""
KINDS = frozenset({"form", "scan", "flat", "phone", "held"})


class BadPackage(ValueError):
    """Not to be taken; `code` under `[refusal]`, `paper` its place (from 1) where one is to blame."""

    def __init__(self, code: str, paper: int = 0) -> None:
        super().__init__(code)
        self.code, self.paper = code, paper


def check(package: Package, filing_id: str) -> None:
    """Raises BadPackage."""
    filing = package.filing
    if filing.id != filing_id or len(filing.papers) != len(package.files):
        raise BadPackage("filing_unreadable")
    if len(filing.papers) > MOST_PAPERS:
        raise BadPackage("filing_too_large")
    if len(msgspec.json.encode(filing.answers)) > LARGEST_ANSWERS:
        raise BadPackage("filing_too_large")
    texts = (filing.procedure, filing.service, filing.form, filing.form_version)
    people = (filing.owner_name, filing.owner_number, filing.phone, filing.provisional)
    if any(len(x) > LONGEST_NAME for x in (*texts, *people)):
        raise BadPackage("filing_unreadable")
    for place, (paper, file) in enumerate(zip(filing.papers, package.files, strict=True), 1):
        if not _is_sound(paper, file):
            raise BadPackage("bad_paper", place)


def _is_sound(paper: FiledPaper, file: bytes) -> bool:
    """A PDF that is what it says, or a reference and no bytes."""
    if max(len(paper.name), len(paper.code), len(paper.number)) > LONGEST_NAME:
        return False
    if not 1 <= paper.pages <= MOST_PAGES or paper.kind not in KINDS:
        return False
    if paper.held:
        return not file
    if len(file) > paper.pages * LARGEST_PAGE + SPARE:
        return False
    if not file.startswith(b"%PDF-") or b"%%EOF" not in file[-1024:]:
        return False
    return hashlib.sha256(file).hexdigest() == paper.sha256


def provisional(filing: Filing | Feedback) -> str:
    """The number that the visitor was given, if it is one."""
    return filing.provisional if NUMBER.fullmatch(filing.provisional) else ""


def type_of(paper: FiledPaper, procedure: Procedure) -> str:
    """The paper's type: its code (mã loại giấy tờ), else its component's, else made from the component's name."""
    if paper.code:
        return paper.code
    if paper.component is None or not 0 <= paper.component < len(procedure.components):
        return ""
    return component_type(procedure.components[paper.component])


def component_type(component: Component) -> str:
    """Sources often give no paper-type code; the same name is then the same type."""
    if component.code:
        return component.code
    words = fold(component.name).encode()
    return f"ten:{hashlib.sha256(words).hexdigest()[:16]}"


def may_be_held(procedure: Procedure) -> Iterator[tuple[int, Component, str]]:
    """Components that are handed in, with their place and type."""
    for place, component in enumerate(procedure.components):
        if component.kind is ComponentKind.HAND_IN and not component.form:
            yield place, component, component_type(component)
