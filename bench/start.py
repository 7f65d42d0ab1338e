"""Start with a log of a million events: real days folded and snapshotted as the server does it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from queue_server import settings
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.decide import Issued, Refused, decide
from queue_server.line.state import State, apply
from queue_server.store.log import SNAPSHOT_EVERY, Log
from queue_server.wire.words import DAY, MINUTE

MONDAY_MS = 1_772_411_400_000  # a Monday in March 2026, 07:30 in Vietnam


class Writer:
    """Gives orders to the rules and writes what they lead to."""

    def __init__(self, log: Log) -> None:
        self.log, self.state = log, State()

    def do(self, order: o.AnyOrder, at: int, account: str = "") -> object:
        actor = e.Actor(device="bench", account=account)
        events, reply = decide(self.state, order, at, actor)
        for event in events:
            self.log.append(event, at, actor, "")
            apply(self.state, event, at, actor)
        return reply


def day(writer: Writer, start: int, chance: Random, visitors: int = 700) -> None:
    """Visitors come all day; each counter calls, starts and finishes."""
    setup = writer.state.setup
    seated = [(x.account, x.counter) for x in setup.officers if x.counter is not None]
    for account, counter in seated:
        writer.do(o.OpenCounter(counter=counter), start, account)
    for n in range(visitors):
        at = start + n * 480 * MINUTE // visitors
        service = chance.choice(setup.services).id
        reply = writer.do(
            o.IssueTicket(service=service, visit=f"{start}-{n}", token_hash=f"{n}"), at
        )
        assert isinstance(reply, Issued)
        account, counter = chance.choice(seated)
        try:
            writer.do(o.CallNext(counter=counter, offer=f"{start}-{n}"), at, account)
            writer.do(o.Start(counter=counter), at, account)
        except Refused:
            continue


def write_log(path: Path, events: int) -> int:
    """A log of at least `events` lines in whole days; returns its length."""
    log, chance = Log(path), Random(11)
    writer, start, snapshot = Writer(log), MONDAY_MS, 0
    with log.transaction():
        writer.do(o.ChangeSetup(setup=settings.read(settings.example()).setup()), start)
    while log.seq < events:
        with log.transaction():
            writer.do(o.PassTime(), start)
            day(writer, start, chance)
            if log.seq - snapshot >= SNAPSHOT_EVERY:
                snapshot = log.seq
                log.snapshot(writer.state)
        start += DAY
    seq = log.seq
    log.close()
    return seq


PROBE = """
import json, resource, sys, time
began = time.perf_counter()
from pathlib import Path
import queue_server.server
imported = time.perf_counter()
from queue_server.store.log import Log
log = Log(Path(sys.argv[1]))
state = log.load()
loaded = time.perf_counter()
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"import_s": imported - began, "load_s": loaded - imported,
                  "memory_mb": memory, "seq": log.seq, "tickets": len(state.tickets)}))
"""


def measure_start(events: int = 1_000_000) -> dict[str, float]:
    """Seconds to import and to load in a fresh process, its memory, and what the writing took."""
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder:
        path = Path(folder) / "centre.db"
        began = time.perf_counter()
        seq = write_log(path, events)
        wrote = time.perf_counter() - began
        run = subprocess.run(
            [sys.executable, "-c", PROBE, str(path)], capture_output=True, text=True, check=True
        )
        found: dict[str, float] = json.loads(run.stdout)
        return {**found, "events": seq, "written_s": wrote, "size_mb": path.stat().st_size / 1e6}


if __name__ == "__main__":
    print(json.dumps(measure_start(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)))
