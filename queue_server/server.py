"""The server's process: decides, commits and answers, and does nothing slow. Composition root of the desk."""

from __future__ import annotations

import argparse
import queue
import secrets
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from paho.mqtt.client import MQTT_ERR_SUCCESS, MQTTMessageInfo
from prometheus_client import Counter

from . import said, settings
from .desk import public
from .desk.clock import Clock
from .desk.desk import Changed, Desk, Request
from .desk.estimates import Table
from .desk.terms import DossierTerms
from .doors.broker import SERVER, is_loopback
from .doors.child import reachable
from .doors.local import LocalDoor
from .doors.mqtt import RECEIVED, UNREADABLE, BrokerAccess, MqttDoor
from .first_start import first_accounts, tell
from .folder import Folder
from .line import events as e
from .line import orders as o
from .line.decide import ahead_of
from .line.state import Ticket
from .store import papers
from .store.catalogue import Catalogue
from .store.catalogue_file import import_sample
from .store.devices import Devices
from .store.forms import CentreForms
from .store.heads import DailyHeads, HeadKey
from .store.log import SNAPSHOT_EVERY, Log, LogFull
from .store.papers import Papers
from .store.schema import CannotOpen, connect
from .store.vault import Vault, master_key
from .wire import logs, topics
from .wire import messages as m
from .wire.ending import Ending
from .wire.sealed import private_key, public_text
from .wire.surveys import offered
from .wire.words import DAY, SECOND, Estimate

log = structlog.get_logger()
BATCH = 400
TICK_S = 5.0
LINE_EVERY_S = 0.25
CENTRE = e.Actor(device="centre")


