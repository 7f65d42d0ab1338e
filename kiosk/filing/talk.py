"""What the kiosk and its child for self-filing say to each other: one JSON object a line, on the child's pipes.

Nothing that a visitor has said goes this way unsealed: the kiosk learns which screen is shown, which sealed file to
send, which number to ask for.
"""

from __future__ import annotations

import msgspec

from kiosk.access import Access
from kiosk.scan.settings import CameraSettings
from queue_server.dossiers.catalogue import Procedure
from queue_server.dossiers.forms.offered import FormsOffered
from queue_server.wire import messages as m
from queue_server.wire.filing import FeedbackFiled, Filed
from queue_server.wire.words import Frozen, Language

LONGEST_LINE = 16_000_000


class Devices(Frozen):
    """What the child opens by itself; an empty address: not there. See `KioskSettings`."""

    camera: str = ""
    opened: CameraSettings = CameraSettings(still="3840x2160")
    """What the camera is opened with, but for its address."""
    card_reader: str = ""
    scan_folder: str = ""
    printer: bool = False
    dots: int = 576
    dpi: int = 203


# --- from the kiosk -----------------------------------------------------------------------------


class Open(Frozen, tag="open"):
    """A visit begins. `errand`: `file`, `feedback` or `lookup`. `visit`: a fresh id, which what is filed bears.

    `forms`: those of the procedure that may be filled here today. `outbox`: the folder for sealed packages.
    `offset_ms`: what the centre's clock is ahead of this machine's. `online`: the server answers now.
    """

    visit: str
    errand: str
    setup: m.CentreSetup
    language: Language = Language.VI
    record: Procedure | None = None
    service: str = ""
    forms: FormsOffered = FormsOffered(version="")
    filing_key: str = ""
    outbox: str = ""
    device: str = ""
    offset_ms: int = 0
    online: bool = True
    access: Access = Access()
    devices: Devices = Devices()
    idle_ms: int = 120_000
    warn_ms: int = 60_000
    headphones: bool = False


class Numbered(Frozen, tag="numbered"):
    """The number under which the package goes to the outbox, and which counts if the line is down."""

    provisional: str


class Full(Frozen, tag="full"):
    """Nothing can be kept on this machine now."""


class Submitted(Frozen, tag="submitted"):
    id: str
    filed: Filed


class FeedbackKept(Frozen, tag="feedback_kept"):
    """The centre has the feedback."""

    id: str
    filed: FeedbackFiled


class Kept(Frozen, tag="kept"):
    """The package lies safe in the outbox, and goes when the line is back."""

    id: str
    provisional: str


class Refused(Frozen, tag="refused"):
    """The centre does not take it; `code` of the refusal and its words."""

    id: str
    code: str
    vi: str = ""
    en: str = ""


class Answered(Frozen, tag="answered"):
    """The centre's answer to `Ask`: `status` as HTTP says it, 0 when there was none; `body` as it came."""

    id: str
    status: int
    body: bytes = b""


class HelpComes(Frozen, tag="help_comes"):
    """`heard`: somebody was told; else nobody could be."""

    heard: bool


class Printed(Frozen, tag="printed"):
    """How the strip came out: `confirmed`, `unknown` or `failed`."""

    outcome: str


class Close(Frozen, tag="close"):
    """The kiosk wants its screen back."""


FromKiosk = (
    Open
    | Numbered
    | Full
    | Submitted
    | FeedbackKept
    | Kept
    | Refused
    | Answered
    | HelpComes
    | Printed
    | Close
)


# --- from the child -----------------------------------------------------------------------------


class Ready(Frozen, tag="ready"):
    """Loaded and hidden; may be opened."""


class Shown(Frozen, tag="shown"):
    """The first picture of the visit is on the screen."""


class WantsNumber(Frozen, tag="wants_number"):
    """A package is being made."""


class Submit(Frozen, tag="submit"):
    """A sealed package lies complete on the disk at `path`. `kind`: `filings` or `feedback`."""

    id: str
    path: str
    provisional: str
    kind: str = "filings"


class Ask(Frozen, tag="ask"):
    """Ask the centre: `GET path`, or `POST` where there is a `body`; `gone`: `DELETE`, and no answer is awaited."""

    id: str
    path: str
    body: bytes = b""
    gone: bool = False


class WantsTicket(Frozen, tag="wants_ticket"):
    """The visit ends with a number: the kiosk takes it and shows it."""

    procedure: str
    service: str
    priority: str | None = None
    prepared: bool = False
    copies: int = 0
    dossier_code: str | None = None
    """The dossier that was prepared, by the centre's own id of it."""


class PrintStrip(Frozen, tag="print_strip"):
    """A paper strip as PNG, without name or number of a person."""

    png: bytes


class CallHelp(Frozen, tag="call_help"):
    screen: str


class Ended(Frozen, tag="ended"):
    """The visit is over and the child goes: `done`, `left`, `idle`, `ticket`, `closed`."""

    reason: str
    access: Access = Access()
    headphones: bool = False
    """They are in."""


FromChild = Ready | Shown | WantsNumber | Submit | Ask | WantsTicket | PrintStrip | CallHelp | Ended

_to_child = msgspec.json.Decoder(FromKiosk)
_to_kiosk = msgspec.json.Decoder(FromChild)


def line_of(message: Frozen) -> bytes:
    """The message as one line; JSON has no line end of its own inside."""
    return msgspec.json.encode(message) + b"\n"


def from_kiosk(line: bytes) -> FromKiosk:
    """Raises msgspec.DecodeError."""
    message: FromKiosk = _to_child.decode(line)
    return message


def from_child(line: bytes) -> FromChild:
    """Raises msgspec.DecodeError."""
    message: FromChild = _to_kiosk.decode(line)
    return message
