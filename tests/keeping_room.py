"""A centre that has lived a little, as files: for tests of its keeping."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from queue_server.desk import commands as c
from queue_server.folder import Folder
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.store.heads import HeadKey
from queue_server.store.log import GENESIS, Log, chain, rows
from queue_server.store.schema import connect
from queue_server.store.verify import Verified, verify
from queue_server.wire import messages as m
from queue_server.wire.link import new_id
from tests.desk_room import DeskRoom, ok
from tests.house import take

CODE = "H19.15-261123-0007"


class KeepingRoom(DeskRoom):
    """A desk on `root`/centre.db with the master key beside the folder, as `motcua up` lays them."""

    def __init__(self, root: Path) -> None:
        self.folder = Folder(root)
        self.folder.open()
        super().__init__(root)
        self.head_key = HeadKey.open(self.folder.head_key)

    def open(self) -> None:
        self.path, self.key = self.folder.database, self.folder.master_key()
        super().open()

    def live(self, visits: int = 3) -> list[str]:
        """Visitors with sealed phones come, are served and rate; returns their numbers."""
        numbers = [self.number(phone="0912345678") for _ in range(visits)]
        ok(self.give(o.OpenCounter(counter=1), "hoa"))
        for _ in range(visits):
            self._serve()
        return numbers

    def number(self, service: str = "a", **more: object) -> str:
        return str(ok(self.ask(take(service, **more)))["number"])

    def _serve(self) -> None:
        called = ok(self.give(o.CallNext(counter=1), "hoa"))["ticket"]
        finish = c.FinishService(counter=1, ticket=called, dossiers=(CODE,))
        ok(self.give(finish, "hoa"))
        offer = self.desk.offer_at(1)
        assert offer is not None
        rate = m.Rate(id=new_id(), offer=offer.offer, score=4, words="tốt", pressed_at=0)
        ok(self.ask(rate, "tablet-1"))

    def snapshot(self) -> None:
        with self.desk.log.transaction():
            self.desk.log.snapshot(self.desk.state)

    def next_day(self, day: str) -> None:
        """The log goes on with another day (which no clock says)."""
        log, at = self.desk.log, self.desk.clock.now()
        actor = e.Actor(device="test")
        with log.transaction():
            for event in (e.DayEnded(reason="midnight"), e.DayStarted(day=day)):
                log.append(event, at, actor, "")
        self.desk.start()

    def check(self, **more: object) -> Verified:
        """What `motcua verify` finds, read beside the open desk."""
        conn = connect(self.path, read_only=True)
        more = {"master": self.key.read_bytes(), "now": int(time.time() * 1000), **more}
        try:
            return verify(conn, self.head_key.public, **more)  # type: ignore[arg-type]
        finally:
            conn.close()

    def meddle(self, sql: str, *values: object) -> None:
        """As somebody with the file does, past the program."""
        conn = sqlite3.connect(self.path)
        with conn:
            assert conn.execute(sql, values).rowcount == 1
        conn.close()

    def chain_anew(self) -> None:
        """Mend the hash chain after a meddling, as a careful forger does."""
        conn = sqlite3.connect(self.path)
        before = GENESIS
        with conn:
            for row in list(rows(conn)):
                before = chain(
                    before,
                    row.seq,
                    row.at,
                    row.device,
                    row.account,
                    row.order,
                    row.kind,
                    row.body,
                )
                conn.execute("UPDATE events SET hash = ? WHERE seq = ?", (before, row.seq))
            conn.execute(
                "UPDATE snapshots SET hash = (SELECT hash FROM events e WHERE e.seq = snapshots.seq)"
            )
        conn.close()

    def seq_of(self, kind: str) -> int:
        row = self.desk.log.conn.execute(
            "SELECT seq FROM events WHERE kind = ? ORDER BY seq LIMIT 1", (kind,)
        ).fetchone()
        return int(row[0])


def whole(log: Log) -> list[int]:
    return [row.seq for row in rows(log.conn)]
