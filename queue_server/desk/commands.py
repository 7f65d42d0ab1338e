"""What the pages and the API ask of the desk beyond the plain orders of the line."""

from __future__ import annotations

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


class OpenSeal(Frozen, tag_field="order", tag=True):
    """Open which visit a rating belongs to; it needs a role and a reason, and is itself an event."""

    offer: str
    reason: str


class Opened(Frozen):
    """Reply to OpenSeal."""

    ticket: str = ""
    dossiers: tuple[str, ...] = ()
    words: str = ""
