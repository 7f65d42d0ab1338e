"""What is said on MQTT, message by message; `topics.py` says where, `docs/asyncapi.yaml` describes it outside.

A device asks (`ask/<device>/<verb>`), the server answers on the device's own `answer/<device>` with
the same id: `Answer.ok` holds the verb's reply, or `Answer.refusal` says why not. Receiving an ask
twice gives the same answer twice. All times are ms since 1970 UTC.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from .surveys import Survey
from .words import Estimate, Frozen, Language, Names, PriorityGroup


class Refusal(Frozen):
    """Why an ask was refused. `code` is a key under `[refusal]` in `texts/`, `vi`/`en` its text made."""

    code: str
    vi: str = ""
    en: str = ""


class Answer(Frozen):
    id: str
    verb: str
    at: int
    ok: msgspec.Raw = msgspec.Raw()
    """Empty when refused. (A union of Raw and None would decode nothing but null.)"""
    refusal: Refusal | None = None


# --- asks, and what they are answered with ------------------------------------------------------


class Hello(Frozen):
    """First word of a device after each connect; answered by `Welcome`."""

    id: str
    version: str
    clock: int


class Welcome(Frozen):
    """`at` is the server's clock: a device corrects its own by it; in a demo it runs `speed` times as fast."""

    at: int
    epoch: int
    counter: int | None = None
    speed: float = 1.0


class TakeTicket(Frozen):
    """A number, please. Answered by `TicketTaken`. `ttl_ms`: how long the visitor will stand there.

    What is known of the visit beforehand: `prepared` (forms filled and papers scanned), `copies` to
    be certified, `supplement` (she returns with what was missing). `booked` (ms): she wants to be called
    from then on and not now; refused with `booked_past`, `booked_outside` (opening hours) or `slot_full`.
    """

    id: str
    service: str
    asked_at: int
    ttl_ms: int = 30_000
    procedure: str | None = None
    priority: str | None = None
    language: Language = Language.VI
    phone: str | None = None
    dossier_code: str | None = None
    booked: int | None = None
    dossiers: int = 1
    then: tuple[str, ...] = ()
    prepared: bool = False
    copies: int = 0
    supplement: bool = False


class TicketTaken(Frozen):
    """What the paper and the screen show. `token` opens `/t/<token>`; `url` is empty without `public_url`.

    `booked` (ms): she is called from then on; `estimate` is then the wait from that time.
    """

    ticket: str
    number: str
    service: str
    issued_at: int
    ahead: int
    token: str
    url: str = ""
    estimate: Estimate | None = None
    priority: str | None = None
    counters: tuple[int, ...] = ()
    closes_in_minutes: int | None = None
    offline: bool = False
    """A cut off kiosk gave it; `ahead` is then what was last known, at `known_at`."""
    booked: int | None = None
    known_at: int | None = None
    """Offline: when (ms) the line was last heard of; None: never."""

    @property
    def comes_at(self) -> int | None:
        """Her own time (ms), if it was still to come when she got the number."""
        return self.booked if self.booked is not None and self.booked > self.issued_at else None


class WithdrawTicket(Frozen):
    """The visitor left before the answer came (`ask`: the id of her TakeTicket): cancel, or never issue."""

    id: str
    ask: str


class FreeTimes(Frozen):
    """Which times of a service can be booked? Answered by `TimesFree`."""

    id: str
    service: str


class FreeTime(Frozen):
    """A half-hour that can be booked: its start (ms), and how many places are left."""

    starts: int
    left: int


class TimesFree(Frozen):
    """By local day (`2026-11-27`), in order; a day without a free time is left out."""

    days: dict[str, tuple[FreeTime, ...]] = {}


class BookTime(Frozen):
    """A time of a day to come, please. Answered by `TimeBooked`.

    Refused with `no_appointments`, `booked_past`, `booked_outside` (hours, days off, too far ahead) or
    `slot_full`.
    """

    id: str
    service: str
    starts: int
    procedure: str | None = None
    priority: str | None = None
    language: Language = Language.VI
    phone: str | None = None


class TimeBooked(Frozen):
    """`token` is what the visitor checks in with, typed or by the QR of `url` (empty without `public_url`)."""

    appointment: str
    service: str
    starts: int
    token: str
    url: str = ""
    procedure: str | None = None


class CheckIn(Frozen):
    """She has come for her appointment: a number, please. Answered by `TicketTaken`.

    Refused with `unknown_appointment`, `appointment_other_day`, `appointment_used`, `appointment_cancelled`.
    """

    id: str
    token: str
    asked_at: int
    ttl_ms: int = 30_000


class CancelTime(Frozen):
    """She will not come: give her time to somebody else."""

    id: str
    token: str


