"""A desk on a real database in a folder, without brokers: asks in, answers out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import msgspec

from queue_server import said
from queue_server.desk.clock import Clock
from queue_server.desk.desk import Changed, Desk, Request
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.store.log import Log
from queue_server.store.vault import Vault, master_key
from queue_server.wire import messages as m
from queue_server.wire.link import new_id
from queue_server.wire.words import Role
from tests.line_room import small_setup

opened: list[Closable] = []


class Closable(Protocol):
    def close(self) -> None: ...


def close_all() -> None:
    """After each test (conftest): a process holds a thousand of such files, and no more."""
    while opened:
        opened.pop().close()


class DeskRoom:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "centre.db"
        self.key = folder / "key" / "master.key"
        self.changes: list[Changed] = []
        self.open()
        self.give(o.ChangeSetup(setup=small_setup()), role=None)

    def open(self) -> None:
        log = Log(self.path)
        opened.append(log)
        self.desk = Desk(
            log,
            Vault(log.conn, master_key(self.key)),
            Clock(),
            said.refusal,
            "https://mc.example",
            on_changed=self.changes.append,
        )
        self.desk.start()

    def ask(self, message: Any, device: str = "kiosk-1", counter: int | None = None) -> m.Answer:
        """As a device asks."""
        return self._carry(message, e.Actor(device=device), None, message.id, counter)

    def give(
        self,
        order: Any,
        account: str = "",
        role: Role | None = Role.OFFICER,
        order_id: str | None = None,
    ) -> m.Answer:
        """As a person orders through the pages."""
        actor = e.Actor(device="web", account=account)
        return self._carry(order, actor, role, new_id() if order_id is None else order_id)

    def _carry(
        self,
        body: Any,
        actor: e.Actor,
        role: Role | None,
        order_id: str,
        counter: int | None = None,
    ) -> m.Answer:
        answers: list[m.Answer] = []
        verb = type(body).__name__
        self.desk.carry_out([Request(order_id, verb, actor, body, answers.append, role, counter)])
        return answers[0]

    def events(self) -> list[Any]:
        return [entry.event for change in self.changes for entry in change.entries]


def ok(answer: m.Answer) -> dict[str, Any]:
    assert answer.refusal is None, answer.refusal
    found: dict[str, Any] = msgspec.json.decode(answer.ok)
    return found
