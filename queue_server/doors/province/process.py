"""The process that passes filed dossiers on to the province: started by `motcua up` where `[province] url` is set."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from ... import settings
from ...desk.clock import Clock
from ...folder import Folder
from ...line import events as e
from ...line.passing import PROVINCE
from ...store.papers import Papers
from ...store.schema import connect
from ...store.vault import Vault, master_key
from ...wire import logs
from ...wire import messages as m
from ...wire.link import new_id
from ...wire.words import Frozen
from ..local import LocalLine
from .courier import Courier, client_for

STIR = (e.DossierFiled, e.DossierCodeCame, e.DossierPassed)
"""Events after which there may be something to do."""


async def carry(
    folder: Folder, file: settings.CentreFile, clock: Clock, ending: asyncio.Event
) -> None:
    """Works until it is cancelled. `ending` is set before: `wait_for` swallows a cancel that comes in the very moment
    in which it has its answer."""
    stirred = asyncio.Event()

    def happened(entries: list[e.Entry]) -> None:
        if any(isinstance(x.event, STIR) for x in entries):
            stirred.set()

    line = LocalLine(folder.door, on_happened=happened)
    line.start()
    await line.up.wait()  # the server has made database and key by then
    actor = e.Actor(device=PROVINCE)

    async def tell(verb: str, body: Frozen) -> m.Answer:
        return await line.give(new_id(), verb, body, actor, None)

    conn = connect(folder.database, read_only=True)
    master = master_key(folder.master_key(file.vault.key_file))
    async with client_for(file.province) as client:
        courier = Courier(
            file=file,
            conn=conn,
            vault=Vault(conn, master),
            papers=Papers(folder.root),
            tell=tell,
            now=clock.now,
            client=client,
        )
        try:
            while not ending.is_set():
                stirred.clear()
                seconds = await courier.once()
                if ending.is_set():
                    break
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await stirred.wait()
        finally:
            await line.stop()
            conn.close()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="motcua-province")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--settings", type=Path)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--ahead-ms", type=int, default=0)
    parser.add_argument("--origin", type=int, default=0)
    args = parser.parse_args(arguments)
    logs.begin()
    clock = Clock(speed=args.speed, ahead_ms=args.ahead_ms, origin=args.origin)

    async def run() -> None:
        ending = asyncio.Event()
        file = settings.read(args.settings)
        task = asyncio.create_task(carry(Folder(args.data), file, clock, ending))

        def end() -> None:
            ending.set()
            task.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, end)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
