"""What MicroPython starts: with sets.py at the root of the flash, where no update reaches it; the rest in a/firmware.

A set on trial is counted before it is loaded, and one that stops or hangs is a start too.
"""

import sys

import machine
import sets

WATCHDOG_MS = 8000
"""The same as in the board's file, for nothing can change it once it runs."""

kept = sets.Sets("/")
sys.path.insert(0, kept.start())
on_trial = bool(kept.trial)
if on_trial:
    machine.WDT(timeout=WATCHDOG_MS)
try:
    from firmware import run

    run.main()
except Exception as error:
    if not on_trial:
        raise
    sys.print_exception(error)  # type: ignore[attr-defined]
    machine.reset()
