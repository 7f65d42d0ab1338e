"""The end by a signal, however often and whenever it comes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

WAITS = """
from queue_server.wire.ending import Ending
ending = Ending()
print("ready", flush=True)
ending.wait()
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_storm_of_signals_ends_a_program_once_and_hangs_nothing(number: signal.Signals) -> None:
    """As it happens when a whole process group goes: each thread that ends sends another one."""
    for _ in range(5):
        program = subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True)
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        deadline = time.monotonic() + 10
        while program.poll() is None and time.monotonic() < deadline:
            program.send_signal(number)
        assert program.stdout.read() in ("ended\n", "")
        assert program.wait(1) in (0, -number)