@dataclass
class Clerk:
    """The one thread that writes: takes what has come, has the desk carry it out, publishes what changed."""

    desk: Desk
    _inbox: queue.SimpleQueue[Request | Callable[[], None] | None] = field(
        default_factory=queue.SimpleQueue
    )
    _going_out: list[tuple[int, MQTTMessageInfo]] = field(default_factory=list)
    _line_due: bool = True
    _line_said: float = 0.0
    _next_tick: float = 0.0
    _next_hour: float = 0.0
    mqtt: MqttDoor | None = None
    local: LocalDoor | None = None
    heads: DailyHeads | None = None
    settings: settings.CentreFile = field(default_factory=settings.CentreFile)
    catalogue_version: str = ""
    forms: CentreForms | None = None
    _forms_said: str = ""
    filing_key: str = ""
    papers: Papers | None = None
    database: Path | None = None
    web: str = ""
    """Where devices of the centre find the pages."""
    _say_all: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def submit(self, request: Request) -> None:
        self._inbox.put(request)

    def do(self, job: Callable[[], None]) -> None:
        """Have something done in the clerk's thread, which alone may read and change the state."""
        self._inbox.put(job)

    def say_everything(self) -> None:
        """All retained state again: the broker may be new."""
        self._say_all.set()
        self._inbox.put(None)

    def stop(self) -> None:
        self._stopped.set()
        self._inbox.put(None)

    def run(self) -> None:
        """Until `stop()`; ends with a snapshot, so that the next start is quick."""
        self.desk.on_changed = self._changed
        while not self._stopped.is_set():
            batch = self._take()
            if batch:
                self.desk.carry_out(batch)
            self._housekeeping()
        with self.desk.log.transaction():
            self.desk.log.sent(self._take_sent())
            self.desk.log.snapshot(self.desk.state)

    def _take(self) -> list[Request]:
        now = time.monotonic()
        wait = min(self._next_tick - now, self._line_said + LINE_EVERY_S - now)
        if not self._line_due:
            wait = self._next_tick - now
        batch: list[Request] = []
        try:
            item = self._inbox.get(timeout=max(0.0, wait))
            while True:
                if isinstance(item, Request):
                    batch.append(item)
                elif item is not None:
                    item()
                if len(batch) >= BATCH:
                    break
                item = self._inbox.get_nowait()
        except queue.Empty:
            pass
        return batch

    def _housekeeping(self) -> None:
        now = time.monotonic()
        if now >= self._next_tick:
            self._next_tick = now + TICK_S
            for chore in (self._tick, self._sign_heads, self._notice_forms):
                try:
                    chore()
                except (LogFull, OSError) as error:  # the next tick tries again
                    log.error("chore_failed", chore=chore.__name__, cause=str(error))
        if self._say_all.is_set():
            self._say_all.clear()
            self._say_retained()
        if self._line_due and now >= self._line_said + LINE_EVERY_S:
            self._say_line()
            self._line_said, self._line_due = now, False

    def _tick(self) -> None:
        """The clock's own order, and the tidying that it brings; writes nothing when nothing is due."""
        desk = self.desk
        desk.carry_out([Request("", "PassTime", CENTRE, o.PassTime(), lambda _: None)])
        if self.local is not None:
            self.local.say_figures(self._figures())
        sent = self._take_sent()
        snapshot_due = desk.log.seq - self._snapshot_seq() >= SNAPSHOT_EVERY
        hourly = time.monotonic() >= self._next_hour
        if not (sent or snapshot_due or hourly):
            return
        with desk.log.transaction():
            desk.log.sent(sent)
            if snapshot_due:
                desk.log.snapshot(desk.state)
            if hourly:
                self._next_hour = time.monotonic() + 3600
                self._hourly(desk)
        self._line_due = True

    def _forms_version(self) -> str:
        return self.forms.offered(self.desk.state.forms_checked).version if self.forms else ""

    def _notice_forms(self) -> None:
        """A form was marked, or the centre's own files were changed by hand: kiosks are told."""
        if self._forms_version() != self._forms_said:
            self._say_setup()

    def _sign_heads(self) -> None:
        if self.heads is not None:
            self.heads.follow(self.desk.log, self.desk.state.day)

    def _figures(self) -> dict[str, float]:
        """For `/metrics`: no visitor data."""
        desk, now = self.desk, self.desk.clock.now()
        waiting = sum(public.waiting_now(desk.state, s, now) for s in desk.state.waiting)
        return {
            "motcua_log_events": desk.log.seq,
            "motcua_tickets_today": len(desk.state.tickets),
            "motcua_waiting": waiting,
            "motcua_calls_by_simple_rule": public.calls_by_simple_rule(desk.state),
            "motcua_outbox_unsent": len(self._going_out),
            "motcua_clock_behind_seconds": desk.clock.behind_ms / SECOND,
            "motcua_broker_connected": float(self.mqtt is not None and self.mqtt.connected),
            "motcua_mqtt_asks": _total(RECEIVED),
            "motcua_mqtt_unreadable": _total(UNREADABLE),
            **public.score_figures(desk.state),
            **public.move_figures(desk.state),
            **public.dossier_figures(desk.state),
        }

    def _hourly(self, desk: Desk) -> None:
        now = desk.clock.now()
        desk.log.prune(now - 2 * DAY)
        forgotten = desk.vault.purge(now)
        struck = papers.forget(desk.log.conn)
        if forgotten:
            log.info("purged", visits=forgotten, papers=struck)
        if self.papers is not None:
            threading.Thread(target=self._tidy, name="tidy", daemon=True).start()

    def _tidy(self) -> None:
        """Files of papers that were forgotten, or never filed: away from the clerk's thread."""
        assert self.papers is not None and self.database is not None
        try:
            conn = connect(self.database, read_only=True)
            try:
                gone = self.papers.tidy(papers.living(conn), time.time())
            finally:
                conn.close()
        except (CannotOpen, OSError, sqlite3.Error) as error:
            log.error("papers_not_tidied", cause=str(error))
            return
        if gone:
            log.info("papers_tidied", folders=gone)

    def _snapshot_seq(self) -> int:
        row = self.desk.log.conn.execute("SELECT max(seq) FROM snapshots").fetchone()
        return row[0] or 0

    def _take_sent(self) -> list[int]:
        """Outbox lines whose PUBACK has come."""
        sent = [outbox for outbox, info in self._going_out if info.is_published()]
        self._going_out = [(x, info) for x, info in self._going_out if not info.is_published()]
        return sent

    # --- saying it ---

    def _changed(self, changed: Changed) -> None:
        if self.local is not None and changed.entries:
            self.local.say_happened(changed.entries)
        for entry in changed.entries:
            if isinstance(entry.event, e.Noted) and entry.event.what == "catalogue_imported":
                self.catalogue_version = entry.event.subject
            if isinstance(entry.event, e.FormMarked):
                changed.setup = True
        for outbox, topic, payload, retained in changed.outbox:
            self._publish(topic, payload, retained, outbox)
        for counter in changed.offers:
            self._say_offer(counter)
        for counter in changed.counters:
            self._say_counter(counter)
        if changed.setup:
            self._say_setup()
        self._line_due = self._line_due or changed.line

    def _publish(self, topic: str, payload: bytes, retained: bool, outbox: int = 0) -> None:
        info = self.mqtt.publish(topic, payload, retained) if self.mqtt is not None else None
        if outbox and info is not None and info.rc == MQTT_ERR_SUCCESS:
            self._going_out.append((outbox, info))

    def _say_retained(self) -> None:
        self._say_setup()
        for counter in self.desk.state.counters:
            self._say_counter(counter)
            self._say_offer(counter)
        self._say_line()
        self._say_unsent()

    def _say_unsent(self) -> None:
        """Calls that were saved but perhaps never published; the board judges their age by `at`."""
        done = set(self._take_sent())
        self._going_out.clear()
        for outbox, _at, topic, payload, retained in self.desk.log.waiting_out():
            if outbox not in done:
                self._publish(topic, payload, retained, outbox)
        with self.desk.log.transaction():
            self.desk.log.sent(list(done))

    def _say_setup(self) -> None:
        desk, file = self.desk, self.settings
        self._forms_said = self._forms_version()
        message = public.centre_setup(
            desk.state,
            desk.clock.now(),
            self.web,
            file.web.public_url,
            self.catalogue_version,
            file.colours,
            file.web.take,
            self._forms_said,
            self.filing_key,
            desk.surveys.values(),
        )
        self._publish(topics.SETUP.at(desk.state.setup.centre), m.encode(message), True)

    def _say_line(self) -> None:
        desk = self.desk
        message = public.line_state(desk.state, desk.estimates, desk.clock.now())
        self._publish(topics.LINE.at(desk.state.setup.centre), m.encode(message), True)

    def take_table(self, table: Table) -> None:
        """New estimates from the twin: said on the line, to followers, and to kiosks of fresh tickets."""
        before = self.desk.estimates.table.at
        self.desk.estimates.replace(table)
        self._line_due = True
        if self.local is not None:
            self.local.say_table(table)
        for ticket in list(self.desk.state.tickets.values())[-50:]:
            if ticket.arrived < before or ticket.id not in table.tickets:
                continue
            now = self.desk.clock.now()
            estimate = public.wait_of(self.desk.state, self.desk.estimates, ticket, now)
            if estimate is not None:
                self._say_update(ticket, estimate)

    def _say_update(self, ticket: Ticket, estimate: Estimate) -> None:
        ahead = ahead_of(self.desk.state, ticket.service, ticket.priority) - 1
        update = m.TicketUpdate(
            ticket=ticket.id, at=self.desk.clock.now(), ahead=max(0, ahead), estimate=estimate
        )
        topic = topics.TICKET_UPDATE.at(self.desk.state.setup.centre, device=ticket.source)
        if self.mqtt is not None:
            self.mqtt.publish(topic, m.encode(update), qos=0)

    def _say_counter(self, counter: int) -> None:
        desk = self.desk
        message = public.counter_state(desk.state, counter, desk.clock.now())
        topic = topics.COUNTER.at(desk.state.setup.centre, counter=counter)
        self._publish(topic, m.encode(message), True)

    def _say_offer(self, counter: int) -> None:
        topic = topics.OFFER.at(self.desk.state.setup.centre, counter=counter)
        offer = self.desk.offer_at(counter)
        self._publish(topic, m.encode(offer) if offer else b"", True)


