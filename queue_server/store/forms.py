"""Forms on disk: those that come with the program, and the centre's own in `<data>/forms/*.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import structlog

from ..dossiers.forms.model import Form
from ..dossiers.forms.offered import FormsOffered, offered
from ..dossiers.forms.read import BadForm, check_form, read_form, shipped

FOLDER = "forms"
Stamp = tuple[tuple[str, int, int], ...]

log = structlog.get_logger()


class CentreForms:
    """Reads anew when a file in the folder has changed; what has a fault is left out and logged."""

    def __init__(self, root: Path, sample: bool) -> None:
        self._folder, self._sample = root / FOLDER, sample
        self._stamp: Stamp | None = None
        self._own: tuple[Form, ...] = ()
        self._offered: FormsOffered | None = None
        self._checked: dict[str, str] = {}

    def offered(self, checked: Mapping[str, str]) -> FormsOffered:
        """The forms as they are now; `checked` is `State.forms_checked`."""
        stamp = stamp_of(self._folder)
        if stamp != self._stamp:
            self._own, self._stamp, self._offered = self._read(), stamp, None
        if self._offered is None or checked != self._checked:
            self._checked = dict(checked)
            self._offered = offered(shipped(), self._own, checked, self._sample)
        return self._offered

    def _read(self) -> tuple[Form, ...]:
        found: list[Form] = []
        for path in own_files(self._folder):
            try:
                form = read_form(path.read_text("utf-8"), path.name)
            except (BadForm, OSError, UnicodeDecodeError) as error:
                log.warning("form_left_out", file=path.name, error=str(error))
                continue
            faults = check_form(form)
            if faults:
                log.warning("form_left_out", file=path.name, error=str(faults[0]))
            else:
                found.append(form)
        return tuple(found)


def own_files(folder: Path) -> list[Path]:
    """The centre's own files by name; none where there is no such folder."""
    return sorted(folder.glob("*.toml")) if folder.is_dir() else []


def stamp_of(folder: Path) -> Stamp:
    """Changes when a file comes, goes or is written."""
    found = []
    for path in own_files(folder):
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append((path.name, stat.st_mtime_ns, stat.st_size))
    return tuple(found)
