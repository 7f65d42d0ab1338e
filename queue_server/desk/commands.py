"""What the pages and the API ask of the desk beyond the plain orders of the line."""

from __future__ import annotations

from ..dossiers.calendar import ProcessingTime
from ..dossiers.feedback import FeedbackStatus
from ..dossiers.life import DossierStatus
from ..dossiers.passing import PassedOn
from ..satisfaction.triggers import AlertStatus
from ..wire.filing import Feedback, Filing
from ..wire.words import Frozen, Role


class FinishService(Frozen, tag_field="order", tag=True):
    """Finish the visit at a counter; `dossiers` are official dossier codes, which are sealed."""

    counter: int
    ticket: str
    dossiers: tuple[str, ...] = ()


class ImportCatalogue(Frozen, tag_field="order", tag=True):
    """The catalogue file has been replaced: say its new version to the devices."""

    version: str
    count: int


class SaveAccount(Frozen, tag_field="order", tag=True):
    """Make or change a personal account. `password` is an argon2 hash, "" to keep the present one.

    `own`: she changes her own password, which every role may.
    """

    account: str
    name: str
    role: Role
    password: str = ""
    must_change: bool = False
    disabled: bool = False
    own: bool = False


class MoveAlert(Frozen, tag_field="order", tag=True):
    """Acknowledge an alert, write about it (`open`) or close it; the words are sealed."""

    alert: str
    status: AlertStatus
    words: str = ""


class OpenSeal(Frozen, tag_field="order", tag=True):
    """Open which visit a rating belongs to; it needs a role and a reason, and is itself an event."""

    offer: str
    reason: str


class Opened(Frozen):
    """Reply to OpenSeal."""

    ticket: str = ""
    dossiers: tuple[str, ...] = ()
    words: str = ""


class FileDossier(Frozen, tag_field="order", tag=True):
    """The web process has opened, checked and sealed away what a kiosk filed: take it into the log.

    `ref` names the folder of its papers, `key` (secret) opens them. `types`: of each paper; `owner`, `owner_check`:
    keyed hashes of the person. `form_sha`, `presence`: of the form as it reads now; `sample`: the centre's setting.
    """

    dossier: str
    filing: Filing
    ref: str
    key: bytes
    types: tuple[str, ...]
    service: str
    owner: bytes = b""
    owner_check: bytes = b""
    time: ProcessingTime = ProcessingTime()
    form_sha: str = ""
    presence: bool = False
    sample: bool = False


class MoveDossier(Frozen, tag_field="order", tag=True):
    """How a dossier stands from now on. `words`: the reason, or what is missing; they are sealed.

    `processing` takes it over as valid (a prepared one gets its code), `supplement` may be asked for once.
    """

    dossier: str
    status: DossierStatus
    words: str = ""


class GiveDossierCode(Frozen, tag_field="order", tag=True):
    """The province's code for a dossier that was given a provisional number."""

    dossier: str
    code: str


class OpenDossier(Frozen, tag_field="order", tag=True):
    """Look into a dossier: answers and papers. It needs a role and a reason, and is itself an event."""

    dossier: str
    reason: str


class NotePassing(Frozen, tag_field="order", tag=True):
    """What came of a step of passing a dossier on to the province; that process's own. `words`: the province's."""

    dossier: str
    passed: PassedOn
    cause: str = ""
    code: str = ""
    due_at: int | None = None
    words: str = ""


class PassAgain(Frozen, tag_field="order", tag=True):
    """Send a dossier that the province rejected once more; the reason is sealed with it."""

    dossier: str
    reason: str


class FileFeedback(Frozen, tag_field="order", tag=True):
    """The web process has opened what a kiosk or phone sent. `token`: the hash of the key by which it is followed."""

    feedback: str
    given: Feedback
    token: str


class AddWords(Frozen, tag_field="order", tag=True):
    """The visitor says more, by her key (`token`: its hash)."""

    token: str
    words: str


class MoveFeedback(Frozen, tag_field="order", tag=True):
    """Ask the visitor for more, answer, publish, close or refuse her feedback, with these words (sealed)."""

    feedback: str
    status: FeedbackStatus
    words: str


class JudgeFeedback(Frozen, tag_field="order", tag=True):
    """Say whether feedback was found right, and the number of the dossier that it is about; empty: of none."""

    feedback: str
    right: bool
    number: str = ""


class OpenFeedback(Frozen, tag_field="order", tag=True):
    """Read the words of a piece of feedback; it needs a role, and is itself an event."""

    feedback: str
