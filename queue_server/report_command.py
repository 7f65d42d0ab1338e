"""`motcua report`: a month's satisfaction as the files that are hung up and handed on: poster, table, JSON."""

from __future__ import annotations

import argparse
import csv
import sys
from contextlib import closing
from pathlib import Path

import msgspec

from . import settings
from .desk.clock import Clock
from .folder import Folder
from .store.log import load
from .store.schema import CannotOpen, connect
from .wire.settings import SettingsError
from .wire.words import Language, local


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Hang `report` on `motcua`."""
    parser = commands.add_parser("report", help="a month's satisfaction: poster, table, JSON")
    parser.add_argument("--data", type=Path, default=Path("var"), help="data folder")
    parser.add_argument("--settings", type=Path, help="settings file (default: the sample centre)")
    parser.add_argument("--month", default="", help="as 2026-10; the last one if none is named")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the files")
    parser.add_argument("--language", choices=[x.value for x in Language], default="vi")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 and the names of three files; 1 and one line if there is no such month or no such centre."""
    try:
        names = _write(args)
    except (CannotOpen, SettingsError, OSError, ValueError) as error:
        print(f"motcua report: {error}", file=sys.stderr)
        return 1
    for name in names:
        print(name)
    return 0


def _write(args: argparse.Namespace) -> list[Path]:
    from .doors.sheets.poster import poster_pdf
    from .doors.web.main import compose
    from .doors.web.published import last_month, published, rows

    folder, file = Folder(args.data), settings.read(args.settings)
    if not folder.database.exists():
        raise ValueError(f"{args.data} holds no centre")
    with closing(connect(folder.database, read_only=True)) as conn:
        state, _ = load(conn)
    web = compose(folder, file, Clock(state.at), 0)
    web.replica.state = state
    try:
        today = local(web.now(), state.setup.rules.utc_offset_minutes).date()
        named = args.month or last_month(today)
        month = published(web, named, today)
    finally:
        web.close()
    if month is None:
        raise ValueError(f"{named} is no month that has ended within two years (as 2026-10)")
    base = file.web.public_url.rstrip("/")
    url = f"{base}/open/satisfaction?month={month.month}" if base else ""
    args.out.mkdir(parents=True, exist_ok=True)
    stem = args.out / f"satisfaction-{month.month}"
    paths = [stem.with_suffix(end) for end in (".pdf", ".csv", ".json")]
    paths[0].write_bytes(poster_pdf(month, state.setup, url, args.language))
    with paths[1].open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows(month))
    paths[2].write_bytes(msgspec.json.encode(month))
    return paths
