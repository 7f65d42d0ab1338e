"""The desk: takes requests in batches, decides each, saves all in one commit, then answers.

A batch that came together is committed together (group commit). Nothing is answered or published
before its commit; if the commit fails nothing of the batch has happened, and each is told so.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from ..dossiers.codes import BadCode
from ..dossiers.codes import parse as parse_code
from ..dossiers.life import CodeRule, Terms
from ..line import events as e
from ..line import orders as o
from ..line.decide import Issued, Refused, Reply, Touched, ahead_of, decide
from ..line.state import OfferNow, State, apply
from ..satisfaction.triggers import LONGEST_WORDS
from ..store import people
from ..store.log import Log, LogFull
from ..store.vault import Vault, new_ref
from ..wire import messages as m
from ..wire import topics
from ..wire.surveys import Survey, offered
from ..wire.words import DAY, Estimate, Frozen, Role, day_of
from . import appointments, feedback, filing, keypad, province, public
from . import commands as c
from .clock import Clock
from .estimates import Estimates
from .roles import may
from .terms import DossierTerms

log = structlog.get_logger()

CONTACT_DAYS = 30
DOSSIER_DAYS = 730
ALERT_DAYS = 730
REMEMBERED = 20_000


class Answers:
    """The newest answers in memory, before those in the log."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, m.Answer] = OrderedDict()

    def get(self, key: str) -> m.Answer | None:
        return self._known.get(key)

    def keep(self, key: str, answer: m.Answer) -> None:
        self._known[key] = answer
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


@dataclass(frozen=True)
class Request:
    """An order or ask with who gave it. `role`: of a logged-in person; None for a device or the centre."""

    id: str
    verb: str
    actor: e.Actor
    body: Any
    reply: Callable[[m.Answer], None]
    role: Role | None = None
    counter: int | None = None
    """The counter that a device belongs to, by its enrolment."""

    @property
    def key(self) -> str:
        """An id counts within its device only, so nobody can ask for another's answer."""
        return f"{self.actor.device}/{self.id}"


@dataclass
class Changed:
    """What a batch touched, for the doors to publish after the commit."""

    counters: set[int] = field(default_factory=set)
    offers: set[int] = field(default_factory=set)
    line: bool = False
    setup: bool = False
    outbox: list[tuple[int, str, bytes, bool]] = field(default_factory=list)
    entries: list[e.Entry] = field(default_factory=list)