def _total(counter: Counter) -> float:
    """A counter over all its labels."""
    return sum(
        sample.value
        for metric in counter.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    )


@dataclass
class Server:
    """All parts of the process, started and stopped together."""

    folder: Folder
    file: settings.CentreFile
    access: BrokerAccess
    web: str = ""
    speed: float = 1.0
    ahead_ms: int = 0
    origin: int = 0

    def start(self) -> None:
        event_log = Log(self.folder.database)
        state = event_log.load()
        master = master_key(self.folder.master_key(self.file.vault.key_file))
        vault = Vault(event_log.conn, master)
        clock = Clock(state.at, speed=self.speed, ahead_ms=self.ahead_ms, origin=self.origin)
        file = self.file
        terms = DossierTerms(file.code_rule(), file.dossiers.keep_days, file.own_days())
        desk = Desk(event_log, vault, clock, said.refusal, file.web.public_url, terms=terms)
        desk.surveys = offered(self.folder.surveys)
        desk.state = state
        self.clerk = Clerk(desk, settings=self.file, web=self.web)
        self.clerk.filing_key = public_text(private_key(master))
        self.clerk.papers = Papers(self.folder.root)
        self.clerk.database = self.folder.database
        self.clerk.heads = daily_heads(self.folder)
        self._counters: dict[str, int | None] = {}
        self._revoked: frozenset[str] = frozenset()
        self._presence: dict[str, m.Presence] = {}
        self._configs: dict[str, bytes] = {}
        self._read_devices()
        services = self.file.catalogue.services
        import_sample(self.folder.root, Path(services) if services else None)
        self.clerk.catalogue_version = Catalogue(self.folder.root).version()
        self.clerk.forms = CentreForms(self.folder.root, self.file.forms.sample)
        seed(desk, self.file, self.folder.first_login)
        self.clerk.mqtt = MqttDoor(
            self.access,
            self.file.centre.id,
            self.clerk.submit,
            self._counters.get,
            self._connected,
            on_presence=self._seen,
            shut_out=lambda device: device in self._revoked,
        )
        self.clerk.local = LocalDoor(
            self.folder.door,
            self.clerk.submit,
            lambda: event_log.seq,
            lambda: desk.estimates.table,
            self._fresh_table,
            self._read_devices,
            lambda: tuple(self._presence.values()),
        )
        self._thread = threading.Thread(target=self.clerk.run, name="clerk")
        self._thread.start()
        self.clerk.local.start()
        self.clerk.mqtt.start()
        offset = state.setup.rules.utc_offset_minutes
        threading.Thread(target=terms.warm, args=(clock.now(), offset)).start()
        log.info("server_started", seq=event_log.seq, day=state.day, tickets=len(state.tickets))

    def stop(self) -> None:
        if self.clerk.mqtt is not None:
            self.clerk.mqtt.stop()
        if self.clerk.local is not None:
            self.clerk.local.stop()
        self.clerk.stop()
        self._thread.join()
        self.clerk.desk.log.close()
        log.info("server_stopped")

    def _seen(self, presence: m.Presence) -> None:
        """Presence is kept in memory alone: a retained "online" of yesterday is judged by its `until`."""
        self._presence[presence.device] = presence
        if self.clerk.local is not None:
            self.clerk.local.say_seen(presence)

    def _connected(self) -> None:
        self.clerk.say_everything()
        for device, payload in list(self._configs.items()):
            self._say_config(device, payload)

    def _say_config(self, device: str, payload: bytes) -> None:
        if self.clerk.mqtt is not None:
            topic = topics.CONFIG.at(self.file.centre.id, device=device)
            self.clerk.mqtt.publish(topic, payload, retained=True)

    def _read_devices(self) -> None:
        """At the start, and by the local door's thread when devices changed."""
        devices = Devices(self.folder.devices, "")
        try:
            listed = devices.list()
            known = {device.name: device.counter for device in listed}
            wanted = {name: m.encode(one.config) for name, one in devices.wanted().items()}
        finally:
            devices.close()
        before, self._configs = self._configs, wanted
        for name in before.keys() | wanted.keys():
            if before.get(name) != wanted.get(name):
                self._say_config(name, wanted.get(name, b""))
        self._revoked = frozenset(x.name for x in listed if x.revoked_at is not None)
        self._counters.update(known)
        for name in self._counters.keys() - known.keys():
            del self._counters[name]

    def _fresh_table(self, table: Table) -> None:
        self.clerk.do(lambda: self.clerk.take_table(table))