class LeaseNumbers(Frozen):
    """Numbers to give while cut off, please. Answered by `Leased`.

    `have`: how many of each service can still be given. `held`: all numbers that this kiosk was leased
    for `day`, given or not, so that a server restored from a backup learns of them again.
    """

    id: str
    have: dict[str, int] = {}
    day: str = ""
    held: dict[str, tuple[str, ...]] = {}


class Leased(Frozen):
    """Numbers by service that this kiosk alone may give, only while it is cut off, and only on `day`.

    They come on top of what it has. `void`: numbers that it said it holds and must not give: others do.
    """

    day: str
    numbers: dict[str, tuple[str, ...]] = {}
    void: tuple[str, ...] = ()


class HandOver(Frozen):
    """A number that was given from a lease of `day` while cut off. Answered by `HandedOver`; in order.

    `issued_at`: by the server's clock, as the kiosk knows it now. `token`: SHA-256 (hex, the first 32
    signs) of the secret in the printed `/t/<token>`, which only the paper holds. `printed`: as in
    ReportPrint, if it is known. `dossier_code`: as in TakeTicket; one that cannot be one is left out.
    """

    id: str
    number: str
    service: str
    day: str
    issued_at: int
    token: str
    language: Language = Language.VI
    priority: str | None = None
    procedure: str | None = None
    dossiers: int = 1
    then: tuple[str, ...] = ()
    prepared: bool = False
    copies: int = 0
    supplement: bool = False
    printed: str = ""
    dossier_code: str | None = None


class HandedOver(Frozen):
    """`ticket` as the centre knows it now. `late`: her day or service was over; counted, in no line."""

    ticket: str
    number: str
    arrived: int
    late: bool = False


class ReportPrint(Frozen):
    """How the paper of a ticket came out: `confirmed`, `unknown` (printer silent) or `failed`."""

    id: str
    ticket: str
    outcome: str
    detail: str = ""
    reprint: bool = False


class CallHelp(Frozen):
    """A visitor at this device wants a person."""

    id: str
    screen: str = ""


class Rate(Frozen):
    """A rating for an offer. `score` 1 (very dissatisfied) … 5; `pressed_at` (ms) by the server's clock as the
    device knows it. `answers` to the offer's survey, by question; `shown`: how many of its questions she saw.
    """

    id: str
    offer: str
    score: int
    pressed_at: int
    reasons: tuple[str, ...] = ()
    words: str = ""
    source: str = "tablet"
    answers: dict[str, int] = {}
    shown: int = 0


class RatePressed(Frozen):
    """A button terminal at a counter was pressed: the server ties it to that counter's open offer."""

    id: str
    counter: int
    score: int
    terminal: str
    age_ms: int = 0


class Key(StrEnum):
    """The keys of a caller keypad."""

    NEXT = "next"
    RECALL = "recall"
    NO_SHOW = "no_show"
    FINISH = "finish"


class KeyPressed(Frozen):
    """The officer at a counter pressed a key of her keypad: the server does what her page would do.

    `age_ms` from the press to the asking, which was `at` (ms, the server's clock as the bridge knows it; 0: not
    told). Refused with `key_stale` when it is older than 10 s, with `counter_closed` when nobody is signed in there.
    """

    id: str
    counter: int
    key: Key
    terminal: str
    age_ms: int = 0
    at: int = 0


class StaySilent(Frozen):
    """The offer was shown and nobody answered in time."""

    id: str
    offer: str


class Done(Frozen):
    """The plain reply of a verb that has nothing more to say."""

    done: bool = True


# --- said by the server, retained unless noted ------------------------------------------------------


class ServiceInfo(Frozen):
    """A service as a kiosk shows it. `state`: open, suspended, closed; `cut_off` no more numbers today."""

    id: str
    letter: str
    name: Names
    state: str = "open"
    reason: str = ""
    counters: tuple[int, ...] = ()
    note: Names = Names(vi="", en="")


class CentreSetup(Frozen):
    """All that a device needs to draw its screens; published at each change and each start."""

    centre: str
    name: Names
    authority: Names
    at: int
    services: tuple[ServiceInfo, ...]
    priorities: tuple[PriorityGroup, ...]
    hotline: str = "1022"
    web: str = ""
    public_url: str = ""
    utc_offset_minutes: int = 420
    catalogue_version: str = ""
    colours: dict[str, str] = {}
    take_mode: str = "off"
    appointments: bool = False
    """Times of days to come can be booked."""
    forms_version: str = ""
    """Of `GET /api/forms`: another one than before, and a kiosk fetches them."""
    filing_key: str = ""
    """What a kiosk files is sealed to this public key (`wire/sealed.py`); empty: nothing can be filed."""
    phone_upload: bool = False
    """Visitors' phones reach the centre: papers may be handed in by phone (`POST /api/visits`)."""
    surveys: tuple[Survey, ...] = ()
    """Those that are asked here now."""


