"""`motcua catalogue`: import procedures from a file, list them, search them, show one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from .by_hand import Away, give, is_running
from .desk.commands import ImportCatalogue
from .dossiers.catalogue import (
    Channel,
    ComponentKind,
    Left,
    Procedure,
    Summary,
    Way,
    called,
    fee_text,
    time_text,
)
from .folder import Folder
from .store.catalogue import (
    TEXTS,
    Catalogue,
    CatalogueUnreadable,
    ImportRunning,
    NothingToImport,
    Report,
    import_procedures,
)
from .store.catalogue_file import procedures, read_settings
from .wire.settings import SettingsError
from .wire.texts import Texts

T = TypeVar("T")
STEP = 250
DATA = Path("var")


class Refused(Exception):
    """The command cannot be done; the text is one line for the technician."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Hang `catalogue` and its commands on `motcua`; `run` does what was asked."""
    parser = subparsers.add_parser("catalogue", help="the catalogue of procedures (TTHC)")
    commands = parser.add_subparsers(dest="catalogue_command", required=True)
    taking = commands.add_parser("import", help="add or replace procedures from a file")
    taking.add_argument("file", type=Path, help="JSON, JSON lines or TOML, plain or gzipped")
    taking.add_argument("--settings", type=Path, help="file with a [catalogue] table")
    listing = commands.add_parser("list", help="one line for each procedure")
    listing.add_argument("--service", help="only this service; '-' for those without one")
    listing.add_argument("--search", metavar="WORDS", help="only what matches these words")
    showing = commands.add_parser("show", help="one procedure, whole")
    showing.add_argument("code", help="its code, such as 1.001193")
    showing.add_argument("--json", action="store_true", help="as it is stored")
    for command in (taking, listing, showing):
        command.add_argument("--data", type=Path, default=DATA, help="data folder (%(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do the command; 0, or 1 after one line on stderr that says why not."""
    commands = {"import": _import, "list": _list, "show": _show}
    try:
        commands[args.catalogue_command](args)
    except (Refused, SettingsError, CatalogueUnreadable) as error:
        print(f"motcua catalogue: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
    return 0


def _import(args: argparse.Namespace) -> None:
    found = procedures(args.file, read_settings(args.settings))
    try:
        report = import_procedures(args.data, _with_progress(found))
    except OSError as error:
        raise Refused(f"{error.filename or args.file}: {error.strerror or error}") from error
    except ImportRunning as error:
        raise Refused("another import is running; nothing changed") from error
    except NothingToImport as error:
        raise Refused(f"{args.file}: {_why_nothing(error.left)}; nothing changed") from error
    print("\n".join(report_lines(report)))
    if report.changed:
        _tell(args.data, report)


def _tell(data: Path, report: Report) -> None:
    """Let a running centre say the new version, so that kiosks fetch the catalogue at once."""
    folder = Folder(data)
    if not is_running(folder):
        return
    try:
        give(folder, "ImportCatalogue", ImportCatalogue(version=report.version, count=report.total))
    except Away as error:
        print(f"motcua catalogue: imported, but not told to the centre: {error}", file=sys.stderr)


def _why_nothing(left: Left | None) -> str:
    return f"no procedure in it ({_place(left)})" if left else "the file is empty"


def _place(left: Left) -> str:
    parts = (f"line {left.line}", left.code, left.reason.value, left.detail.splitlines()[0:1])
    return ": ".join(str(p[0] if isinstance(p, list) else p) for p in parts if p)


def report_lines(report: Report) -> Iterator[str]:
    """The report of an import, as lines for a terminal."""
    yield f"version {report.version} ({'changed' if report.changed else 'unchanged'}), {report.total} procedures"
    yield (
        f"  added {report.added}, replaced {report.replaced}, unchanged {report.unchanged},"
        f" kept {report.kept}, left out {sum(report.left.values())}"
    )
    for reason, count in sorted(report.left.items()):
        yield f"  left out, {reason}: {count}"
    for left in report.examples:
        yield f"    {_place(left)}"
    for service, count in sorted(report.by_service.items()):
        yield f"  {service or 'no service'}: {count}"
    if report.odd_codes:
        yield f"  odd codes, kept as they are: {', '.join(report.odd_codes)}"


def _with_progress(records: Iterable[T]) -> Iterator[T]:
    for number, record in enumerate(records, 1):
        if number % STEP == 0:
            print(f"  {number} records read", file=sys.stderr, flush=True)
        yield record


def _list(args: argparse.Namespace) -> None:
    catalogue = _catalogue(args.data)
    found = catalogue.search(args.search, 1_000) if args.search else catalogue.summaries()
    for summary in found:
        if args.service is None or (summary.service or "-") == args.service:
            print(_line(summary))


def _line(summary: Summary) -> str:
    return (
        f"{summary.code:<12} {summary.service or '-':<14} {summary.name}"
        f" · {summary.time.vi} · {summary.fee}"
    )


def _show(args: argparse.Namespace) -> None:
    procedure = _catalogue(args.data).get(args.code)
    if procedure is None:
        raise Refused(f"no procedure {args.code}")
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(procedure), indent=2).decode())
        return
    print("\n".join(_sheet(procedure)))


def _catalogue(folder: Path) -> Catalogue:
    catalogue = Catalogue(folder)
    if not catalogue.exists():
        raise Refused(f"no catalogue in {folder}; `motcua catalogue import FILE` makes one")
    return catalogue


def _sheet(procedure: Procedure) -> Iterator[str]:
    say = Texts(TEXTS).say
    yield f"{procedure.code}  {called(procedure)}"
    if called(procedure) != procedure.name:
        yield f"  {procedure.name}"
    yield f"  {procedure.field} · {procedure.service or 'no service'} · {procedure.agency}".rstrip(
        " ·"
    )
    yield f"  {time_text(procedure, say)} · {fee_text(procedure, say)}"
    for way in procedure.ways:
        yield f"  {_way(way)}"
    for component in procedure.components:
        if component.kind is not ComponentKind.NOTE:
            sheets = f"{component.original}+{component.copy}"
            yield f"  [{component.kind.value} {sheets}] {component.name} {component.code}".rstrip()
    source = procedure.source
    yield f"  {source.origin} {source.decision} {source.authority} {procedure.valid_from or ''}".rstrip()


def _way(way: Way) -> str:
    fees = "; ".join(
        f"{f.amount if f.amount is not None else '?'} {f.text}".strip() for f in way.fees
    )
    time = f"{way.time.value:g} {way.time.unit.value}{'' if way.time.certain else ' ?'}"
    return f"{Channel(way.channel).value}: {time}; {fees}".rstrip("; ")
