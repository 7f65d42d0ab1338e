"""`/api/feedback`: what kiosks and phones send, what staff read of it, and what its sender may see by her key."""

import asyncio
import hashlib
from contextlib import closing
from typing import Annotated, Any

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from msgspec.structs import replace

from ...desk.commands import AddWords, FileFeedback, OpenFeedback
from ...desk.desk import is_phone
from ...desk.roles import MAY
from ...dossiers.feedback import LONGEST_WORDS, FeedbackStatus
from ...dossiers.package import ID
from ...line import orders as o
from ...store import feedback as table
from ...store.schema import connect
from ...store.vault import CannotUnseal, Vault
from ...wire import messages as m
from ...wire.filing import Feedback, FeedbackFiled, decode_feedback, feedback_key, read_key
from ...wire.sealed import NotSealed, private_key, unseal
from ...wire.words import Frozen, Role
from .api import answered, json
from .context import Web, needs
from .filings import FilingDoor, Stop, small
from .public.limits import Limit, must_wait
from .sessions import Session

LARGEST = 65_536
PHONE = "feedback"
"""The device under which phones' feedback is in the log."""
LISTED = (Role.MANAGER, Role.ADMINISTRATOR, Role.AUDITOR)
DAY_S = 86_400


class Said(Frozen):
    """One thing that was said: by the visitor (`added`) or to her (`asked`, `answered`, `published` …)."""

    status: str
    words: str
    at: int


class Whole(Frozen):
    """A piece of feedback through the seal, for who may read it."""

    line: table.Feedback
    given: Feedback
    said: tuple[Said, ...] = ()


class Followed(Frozen, omit_defaults=False):
    """What its sender sees by her key: state, and what she was told. Not her own words, nor whose they are."""

    number: str
    status: FeedbackStatus
    answer_by: int
    due_at: int | None = None
    late: bool = False
    told: tuple[Said, ...] = ()


class Public(Frozen):
    """What was published, in the centre's own words."""

    number: str
    kind: str
    answered_at: int
    words: str


TOLD = frozenset({"asked", "answered", "refused", "published", "closed"})