class Quieter(Frozen):
    """The local half-hour of today from which the wait is short again, as `14:30`, and its minutes.

    `starts` (ms): what an ask names as `booked` to have a number for it.
    """

    at: str
    minutes: float
    starts: int = 0


class ServiceLine(Frozen):
    """One service's line in numbers only. Wait in minutes for a visitor who comes now.

    `open_counters`: those that serve it at this moment; none and people waiting is no short wait.
    `waiting`: without those whose time is to come. `quieter`: while the wait is over the target, when it
    will be half as long; a number can be had for then.
    """

    id: str
    state: str
    waiting: int
    open_counters: tuple[int, ...] = ()
    estimate: Estimate | None = None
    reason: str = ""
    last_called: str = ""
    quieter: Quieter | None = None


class CounterLine(Frozen):
    """What a counter does now. `state`: closed, open, paused, calling, serving."""

    id: int
    state: str
    number: str = ""
    called_at: int = 0


class LineState(Frozen):
    """The public state of the whole line: numbers, never people."""

    at: int
    day: str
    state: str
    services: tuple[ServiceLine, ...]
    counters: tuple[CounterLine, ...]


class Call(Frozen):
    """Somebody is called (not retained). `times` 1 = first call, 2 = recall …; `age` is judged by `at`."""

    id: str
    at: int
    number: str
    counter: int
    times: int = 1
    language: Language = Language.VI


class CounterState(Frozen):
    """For the tablet and display at one counter: officer's name tag and the number being served."""

    counter: int
    name: Names
    state: str
    at: int
    number: str = ""
    officer: str = ""


class Offer(Frozen):
    """The rating offer of a counter, retained until answered; an empty payload takes it away.

    `survey`: which of the setup's surveys is asked after the five faces; none: the quick one.
    `number` is the ticket's number (a receipt number, never a name); `expires` ms UTC.
    """

    offer: str
    counter: int
    at: int
    expires: int
    number: str = ""
    procedure: str = ""
    language: Language = Language.VI
    survey: str = ""


class TicketUpdate(Frozen):
    """The rolled-out estimate that follows a ticket to the device which printed it (not retained)."""

    ticket: str
    at: int
    ahead: int
    estimate: Estimate | None = None


class DeviceConfig(Frozen):
    """What a device is to run with: keys of its settings table (`wire/remote.py` says which), over its own file.

    The device answers with a `ConfigRun` in its presence; an empty payload takes all wishes away. `firmware`: for
    a bridge, which package each of its terminals is to run (`GET /api/firmware/{package}`).
    """

    version: int
    values: dict[str, Any] = {}
    firmware: dict[str, str] = {}


class ConfigRun(Frozen):
    """A device's answer to a DeviceConfig. `state`: applied, restart (kept, counts from the next start), refused.

    `reason` of a refusal: not_remote, wrong_value, wrong_together or disk; `key`: which key it is about.
    """

    version: int
    state: str
    reason: str = ""
    key: str = ""


class TerminalSeen(Frozen):
    """A terminal as its bridge knows it. `state`: ok, never_seen, silent, unplugged, or what is wrong.

    `kind`: buttons, lamp, display, keypad. `make`: how it is spoken to (serial, wifi, zigbee2mqtt, tasmota,
    esphome). `seen`: when it last spoke (ms UTC, 0 never). `battery` in percent, None on mains or unknown.
    `key`: names its key without telling it. `waiting`, `lost`: presses in its log; refused by its full log.
    `update`: how its wanted firmware comes along, such as `sending 40`, `done`, `refused hash`, `went_back`.
    """

    name: str
    counter: int
    state: str
    kind: str = "buttons"
    make: str = "serial"
    seen: int = 0
    battery: int | None = None
    version: str = ""
    key: str = ""
    waiting: int = 0
    lost: int = 0
    update: str = ""


class Presence(Frozen):
    """A device's own word that it lives; past `until` nobody believes it. The will says `offline`.

    `health`: short machine words by part, such as {"printer": "paper_out", "disk": "ok"}. `terminals`: a
    bridge's.
    """

    device: str
    kind: str
    state: str
    at: int = 0
    until: int = 0
    version: str = ""
    health: dict[str, str] = {}
    terminals: tuple[TerminalSeen, ...] = ()
    config: ConfigRun | None = None


def decode(kind: Any, payload: bytes) -> Any:
    """Read a payload strictly; raises `msgspec.DecodeError` (which holds no content) if it is not that kind."""
    return msgspec.json.decode(payload, type=kind)


encode = msgspec.json.encode