@dataclass
class Desk:
    """One writer owns it. `refusal_text` makes the words of a refusal in both languages."""

    log: Log
    vault: Vault
    clock: Clock
    refusal_text: Callable[[str, str, dict[str, Any]], str]
    public_url: str = ""
    surveys: dict[str, Survey] = field(default_factory=offered)
    """What can be asked, by id."""
    estimates: Estimates = field(default_factory=Estimates)
    terms: DossierTerms = field(default_factory=lambda: DossierTerms(CodeRule()))
    on_changed: Callable[[Changed], None] = lambda _: None
    state: State = field(default_factory=State)
    offer_numbers: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Open offers → (ticket number, language), in memory only: never in the log."""
    _answers: Answers = field(default_factory=Answers)

    def start(self) -> None:
        self.state = self.log.load()

    # --- the batch ---

    def carry_out(self, requests: list[Request]) -> None:
        """Decide, save, answer. Raises nothing for a bad request: each gets its answer."""
        try:
            self._carry_out(requests)
        except LogFull as error:
            log.error("commit_failed", cause=str(error), requests=len(requests))
            self._start_again(requests, "not_saved")
        except Exception as error:
            log.exception("request_failed", kind=type(error).__name__, requests=len(requests))
            if len(requests) == 1:
                self._start_again(requests, "internal")
                return
            self._start_again([], "internal")
            for request in requests:
                self.carry_out([request])

    def _start_again(self, refused: list[Request], code: str) -> None:
        """Nothing of the batch was kept: take the state from the log again."""
        self.state = self.log.load()
        for request in refused:
            request.reply(self._refusal(request, code, {}))

    def _carry_out(self, requests: list[Request]) -> None:
        changed = Changed()
        answers: list[tuple[Request, m.Answer, bool]] = []
        with self.log.transaction():
            for request in requests:
                answers.append((request, *self._one(request, changed)))
        for request, answer, keep in answers:
            if keep:
                self._answers.keep(request.key, answer)
        if changed.entries or changed.setup or changed.line:
            self.on_changed(changed)
        for request, answer, _ in answers:
            request.reply(answer)

    def _one(self, request: Request, changed: Changed) -> tuple[m.Answer, bool]:
        """The answer, and whether it is to be given again for the same id."""
        known = self._known(request)
        if known is not None:
            return known, False
        if isinstance(request.body, m.Hello):
            return self._welcome(request), False
        try:
            ok = self.case(request, changed)
            answer = m.Answer(
                id=request.id, verb=request.verb, at=self.clock.now(), ok=msgspec.Raw(m.encode(ok))
            )
        except Refused as refused:
            answer = self._refusal(request, refused.code, refused.values)
            if refused.code == "bad_dossier_code":
                return answer, False  # it repeats what was typed, which is not ours to keep
            if isinstance(request.body, c.FileDossier | c.FileFeedback):
                return answer, False  # it may be taken later, when the form is checked
        if isinstance(request.body, c.OpenSeal | m.FreeTimes):
            return (
                answer,
                False,
            )  # shown once and kept nowhere: a seal's content, and what is free now
        if request.id:
            self.log.answer(request.key, answer.at, m.encode(answer))
        return answer, bool(request.id)

    def _known(self, request: Request) -> m.Answer | None:
        if not request.id:
            return None
        known = self._answers.get(request.key)
        if known is None:
            body = self.log.answered(request.key)
            known = m.decode(m.Answer, body) if body is not None else None
        return known

    def _refusal(self, request: Request, code: str, values: dict[str, Any]) -> m.Answer:
        return m.Answer(
            id=request.id,
            verb=request.verb,
            at=self.clock.now(),
            refusal=m.Refusal(
                code=code,
                vi=self.refusal_text(code, "vi", values),
                en=self.refusal_text(code, "en", values),
            ),
        )

    def _welcome(self, request: Request) -> m.Answer:
        welcome = m.Welcome(
            at=self.clock.now(),
            epoch=self.state.epoch,
            counter=request.counter,
            speed=self.clock.speed,
        )
        return m.Answer(
            id=request.id,
            verb=request.verb,
            at=welcome.at,
            ok=msgspec.Raw(m.encode(welcome)),
        )

    # --- the use cases ---

    def case(self, request: Request, changed: Changed) -> Frozen:
        """Carry out what is asked within the batch's transaction. Raises Refused."""
        body = request.body
        case = _CASES.get(type(body))
        if case is not None:
            if type(body) in _PEOPLES:
                self.allowed(request, type(body))
            return case(self, request, body, changed)
        self.allowed(request, type(body))
        return self.do(request, body, changed)

    def allowed(self, request: Request, order: type) -> None:
        if request.role is not None and not may(request.role, order):
            raise Refused("not_allowed")

    def new_ref(self) -> str:
        return new_ref()

    def terms_at(self, at: int) -> Terms:
        """What is laid down for dossiers, as it is at `at` (ms)."""
        setup = self.state.setup
        return self.terms.at(at, setup.hours, setup.rules.utc_offset_minutes)

    def expiry(self, request: Request, ask: m.TakeTicket | m.CheckIn, now: int) -> int:
        """Until when (ms) somebody stands there for her number: from a device's asking, or a person's order."""
        asked_at = min(ask.asked_at, now) if request.role is None else now
        return asked_at + int(min(max(ask.ttl_ms, 1_000), 600_000) * self.clock.speed)

    def do(self, request: Request, order: o.AnyOrder, changed: Changed) -> Reply:
        """Decide one order of the line and write what comes of it."""
        at = self.clock.now()
        events, reply = decide(self.state, order, at, request.actor)
        for event in events:
            self._happen(event, at, request, changed)
        return reply

    def _happen(self, event: e.Event, at: int, request: Request, changed: Changed) -> None:
        before = self.state.tickets.get(getattr(event, "ticket", ""))
        entry = self.log.append(event, at, request.actor, request.key if request.id else "")
        apply(self.state, event, at, request.actor)
        changed.entries.append(entry)
        self._touch(event, before.counter if before else None, changed, at, entry.seq)

    def _touch(self, event: e.Event, left: int | None, changed: Changed, at: int, seq: int) -> None:
        """Note what the doors must say anew."""
        changed.line = True
        if isinstance(event, _WHOLE_CENTRE):
            changed.setup = True
        if isinstance(event, _EVERY_COUNTER):
            changed.counters |= set(self.state.counters)
        counter = getattr(event, "counter", None)
        changed.counters |= {n for n in (counter, left) if n is not None}
        if isinstance(event, e.OfferOpened | e.StepUndone):
            changed.offers.add(event.counter)
        if isinstance(event, e.RatingGiven | e.RatingSilent) and event.offer in self.state.offers:
            changed.offers.add(self.state.offers[event.offer].counter)
        if isinstance(event, e.TicketCalled) and event.reason.code == "simple":
            failed = event.reason.values.get("failed", "")
            log.warning("rule_failed", ticket=event.ticket, kind=failed)
        if isinstance(event, e.TicketIssued) and event.doubled:
            log.warning("number_doubled", ticket=event.ticket, other=event.doubled)
        if isinstance(event, e.TicketCalled | e.TicketRecalled):
            self._announce(event.ticket, changed, at, seq)

    def _announce(self, ticket_id: str, changed: Changed, at: int, seq: int) -> None:
        ticket = self.state.tickets[ticket_id]
        call = m.Call(
            id=f"{self.state.epoch}-{seq}",
            at=at,
            number=ticket.number,
            counter=ticket.counter or 0,
            times=ticket.calls,
            language=ticket.language,
        )
        topic = topics.CALLS.at(self.state.setup.centre)
        payload = m.encode(call)
        changed.outbox.append((self.log.put_out(topic, payload, False, at), topic, payload, False))

    def _take_ticket(self, request: Request, ask: m.TakeTicket, changed: Changed) -> Frozen:
        self.allowed(request, o.IssueTicket)
        token = secrets.token_urlsafe(16)
        visit = secrets.token_hex(12)
        now = self.clock.now()
        kept = {k: v for k, v in (("phone", ask.phone), ("dossier", ask.dossier_code)) if v}
        if ask.dossier_code and not filing.DOSSIER.fullmatch(ask.dossier_code):
            checked_codes((ask.dossier_code,))  # else one that was prepared at a kiosk
        if ask.phone and not is_phone(ask.phone):
            raise Refused("bad_phone")
        ref = new_ref() if kept else ""
        told = self._foretold(ask, now)
        reply = self.do(
            request,
            o.IssueTicket(
                service=ask.service,
                visit=visit,
                token_hash=token_hash(token),
                ask=request.key,
                language=ask.language,
                priority=ask.priority,
                procedure=ask.procedure,
                booked=ask.booked,
                dossiers=ask.dossiers,
                then=ask.then,
                sealed=ref,
                expires=self.expiry(request, ask, now),
                told=told,
                prepared=ask.prepared,
                copies=ask.copies,
                supplement=ask.supplement,
                offered=ask.booked is not None and (request.role is None or ask.booked > now),
            ),
            changed,
        )
        assert isinstance(reply, Issued)
        if kept:
            self.vault.seal(
                visit, "contact", m.encode(kept), now + CONTACT_DAYS * DAY, ref, token_hash(token)
            )
        return self.taken(reply, ask.service, ask.priority, ask.booked, token, now, told)

    def _foretold(self, ask: m.TakeTicket, now: int) -> Estimate | None:
        """The wait that she is told and that is held against what comes; None: not known, or at a time of her own."""
        if ask.booked is not None:
            return None
        state = self.state
        today = state.day == day_of(now, state.setup.rules.utc_offset_minutes)
        ahead = ahead_of(state, ask.service, ask.priority) if today else 0
        return self.estimates.newcomer(ask.service, ask.priority is not None, ahead, now)

    def taken(
        self,
        reply: Issued,
        service: str,
        priority: str | None,
        booked: int | None,
        token: str,
        now: int,
        told: Estimate | None,
    ) -> m.TicketTaken:
        """What paper and screen show of a number that has just been given."""
        base = self.public_url.rstrip("/")
        to_come = booked is not None and booked > now
        estimate = told
        if booked is not None and to_come:
            estimate = public.wait_from(self.state, self.estimates, service, booked, now)
        return m.TicketTaken(
            ticket=reply.ticket,
            number=reply.number,
            service=service,
            issued_at=now,
            ahead=reply.ahead,
            token=token,
            url=f"{base}/t/{token}" if base else "",
            estimate=estimate,
            priority=priority,
            counters=reply.counters,
            closes_in_minutes=reply.closes_in if not to_come else None,
            booked=booked,
        )

    def _withdraw(self, request: Request, ask: m.WithdrawTicket, changed: Changed) -> Frozen:
        order = o.WithdrawTicket(ask=f"{request.actor.device}/{ask.ask}")
        return _done(self.do(request, order, changed))

    def _lease(self, request: Request, ask: m.LeaseNumbers, changed: Changed) -> Frozen:
        order = o.LeaseNumbers(have=ask.have, day=ask.day, held=ask.held)
        return self.do(request, order, changed)

    def _hand_over(self, request: Request, ask: m.HandOver, changed: Changed) -> Frozen:
        """Asks of days gone by are looked up in the log: the fold and the kept answers forget them."""
        visit, kept = secrets.token_hex(12), _known_dossier(ask.dossier_code)
        ref = new_ref() if kept else ""
        order = o.HandOver(
            number=ask.number,
            service=ask.service,
            day=ask.day,
            issued_at=ask.issued_at,
            ask=request.key,
            visit=visit,
            token_hash=ask.token,
            language=ask.language,
            priority=ask.priority,
            procedure=ask.procedure,
            dossiers=ask.dossiers,
            then=ask.then,
            prepared=ask.prepared,
            copies=ask.copies,
            supplement=ask.supplement,
            printed=ask.printed,
            known=ask.day != self.state.day and self.log.issued(request.key),
            sealed=ref,
        )
        before = len(changed.entries)
        reply = self.do(request, order, changed)
        if kept and len(changed.entries) > before:
            until = self.clock.now() + CONTACT_DAYS * DAY
            self.vault.seal(visit, "contact", m.encode(kept), until, ref, ask.token)
        return reply

    def _print(self, request: Request, ask: m.ReportPrint, changed: Changed) -> Frozen:
        order = o.NotePrint(
            ticket=ask.ticket, outcome=ask.outcome, detail=ask.detail, reprint=ask.reprint
        )
        return _done(self.do(request, order, changed))

    def _help(self, request: Request, ask: m.CallHelp, changed: Changed) -> Frozen:
        order = o.CallHelp(place=request.actor.device, screen=ask.screen)
        return _done(self.do(request, order, changed))

    def _rate(self, request: Request, ask: m.Rate, changed: Changed) -> Frozen:
        ref = new_ref() if ask.words.strip() else ""
        offer = self.state.offers.get(ask.offer)
        answers, shown = self._survey_answers(offer.survey if offer else "", ask)
        order = o.GiveRating(
            offer=ask.offer,
            score=ask.score,
            reasons=ask.reasons,
            sealed=ref,
            source=ask.source,
            answers=answers,
            shown=shown,
            pressed_at=self._within(offer, ask.pressed_at),
        )
        reply = self.do(request, order, changed)
        if ref:
            words = ask.words.strip()[:500].encode()
            purge_at = self.clock.now() + DOSSIER_DAYS * DAY
            self.vault.seal(f"offer:{ask.offer}", "words", words, purge_at, ref)
        return _done(reply)

    def _within(self, offer: OfferNow | None, pressed_at: int) -> int:
        """When it can have been pressed: not before it was asked for, whatever a device's clock says."""
        now = self.clock.now()
        return min(max(pressed_at, offer.opened if offer else now), now)

    def _survey_answers(self, survey_id: str, ask: m.Rate) -> tuple[dict[str, int], int]:
        """Those that fit the survey as it is now, and how many of its questions were shown: what does not
        fit (the survey has changed since) is left out, and the rating counts all the same.
        """
        survey = self.surveys.get(survey_id)
        if survey is None:
            return {}, 0
        fitting = {
            question.id: ask.answers[question.id]
            for question in survey.questions
            if question.id in ask.answers and question.takes(ask.answers[question.id])
        }
        return fitting, max(0, min(ask.shown, len(survey.questions)))

    def _choose_surveys(self, request: Request, order: o.ChooseSurveys, changed: Changed) -> Frozen:
        self.allowed(request, o.ChooseSurveys)
        for use in order.uses:
            if use.survey not in self.surveys and use not in self.state.setup.surveys:
                raise Refused("unknown_survey", survey=use.survey[:40])
        return _done(self.do(request, order, changed))

    def _move_alert(self, request: Request, ask: c.MoveAlert, changed: Changed) -> Frozen:
        self.allowed(request, c.MoveAlert)
        words = ask.words.strip()
        if len(words) > LONGEST_WORDS:
            raise Refused("words_too_long")
        ref = new_ref() if words else ""
        done = self.do(
            request, o.TurnAlert(alert=ask.alert, status=ask.status, sealed=ref), changed
        )
        if words:
            until = self.clock.now() + ALERT_DAYS * DAY
            self.vault.seal(f"alert:{ask.alert}", "words", words.encode(), until, ref)
        return _done(done)

    def _press(self, request: Request, ask: m.RatePressed, changed: Changed) -> Frozen:
        if request.counter is not None and request.counter != ask.counter:
            raise Refused("not_allowed")
        order = o.PressRating(
            counter=ask.counter, score=ask.score, terminal=ask.terminal, age_ms=max(0, ask.age_ms)
        )
        return _done(self.do(request, order, changed))

    def _silent(self, request: Request, ask: m.StaySilent, changed: Changed) -> Frozen:
        return _done(self.do(request, o.StaySilent(offer=ask.offer), changed))

    def _finish(self, request: Request, ask: c.FinishService, changed: Changed) -> Frozen:
        self.allowed(request, o.Finish)
        codes = checked_codes(ask.dossiers)
        ref = new_ref() if codes else ""
        order = o.Finish(
            counter=ask.counter,
            ticket=ask.ticket,
            dossiers=len(codes),
            sealed=ref,
            offer=new_ref(),
        )
        reply = self.do(request, order, changed)
        if codes:
            visit = self.state.tickets[ask.ticket].visit
            purge_at = self.clock.now() + DOSSIER_DAYS * DAY
            self.vault.seal(visit, "dossiers", m.encode(codes), purge_at, ref)
        return self._offered(reply)

    def _next(self, request: Request, order: o.CallNext, changed: Changed) -> Frozen:
        self.allowed(request, o.CallNext)
        held = self.state.counters.get(order.counter)
        finished = held.ticket if held else None
        offered = o.CallNext(counter=order.counter, after=order.after, offer=new_ref())
        reply = self.do(request, offered, changed)
        return self._offered(reply, finished)

    def _offered(self, reply: Reply, finished: str | None = None) -> Frozen:
        """Seal which visit an offer belongs to: under the visit for its holder, under the offer for the law."""
        assert isinstance(reply, Touched)
        if not reply.offer:
            return reply
        ticket = self.state.tickets[finished or reply.ticket]
        purge_at = self.clock.now() + DOSSIER_DAYS * DAY
        link = {"ticket": ticket.id, "visit": ticket.visit}
        self.vault.seal(f"offer:{reply.offer}", "link", m.encode(link), purge_at)
        self.vault.seal(ticket.visit, "offer", reply.offer.encode(), purge_at, door=ticket.token)
        self.offer_numbers[reply.offer] = (ticket.number, ticket.language)
        return Touched(ticket=reply.ticket, number=reply.number)

    def _serve(self, request: Request, order: o.ServeWithoutTicket, changed: Changed) -> Frozen:
        self.allowed(request, o.ServeWithoutTicket)
        given = o.ServeWithoutTicket(
            counter=order.counter,
            service=order.service,
            reason=order.reason,
            visit=secrets.token_hex(12),
            token_hash=token_hash(secrets.token_urlsafe(16)),
        )
        return self.do(request, given, changed)

    def _catalogue(self, request: Request, ask: c.ImportCatalogue, changed: Changed) -> Frozen:
        note = o.Note(
            what="catalogue_imported", subject=ask.version, detail={"count": str(ask.count)}
        )
        changed.setup = True
        return self.do(request, note, changed)

    def _account(self, request: Request, ask: c.SaveAccount, changed: Changed) -> Frozen:
        if not (ask.own and ask.account == request.actor.account):
            self.allowed(request, c.SaveAccount)
        people.save(self.log.conn, ask, self.clock.now())
        note = o.Note(
            what="account_saved",
            subject=ask.account,
            detail={"role": ask.role, "disabled": str(ask.disabled).lower()},
        )
        return self.do(request, note, changed)

    def _open_seal(self, request: Request, ask: c.OpenSeal, changed: Changed) -> Frozen:
        self.allowed(request, c.OpenSeal)
        if request.role not in self.state.setup.rules.seal_roles:
            raise Refused("not_allowed")
        if not ask.reason.strip():
            raise Refused("reason_missing")
        links = self.vault.find(f"offer:{ask.offer}", "link")
        if not links:
            raise Refused("no_offer")
        link: dict[str, str] = msgspec.json.decode(links[-1])
        note = o.Note(what="seal_opened", subject=ask.offer, detail={"reason": ask.reason[:200]})
        self.do(request, note, changed)
        codes = [msgspec.json.decode(x) for x in self.vault.find(link["visit"], "dossiers")]
        words = self.vault.find(f"offer:{ask.offer}", "words")
        return c.Opened(
            ticket=link["ticket"],
            dossiers=tuple(code for several in codes for code in several),
            words=words[-1].decode() if words else "",
        )

    # --- what the doors say ---

    def offer_at(self, counter: int) -> m.Offer | None:
        """The offer that stands at a counter now, as its tablet shows it."""
        offer = self.state.offer_of(counter, self.clock.now())
        if offer is None:
            return None
        number, language = self.offer_numbers.get(offer.id) or self._number_of(offer.id)
        return public.offer_message(self.state, offer, number, language)

    def _number_of(self, offer: str) -> tuple[str, str]:
        """After a restart: through the seal, for the tablet that still asks."""
        for sealed in self.vault.find(f"offer:{offer}", "link"):
            ticket = self.state.tickets.get(msgspec.json.decode(sealed)["ticket"])
            if ticket is not None:
                return ticket.number, ticket.language
        return "", "vi"


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:32]


