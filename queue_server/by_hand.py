"""An order from the shell: through the local door of a running centre, else at its closed database."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from typing import Any

from . import said
from .desk.clock import Clock
from .desk.desk import Desk, Request
from .doors.local import DevicesChanged, Following, LocalLine, framed
from .folder import AlreadyRunning, Folder
from .line import events as e
from .store.log import Log
from .store.schema import CannotOpen
from .store.vault import Vault
from .wire import messages as m
from .wire.words import Frozen

COMMAND = e.Actor(device="command")
WITHIN_S = 15.0


class Away(Exception):
    """Nobody took the order; the text is one line."""


def is_running(folder: Folder) -> bool:
    """Whether a server answers at the folder's local door."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(folder.door))
        except OSError:
            return False
    return True


def give(folder: Folder, verb: str, body: Frozen, devices_changed: bool = False) -> m.Answer:
    """The centre's answer, a refusal included. Raises Away.

    `devices_changed`: the server is to read the table of devices anew, too.
    """
    if is_running(folder):
        return asyncio.run(_at_the_door(folder, verb, body, devices_changed))
    try:
        with folder.lock():
            return _at_the_desk(folder, verb, body)
    except AlreadyRunning as error:
        raise Away(f"{error}, but its server does not answer: try again in a moment") from error
    except (CannotOpen, OSError) as error:
        raise Away(str(error)) from error


def say_devices_changed(folder: Folder) -> None:
    """Have a running server read the table of devices anew."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
        line.connect(str(folder.door))
        line.sendall(framed(DevicesChanged()))


def presences(folder: Folder) -> dict[str, m.Presence]:
    """What devices last said of themselves, as the running server knows it; nothing when it does not run."""
    if not is_running(folder):
        return {}
    try:
        return {one.device: one for one in asyncio.run(_following(folder)).presence}
    except (TimeoutError, ConnectionError):
        return {}


async def _following(folder: Folder) -> Following:
    heard: asyncio.Future[Following] = asyncio.get_running_loop().create_future()

    def take(head: Following) -> None:
        if not heard.done():
            heard.set_result(head)

    line = LocalLine(folder.door, take)
    line.start()
    try:
        async with asyncio.timeout(WITHIN_S):
            return await heard
    finally:
        await line.stop()


async def _at_the_door(folder: Folder, verb: str, body: Frozen, devices_changed: bool) -> m.Answer:
    line = LocalLine(folder.door, follow=False)
    line.start()
    try:
        async with asyncio.timeout(WITHIN_S):
            await line.up.wait()
            if devices_changed:
                line.send(DevicesChanged())
            return await line.give(secrets.token_hex(16), verb, body, COMMAND, None, WITHIN_S)
    except (TimeoutError, ConnectionError) as error:
        raise Away("the server does not answer: try again in a moment") from error
    finally:
        await line.stop()


def _at_the_desk(folder: Folder, verb: str, body: Any) -> m.Answer:
    """Raises CannotOpen; Away before the first start, which must find an empty log."""
    if not folder.database.exists():
        raise Away(f"no centre in {folder.root}: start it once with `motcua up`")
    log = Log(folder.database)
    try:
        if log.seq == 0:
            raise Away(f"the centre in {folder.root} was never started: `motcua up` first")
        vault = Vault(log.conn, os.urandom(32))  # what the shell orders seals and opens nothing
        state = log.load()
        desk = Desk(log, vault, Clock(state.at), said.refusal, state=state)
        answers: list[m.Answer] = []
        desk.carry_out([Request("", verb, COMMAND, body, answers.append)])
        return answers[0]
    finally:
        log.close()
