"""A file of procedures, read record by record: JSON lines, a JSON array or TOML, plain or gzipped.

What a file is shows in its first bytes, never in its name. A record that cannot be used comes as
`Left` with its line and reason, and reading goes on; a torn file gives all that stands before the tear.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
import tomllib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from ..dossiers.catalogue import CatalogueSettings, Left, Procedure, Reason
from ..dossiers.portal import read_record
from ..wire.settings import read
from .catalogue import Catalogue, Report, import_procedures

GZIP = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
HEAD = 65_536
CHUNK = 262_144
LONGEST_RECORD = 16_000_000
TORN = (EOFError, zlib.error, OSError)
BLANK = "\ufeff \t\r\n"
BETWEEN = BLANK + "[,"
TABLE = "procedure"
DEPLOY = Path(__file__).parents[2] / "deploy"
SERVICES = DEPLOY / "catalogue-services.toml"
SAMPLE = DEPLOY / "procedures.sample.toml"

Numbered = tuple[int, object]
Stream = io.BufferedReader | gzip.GzipFile
Reader = Callable[[Stream], Iterator[Numbered | Left]]


def read_settings(path: Path | None = None) -> CatalogueSettings:
    """Table `[catalogue]` of `path`; rules that it does not give are those of `deploy/catalogue-services.toml`.

    Raises `SettingsError`.
    """
    default = read(CatalogueSettings, SERVICES if SERVICES.exists() else None, only="catalogue")
    own = read(CatalogueSettings, path, only="catalogue") if path else default
    return own if own.rules else msgspec.structs.replace(own, rules=default.rules)


def import_sample(folder: Path, settings: Path | None = None) -> Report | None:
    """At a first start: the sample procedures, where the data folder has no catalogue yet."""
    if Catalogue(folder).exists() or not SAMPLE.exists():
        return None
    return import_procedures(folder, procedures(SAMPLE, read_settings(settings)))


def procedures(path: Path, settings: CatalogueSettings) -> Iterator[Procedure | Left]:
    """Every record of the file at `path`, read or left out with its line. Raises `OSError` if it cannot open."""
    with path.open("rb") as file:
        for found in _records(file):
            yield found if isinstance(found, Left) else _read_at(*found, settings)


def _read_at(line: int, record: object, settings: CatalogueSettings) -> Procedure | Left:
    found = read_record(record, settings)
    return msgspec.structs.replace(found, line=line) if isinstance(found, Left) else found


def _records(file: io.BufferedReader) -> Iterator[Numbered | Left]:
    head = file.read(len(GZIP))
    file.seek(0)
    stream: Stream = gzip.GzipFile(fileobj=file) if head == GZIP else file
    line = 0
    try:
        for found in _reader(stream.peek(HEAD))(stream):
            line = found.line if isinstance(found, Left) else found[0]
            yield found
    except TORN as error:
        yield Left(reason=Reason.TORN, detail=str(error), line=line + 1)


def _reader(head: bytes) -> Reader:
    start = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    if start.startswith((b"#", b"[[")):
        return _tables
    first_line = start.split(b"\n", 1)[0].strip()
    return _elements if start.startswith(b"[") or first_line == b"{" else _lines


def _lines(stream: Stream) -> Iterator[Numbered | Left]:
    """One JSON value a line; a bad line is left out, the next one read."""
    number = 0
    while raw := stream.readline(LONGEST_RECORD):
        number += 1
        whole = raw.endswith(b"\n")
        if not whole and len(raw) == LONGEST_RECORD:
            yield Left(reason=Reason.UNREADABLE, detail="line too long", line=number)
            _skip_line(stream)
            continue
        text = raw.removeprefix(BYTE_ORDER_MARK).strip()
        if text:
            yield _decoded(text, number, whole)


def _decoded(text: bytes, line: int, whole: bool) -> Numbered | Left:
    try:
        return line, msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = Reason.UNREADABLE if whole or not text.startswith(b"{") else Reason.TORN
        return Left(reason=reason, detail=str(error), line=line)


def _skip_line(stream: Stream) -> None:
    while (rest := stream.readline(CHUNK)) and not rest.endswith(b"\n"):
        pass


def _elements(stream: Stream) -> Iterator[Numbered | Left]:
    """The elements of one JSON array, or JSON objects written over several lines."""
    texts = _texts(stream)
    decoder, buffer, line = json.JSONDecoder(), next(texts, ""), 1
    is_array = buffer.lstrip(BLANK).startswith("[")
    while True:
        rest = buffer.lstrip(BETWEEN)
        line += buffer.count("\n", 0, len(buffer) - len(rest))
        if rest.startswith("]"):
            return
        try:
            value, end = decoder.raw_decode(rest)
        except (json.JSONDecodeError, RecursionError) as error:
            more = next(texts, "") if len(rest) < LONGEST_RECORD else ""
            if more:
                buffer = rest + more
                continue
            if rest or is_array:
                yield Left(reason=Reason.TORN, detail=str(error), line=line)
            return
        yield line, value
        line += rest.count("\n", 0, end)
        buffer = rest[end:]


def _texts(stream: Stream) -> Iterator[str]:
    """The file in pieces as they come, so that a tear loses nothing that stands before it."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while piece := stream.read1(CHUNK):
        yield decoder.decode(piece)


def _tables(stream: Stream) -> Iterator[Numbered | Left]:
    """TOML with `[[procedure]]` tables, our own format for people to write."""
    text = stream.read().decode("utf-8", "replace")
    starts = [n for n, row in enumerate(text.splitlines(), 1) if re.match(rf"\[\[{TABLE}\]\]", row)]
    try:
        found = tomllib.loads(text).get(TABLE, [])
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        yield Left(reason=Reason.UNREADABLE, detail=str(error), line=int(at.group(1)) if at else 1)
        return
    yield from zip(starts, found, strict=False)
