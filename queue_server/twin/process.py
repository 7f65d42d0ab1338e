"""The twin's process: follows the line and keeps the table of wait estimates fresh, beside the server."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from pathlib import Path
from random import Random

import structlog

from ..desk.clock import Clock
from ..doors.local import FreshTable
from ..doors.replica import Replica
from ..folder import Folder
from ..line.events import Entry
from ..wire import logs
from .rollout import FUTURES, table

log = structlog.get_logger()
AT_MOST_EVERY_S = 2.0
AT_LEAST_EVERY_S = 8.0
BUSY_S = 1.5
"""When a pass takes longer than this, the next one draws fewer futures."""


async def keep_fresh(folder: Folder, clock: Clock) -> None:
    replica = Replica(folder.database, folder.door)
    changed = asyncio.Event()

    def happened(entries: list[Entry]) -> None:
        if entries or not replica.estimates.table.at:
            changed.set()

    replica.listen(happened)
    replica.start()
    chance, futures = Random(), FUTURES
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), AT_LEAST_EVERY_S)
        changed.clear()
        if not replica.fresh:
            continue
        began = time.monotonic()
        fresh = table(replica.state, max(clock.now(), replica.state.at), chance, futures)
        took = time.monotonic() - began
        futures = max(6, futures // 2) if took > BUSY_S else min(FUTURES, futures + 2)
        replica.line.send(FreshTable(table=fresh))
        await asyncio.sleep(AT_MOST_EVERY_S)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="motcua-twin")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--ahead-ms", type=int, default=0)
    parser.add_argument("--origin", type=int, default=0)
    args = parser.parse_args(arguments)
    logs.begin()
    clock = Clock(speed=args.speed, ahead_ms=args.ahead_ms, origin=args.origin)

    async def run() -> None:
        task = asyncio.create_task(keep_fresh(Folder(args.data), clock))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
