"""Two sets of files, and one small record of which runs; how a terminal comes back from a set that does not hold.

Lies beside main.py too, where no update reaches it: also a set that cannot even be read is given up. The form of
the record is fixed therefore. It is replaced in one step (littlefs), and an update never writes into the set that runs.
"""

import json
import os

NAMES = ("a", "b")
MOST_STARTS = 3
"""After so many starts without a confirmation the new set is given up."""
REMEMBERED = 8
"""Sets that did not hold and are not taken again."""
SPARE = 32768
"""Bytes of the flash that no update takes: presses need them."""
_RECORD = "sets.json"
_DRAFT = "sets.new"
_DIRECTORY = 0x4000

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Sets:
    """`folder` ends with a slash. Raises OSError where the flash takes no more, unless said otherwise."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.running = "a"
        self.highest = 0
        """The highest number of an offer; a lower one is an old one that somebody recorded."""
        self.loading = ""
        """Digest of the manifest that the set not in use is for."""
        self.failed: list[str] = []
        self.trial: dict[str, Any] = {}
        """Empty, or `number`, `digest` and `starts` of the set that runs on trial."""
        self.good = 0
        """Number of the offer that was confirmed last."""
        self.gone = 0
        """Number of the offer whose set was given up last; 0 when a newer one has come."""
        self._read()

    @property
    def path(self) -> str:
        return self._folder + self.running

    @property
    def other(self) -> str:
        """The folder of the set that does not run."""
        return self._folder + self._other()

    def start(self) -> str:
        """The folder to run now. A start on trial is counted before anything else; never raises.

        What cannot be written down cannot be counted, and is given up.
        """
        if self.trial:
            self.trial["starts"] += 1
            try:
                self._save()
                counted = True
            except OSError:
                counted = False
            if not counted or self.trial["starts"] > MOST_STARTS:
                self.go_back()
        return self.path

    def go_back(self) -> None:
        """The old set again, for good; never raises."""
        self.failed = (self.failed + [self.trial["digest"]])[-REMEMBERED:]
        self.gone = self.trial["number"]
        self.running, self.trial = self._other(), {}
        try:
            self._save()
        except OSError:
            pass  # the record still says trial, and the next start is counted

    def offered(self, number: int) -> None:
        if number > self.highest:
            self.highest, self.gone = number, 0
            self._save()

    def begin(self, digest: str) -> None:
        """Make room for the set of this manifest; what is there of the same one stays."""
        if digest == self.loading:
            return
        if self.loading:
            self.loading = ""
            self._save()  # what is there is nobody's while it goes
        remove(self.other)
        self.loading = digest
        self._save()

    def switch(self, number: int, digest: str) -> None:
        """One small write decides which set the next start runs."""
        before = self.running
        self.running, self.loading = self._other(), ""
        self.trial = {"number": number, "digest": digest, "starts": 0}
        try:
            self._save()
        except OSError:
            self.running, self.loading, self.trial = before, digest, {}
            raise

    def confirm(self) -> None:
        """The trial is over. The old set stays, for the day when the record cannot be read, until it is needed."""
        trial, self.trial = self.trial, {}
        self.good = trial["number"]
        try:
            self._save()
        except OSError:
            self.trial = trial
            raise

    def room(self) -> int:
        """Bytes that a new set may take."""
        told = os.statvfs(self._folder)
        return int(told[0] * told[4]) - SPARE

    # --- below ---

    def _other(self) -> str:
        return NAMES[1 - NAMES.index(self.running)]

    def _read(self) -> None:
        try:
            with open(self._folder + _RECORD) as file:
                kept = json.loads(file.read())
            if kept["running"] not in NAMES:
                raise ValueError
            self.running, self.trial = kept["running"], kept["trial"]
            self.highest, self.good, self.gone = kept["highest"], kept["good"], kept["gone"]
            self.failed, self.loading = kept["failed"], kept["loading"]
        except (OSError, ValueError, KeyError, TypeError):
            self._take_what_is_there()

    def _take_what_is_there(self) -> None:
        """No record yet, or none that can be read: the first set that has files."""
        there = os.listdir(self._folder)
        self.running = "b" if "b" in there and "a" not in there else "a"

    def _save(self) -> None:
        kept = {
            "running": self.running,
            "trial": self.trial,
            "highest": self.highest,
            "good": self.good,
            "gone": self.gone,
            "failed": self.failed,
            "loading": self.loading,
        }
        with open(self._folder + _DRAFT, "w") as file:
            file.write(json.dumps(kept))
        os.rename(self._folder + _DRAFT, self._folder + _RECORD)


def remove(path: str) -> None:
    """A file, or a folder with all that is in it; nothing, if it is not there."""
    try:
        folder = os.stat(path)[0] & _DIRECTORY
    except OSError:
        return
    if not folder:
        os.remove(path)
        return
    for name in os.listdir(path):
        remove(path + "/" + name)
    os.rmdir(path)


def make_folders(path: str) -> None:
    """All folders above the file `path`."""
    at = path.find("/", 1)
    while at > 0:
        try:
            os.mkdir(path[:at])
        except OSError:
            pass  # it is there; if not, opening the file says so
        at = path.find("/", at + 1)
