"""What is done in the kiosk's child: files, words, look-ups. Opens it with what it needs, and does what it asks for."""

from __future__ import annotations

import datetime as dt
import io
import time
from concurrent.futures import Future

import msgspec
import structlog
from PIL import Image

from kiosk.filing import talk
from kiosk.filing.parent import Events, FilingProcess
from queue_server.dossiers.catalogue import Procedure
from queue_server.dossiers.forms.offered import FormsOffered
from queue_server.wire import messages as m
from queue_server.wire.link import Link, new_id
from queue_server.wire.words import Language, local

from . import errand_rules as e
from . import finding_reports as f
from .app import KioskApp
from .doing import HELP_FOR_S
from .forms import Forms
from .printer import PrintOutcome, PrintQueue
from .settings import KioskSettings

log = structlog.get_logger()


class Errands:
    """Hooks the child into the kiosk: `open` is the app's `on_errand`, `setup_came` follows each new setup."""

    def __init__(
        self,
        app: KioskApp,
        link: Link,
        printing: PrintQueue,
        forms: Forms,
        process: FilingProcess,
        settings: KioskSettings,
    ) -> None:
        self._app, self._link, self._printing = app, link, printing
        self._forms, self._process, self._settings = forms, process, settings
        self._language = "vi"
        process.events = Events(
            shown=lambda: app.hear(e.ErrandShown),
            ended=self._ended,
            ticket=self._ticket,
            help=self._help,
            print=self._print,
        )

    def setup_came(self) -> None:
        """In the screen's thread. A centre that takes filings has a child kept warm for it."""
        setup = self._app.state.setup
        if setup is None:
            return
        self._forms.want(setup.forms_version)
        if setup.filing_key:
            self._process.warm()

    def can_file(self, code: str) -> bool:
        """A form of the procedure can be filled and handed in here today; from any thread."""
        setup = self._app.state.setup
        return bool(setup and setup.filing_key and self._forms_of(code, setup).forms)

    def _forms_of(self, code: str, setup: m.CentreSetup) -> FormsOffered:
        """Those that may be filed, or prepared for a counter."""
        offered = self._forms.offered
        found = tuple(
            each
            for each in self._forms.in_force(code, self._today(setup))
            if offered.sample or each.checked
        )
        return msgspec.structs.replace(offered, forms=found)

    def _today(self, setup: m.CentreSetup) -> dt.date:
        return local(self._link.now(), setup.utc_offset_minutes).date()

    # --- the screen's thread ---

    def open(self, want: f.OpenErrand) -> None:
        state = self._app.state
        setup = state.setup
        if setup is None:
            self._app.hear(e.ErrandEnded, reason="crashed")
            return
        self._language = want.language
        record = self._record(want.code)
        line = state.shelf.line(want.code) if state.shelf and want.code else None
        own, printer = self._settings.filing, self._settings.printer
        self._process.open(
            talk.Open(
                visit=new_id(),
                errand=want.errand.value,
                setup=setup,
                language=Language(want.language),
                record=record,
                service=(line.service or "") if line else "",
                forms=self._forms_of(want.code, setup) if want.code else FormsOffered(version=""),
                filing_key=setup.filing_key,
                device=self._link.credentials.device,
                offset_ms=self._link.now() - int(time.time() * 1000),
                online=state.connected,
                access=state.access,
                devices=talk.Devices(
                    camera=own.camera,
                    opened=own.camera_settings(),
                    card_reader=own.card_reader,
                    scan_folder=own.scan_folder,
                    printer=state.printer.prints,
                    dots=printer.width_dots,
                    dpi=printer.dpi,
                ),
                idle_ms=round(own.idle_seconds * 1000),
                warn_ms=round(own.warn_seconds * 1000),
                headphones=state.headphones,
            )
        )

    def _record(self, code: str) -> Procedure | None:
        shelf = self._app.state.shelf
        return shelf.record(code) if shelf is not None and code else None

    # --- the child's wishes; in its own threads ---

    def _ended(self, over: talk.Ended) -> None:
        self._app.hear(
            e.ErrandEnded, reason=over.reason, access=over.access, headphones=over.headphones
        )

    def _ticket(self, want: talk.WantsTicket) -> None:
        self._app.hear(
            e.TicketWanted,
            ask=new_id(),
            service=want.service,
            procedure=want.procedure or None,
            priority=want.priority,
            prepared=want.prepared,
            copies=want.copies,
            dossier=want.dossier_code,
            language=self._language,
        )

    def _help(self, screen: str) -> None:
        ask = m.CallHelp(id=new_id(), screen=screen)
        self._link.ask("call_help", ask, HELP_FOR_S).add_done_callback(self._helped)

    def _helped(self, done: Future[m.Answer]) -> None:
        heard = not done.cancelled() and done.exception() is None
        self._process.tell(talk.HelpComes(heard=heard))

    def _print(self, png: bytes) -> None:
        self._printing.submit(lambda: Image.open(io.BytesIO(png)).convert("1")).add_done_callback(
            self._printed
        )

    def _printed(self, done: Future[PrintOutcome]) -> None:
        failed = done.cancelled() or done.exception() is not None
        outcome = "failed" if failed else done.result().state.value
        self._process.tell(talk.Printed(outcome=outcome))
