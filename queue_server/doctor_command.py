"""`motcua doctor`: every part of a centre looked at; ok, or one line on how to mend it."""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from . import settings
from .doctor import centre, devices, forms, machine, probes
from .doctor.finding import Finding, Level, Look, bad
from .folder import Folder
from .keeping_command import settings_of
from .wire.settings import SettingsError
from .wire.texts import Texts

TEXTS = Texts(Path(__file__).parent / "texts" / "doctor")
SIGNS = {Level.OK: "[tốt]  ", Level.NOTE: "[chú ý]", Level.BAD: "[HỎNG] "}
Check = Callable[[Look], Finding | None]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("settings", centre.settings),
    ("python", machine.python),
    ("packages", machine.packages),
    ("disk", machine.disk),
    ("clock", machine.clock),
    ("data", centre.data),
    ("setup", centre.setup),
    ("broker", centre.broker),
    ("web", centre.web),
    ("devices", devices.devices),
    ("public_url", centre.public_url),
    ("certificate", centre.certificate),
    ("vault", centre.vault),
    ("modes", centre.modes),
    ("backup", centre.backup),
    ("purge", centre.purge),
    ("first_login", centre.first_login),
    ("catalogue", centre.catalogue),
    ("forms", forms.forms),
    ("holidays", centre.holidays),
    ("voice", machine.voice),
    ("fonts", machine.fonts),
    ("window", probes.window),
    ("printer", probes.printer),
    ("reading", probes.reading),
    ("camera", probes.camera),
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("doctor", help="look at every part: ok, or how to mend it")
    parser.add_argument("--data", type=Path, default=Path("var"), help="data folder")
    parser.add_argument("--settings", type=Path, help="settings file of the centre")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0; 1 when anything is bad."""
    worst = 0
    for finding in findings(Folder(args.data), args.settings):
        print(line(finding), flush=True)
        worst = max(worst, finding.level is Level.BAD)
    return worst


def findings(folder: Folder, named: Path | None) -> Iterator[Finding]:
    """One after the other, as they are found. Settings that cannot be read leave the defaults to the rest."""
    path = settings_of(folder, named) or settings.example()
    try:
        file = settings.read(path)
    except SettingsError as error:
        yield bad("settings", "settings_wrong", detail=error)
        path, file = settings.example(), settings.CentreFile()
    look = Look(folder, path, file, int(time.time() * 1000))
    for name, check in CHECKS:
        if name in ("settings", "setup") and file == settings.CentreFile():
            continue
        found = examine(name, check, look)
        if found is not None:
            yield found


def examine(name: str, check: Check, look: Look) -> Finding | None:
    """What a check finds; one that fails itself is a finding too."""
    try:
        return check(look)
    except subprocess.TimeoutExpired as error:
        return bad(name, "probe_late", seconds=f"{error.timeout:.0f}")
    except probes.ProbeFailed as error:
        return bad(name, "probe_failed", detail=error)
    except Exception as error:  # the doctor goes on to the next patient
        return bad(name, "look_failed", detail=f"{type(error).__name__}: {error}")


def line(finding: Finding) -> str:
    """`[tốt] Đĩa: còn … (disk: … free)`: Vietnamese first, then English."""
    vi, en = (
        f"{TEXTS.say(f'name.{finding.name}', x)}: "
        f"{TEXTS.say(f'say.{finding.code}', x, **finding.values)}"
        for x in ("vi", "en")
    )
    return f"{SIGNS[finding.level]} {vi}  ({en})".replace("\n", " ")