def checked_codes(codes: tuple[str, ...]) -> tuple[str, ...]:
    """The codes in their official form; raises Refused(`bad_dossier_code`) naming the first wrong one."""
    checked = []
    for code in codes[:50]:
        try:
            checked.append(str(parse_code(code)))
        except BadCode as error:
            raise Refused("bad_dossier_code", given=code[:40]) from error
    return tuple(dict.fromkeys(checked))


def _known_dossier(code: str | None) -> dict[str, str]:
    """What is kept of a code that comes too late to be asked about: one that cannot be one is left out."""
    if not code:
        return {}
    if not filing.DOSSIER.fullmatch(code):
        try:
            checked_codes((code,))
        except Refused:
            return {}
    return {"dossier": code}


def is_phone(text: str) -> bool:
    """A Vietnamese mobile number (03, 05, 07, 08, 09 and eight digits)."""
    return len(text) == 10 and text.isdecimal() and text[0] == "0" and text[1] in "35789"


def _done(_: object) -> m.Done:
    return m.Done()


_WHOLE_CENTRE = (
    e.SetupChanged,
    e.DayStarted,
    e.DayEnded,
    e.ServiceSuspended,
    e.ServiceResumed,
    e.SurveysChosen,
)
_EVERY_COUNTER = (e.SetupChanged, e.DayStarted, e.DayEnded)

_CASES: dict[type, Callable[[Desk, Request, Any, Changed], Frozen]] = {
    m.TakeTicket: Desk._take_ticket,
    m.WithdrawTicket: Desk._withdraw,
    m.FreeTimes: appointments.free,
    m.BookTime: appointments.book,
    m.CheckIn: appointments.check_in,
    m.CancelTime: appointments.cancel,
    m.LeaseNumbers: Desk._lease,
    m.HandOver: Desk._hand_over,
    o.ChooseSurveys: Desk._choose_surveys,
    m.ReportPrint: Desk._print,
    m.CallHelp: Desk._help,
    m.Rate: Desk._rate,
    m.RatePressed: Desk._press,
    m.StaySilent: Desk._silent,
    c.FinishService: Desk._finish,
    c.ImportCatalogue: Desk._catalogue,
    c.SaveAccount: Desk._account,
    c.OpenSeal: Desk._open_seal,
    c.MoveAlert: Desk._move_alert,
    o.CallNext: Desk._next,
    o.ServeWithoutTicket: Desk._serve,
    **keypad.CASES,
    **filing.CASES,
    **province.CASES,
    **feedback.CASES,
}
_PEOPLES = filing.PEOPLES | province.PEOPLES | feedback.PEOPLES
