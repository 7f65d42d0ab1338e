"""The kiosk's side of self-filing in a process of its own, for the search of its memory: one visit, and it stays.

python -m tests.filing_kiosk FOLDER     prints a line when the child shows its first picture; FOLDER/over at the end.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from kiosk.settings import KioskSettings

from .child_room import Child, PretendCentre
from .filing_visit import visit


def main(folder: Path) -> None:
    centre = PretendCentre(keeps=False)
    centre.start()
    child = Child(folder, centre, KioskSettings(double_strike_ms=0))
    child.start()
    child.open(visit("visit-mem1"))
    print("shown", flush=True)
    child.over.wait()
    (folder / "over").touch()
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    os._exit(0)