def daily_heads(folder: Folder) -> DailyHeads | None:
    """None when the key is torn or cannot be written: visitors are served all the same."""
    try:
        return DailyHeads(HeadKey.open(folder.head_key), folder.heads)
    except (OSError, ValueError) as error:
        log.error("heads_not_signed", cause=str(error))
        return None


def seed(desk: Desk, file: settings.CentreFile, first_login: Path) -> None:
    """At first start the settings file becomes the log's first event; later it only is compared."""
    if desk.log.seq == 0:
        accounts, told = first_accounts(file.setup())
        tell(first_login, told)
        orders = [o.ChangeSetup(setup=file.setup(), why="first start"), *accounts]
        desk.carry_out([Request("", type(x).__name__, CENTRE, x, lambda _: None) for x in orders])
    elif desk.state.setup != file.setup():
        log.warning("settings_differ", hint="the log's setup stays; motcua doctor shows where")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="motcua-server")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--settings", type=Path)
    parser.add_argument("--broker-port", type=int, required=True)
    parser.add_argument("--web", default="", help="address of the pages, as devices reach them")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--ahead-ms", type=int, default=0)
    parser.add_argument("--origin", type=int, default=0)
    args = parser.parse_args(arguments)
    logs.begin()
    folder = Folder(args.data)
    file = settings.read(args.settings)
    secret = folder.server_secret(secrets.token_urlsafe(32), secrets.token_hex(16))
    outside = file.outside_broker.host
    ca = folder.authority / "ca.pem"
    host = outside or file.broker.host
    access = BrokerAccess(
        host=reachable(host),
        port=args.broker_port,
        username=f"{SERVER}.{file.centre.id}",
        password=secret.password,
        client_id=f"{SERVER}.{file.centre.id}" if outside else secret.client_id,
        ca="" if is_loopback(host) else ca.read_text(),
    )
    server = Server(folder, file, access, args.web, args.speed, args.ahead_ms, args.origin)
    ending = Ending()
    server.start()
    ending.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