class FeedbackBox:
    """Everything about feedback that the web process does; the line decides."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._key = HKDF(SHA256(), 32, salt=None, info=b"motcua feedback key 1").derive(web.master)
        self._filing_key = private_key(web.master)
        self.by_address, self.in_all = Limit(10, 3600), Limit(120, 3600)
        self.guesses = Limit(30, 600)

    # --- taking in ---

    def key_for(self, feedback: str) -> str:
        """The key of what was sent without one: the same however often it is sent."""
        return feedback_key(hashlib.blake2b(feedback.encode(), key=self._key).digest()[:10])

    def opened(self, sealed: bytes, sent: str) -> Feedback:
        """Raises Stop."""
        try:
            given = decode_feedback(unseal(sealed, self._filing_key, sent))
        except (NotSealed, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Stop("filing_unreadable") from error
        if given.id != sent:
            raise Stop("filing_unreadable")
        return given

    async def take(self, given: Feedback, feedback: str, device: str) -> FeedbackFiled:
        """Into the log. Raises Stop."""
        given = tidy(given)
        if not given.words:
            raise Stop("words_missing")
        key = read_key(given.key) or self.key_for(feedback)
        order = FileFeedback(feedback=feedback, given=replace(given, key=""), token=token_of(key))
        answer = await self._web.give("FileFeedback", order, None, f"feedback:{feedback}", device)
        if answer.refusal is not None:
            raise Stop(answer.refusal.code)
        filed = msgspec.json.decode(bytes(answer.ok), type=FeedbackFiled)
        base = self._web.file.web.public_url.rstrip("/")
        return replace(filed, key=key, url=f"{base}/feedback/{key}" if base else "")

    # --- reading ---

    def listed(self, *status: FeedbackStatus) -> list[table.Feedback]:
        return table.listed(self._web.database, status)

    def line(self, feedback: str) -> table.Feedback | None:
        return table.get(self._web.database, feedback)

    def figures(self, days: int = 90) -> table.Figures:
        now = self._web.now()
        return table.figures(self._web.database, now - days * DAY_S * 1000, now)

    def whole(self, feedback: str) -> Whole | None:
        """None where there is none, or where it was forgotten. Raises CannotUnseal."""
        with closing(self._connect()) as conn:
            line, vault = table.get(conn, feedback), Vault(conn, self._web.master)
            found = vault.find(feedback, "feedback")
            if line is None or not found:
                return None
            given = msgspec.json.decode(found[0], type=Feedback)
            return Whole(line=line, given=given, said=said_of(vault, feedback))

    def followed(self, key: str, number: str | None = None) -> Followed | None:
        """By its key; `number` must then be its number, where one is asked for."""
        key = read_key(key)
        if not key:
            return None
        with closing(self._connect()) as conn:
            line = table.by_token(conn, token_of(key))
            if line is None:
                return None
            if number is not None and number.strip().upper() not in {line.number, line.provisional}:
                return None
            try:
                said = said_of(Vault(conn, self._web.master), line.feedback)
            except CannotUnseal:
                said = ()
        return Followed(
            number=line.number,
            status=line.status,
            answer_by=line.answer_by,
            due_at=line.due_at,
            late=(line.due_at or self._web.now()) < self._web.now(),
            told=tuple(x for x in said if x.status in TOLD),
        )

    def published(self, limit: int = 50) -> list[Public]:
        """The newest first, while it is kept."""
        shown = []
        with closing(self._connect()) as conn:
            vault = Vault(conn, self._web.master)
            for line in table.listed(conn, (FeedbackStatus.PUBLISHED,), limit):
                try:
                    said = said_of(vault, line.feedback)
                except CannotUnseal:
                    continue
                words = [x for x in said if x.status == "published"]
                if words:
                    shown.append(
                        Public(
                            number=line.number,
                            kind=str(line.kind),
                            answered_at=line.answered_at or words[-1].at,
                            words=words[-1].words,
                        )
                    )
        return shown

    async def add(self, key: str, words: str) -> m.Answer:
        order = AddWords(token=token_of(read_key(key)), words=words)
        return await self._web.give("AddWords", order, None, device=PHONE)

    def must_wait(self, limits: tuple[Limit, ...], address: str) -> float:
        """Seconds until this address (or anybody) may go on; counts when it may."""
        keys = ((x, "" if x is self.in_all else address) for x in limits)
        return must_wait(*keys)

    def _connect(self) -> Any:
        return connect(self._web.folder.database, read_only=True)


def said_of(vault: Vault, feedback: str) -> tuple[Said, ...]:
    return tuple(msgspec.json.decode(x, type=Said) for x in vault.find(feedback, "said"))


def token_of(key: str) -> str:
    """What the log knows of a key."""
    return hashlib.sha256(f"feedback {key}".encode()).hexdigest()[:32] if key else ""


def feedback_of(device: str, sent: str) -> str:
    """Its id: the same for the same sending of the same kiosk, and tells neither."""
    return hashlib.sha256(f"feedback {device}/{sent}".encode()).hexdigest()[:24]


def tidy(given: Feedback) -> Feedback:
    """Within sizes; no control signs; a phone that is none is left out rather than the words with it."""
    phone = "".join(x for x in given.phone if x.isdecimal())
    return replace(
        given,
        words=plain(given.words, LONGEST_WORDS),
        about=plain(given.about, 300),
        name=plain(given.name, 120),
        phone=phone if is_phone(phone) else "",
        procedure=given.procedure[:60],
    )


def plain(text: str, longest: int) -> str:
    """Without control signs other than line ends, nor blanks around it."""
    kept = "".join(x for x in text if x == "\n" or (x.isprintable() or x == "\u200d"))
    return kept.strip()[:longest]


def feedback_routes(web: Web) -> APIRouter:
    router = APIRouter(prefix="/api/feedback", tags=["feedback"])
    box, door = web.feedback_box, FilingDoor(web)

    @router.get("")
    async def listed(session: Annotated[Session, Depends(needs(web, *LISTED))]) -> Response:
        """All that is not ended, with what is due when; no words, nobody's name."""
        if session.role is Role.AUDITOR:
            await web.give("Note", o.Note(what="read", subject="feedback"), session)
        return json(
            box.listed(FeedbackStatus.RECEIVED, FeedbackStatus.ASKED, FeedbackStatus.ANSWERED)
        )

    @router.get("/figures")
    async def figures(days: int = 90) -> Response:
        """Counts of the last `days` (at most 400), and the share dealt with in time. No log-in needed."""
        found = box.figures(min(max(days, 1), 400))
        return json({**msgspec.structs.asdict(found), "share_in_time": found.share_in_time})

    @router.get("/follow/{key}")
    async def follow(key: str, request: Request) -> Response:
        """State and answer, by its key. No log-in needed; no words of the sender."""
        address = request.client.host if request.client else ""
        if (wait := box.must_wait((box.guesses,), address)) > 0:
            return Response(status_code=429, headers={"Retry-After": str(int(wait) + 1)})
        found = await asyncio.to_thread(box.followed, key)
        if found is None:
            raise HTTPException(404, "no such feedback")
        return Response(
            msgspec.json.encode(found),
            media_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    @router.post("/{feedback}/open")
    async def open_(
        feedback: str,
        session: Annotated[Session, Depends(needs(web, *sorted(MAY[OpenFeedback])))],
    ) -> Response:
        """The words, through the seal. That somebody read them is in the log."""
        answer = await web.give("OpenFeedback", OpenFeedback(feedback=feedback), session)
        if answer.refusal is not None:
            return answered(answer)
        try:
            found = await asyncio.to_thread(box.whole, feedback)
        except CannotUnseal:
            found = None
        if found is None:
            raise HTTPException(410, "forgotten")
        response = json(found)
        response.headers["Cache-Control"] = "no-store"
        return response

    @router.post("/{sent}")
    async def file(sent: str, request: Request) -> Response:
        """Feedback from a kiosk, sealed to the centre like a filing. Device log-in (HTTP Basic).

        The same id again gives the same answer. 400 cannot be opened, 409 refused, 503 the server is away.
        """
        try:
            device = door.device(request)
            if not ID.fullmatch(sent):
                raise Stop("filing_unreadable")
            body = await small(request, LARGEST)
            given = await asyncio.to_thread(box.opened, body, sent)
            return json(await box.take(given, feedback_of(device.name, sent), device.name))
        except Stop as stop:
            return stop.response()

    return router
