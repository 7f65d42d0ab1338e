"""What an officer sees at her counter: the visitor before her and why, who waits, who is parked or absent."""

from __future__ import annotations

from markupsafe import Markup
from msgspec.structs import replace

from .... import said
from ....desk.public import counter_state_word
from ....line.moves import MoveStatus
from ....line.next import able, calling_order
from ....line.state import CounterNow, Ticket
from ....line.transactions import transactions
from ....wire.words import Names, TicketStatus
from .figures import joined, waits
from .html import act, chip, clock, join, row, table, tag
from .page import Page

S = TicketStatus
WAITING_SHOWN = 12


class CounterView:
    """One counter as one person's page shows it. Every method reads the state anew."""

    def __init__(self, page: Page, number: int) -> None:
        self._page = page
        self.number = number
        self._linked = ("", "")

    # --- how it stands ---

    @property
    def counter(self) -> CounterNow:
        return self._page.state.counters[self.number]

    @property
    def word(self) -> str:
        """closed · open · paused · calling · serving."""
        return counter_state_word(self._page.state, self.counter)

    @property
    def ticket(self) -> Ticket | None:
        return self._page.state.ticket_of(self.number)

    @property
    def mine(self) -> bool:
        return self.counter.open and self.counter.officer == self._page.session.account

    @property
    def free(self) -> bool:
        """Nobody is with me and I do not rest."""
        return self.mine and self.ticket is None and self.counter.paused is None

    @property
    def can_undo(self) -> bool:
        step = self._page.state.steps.get(self.number)
        return step is not None and step.account == self._page.session.account

    @property
    def serves(self) -> tuple[str, ...]:
        """What it serves now, or would if it were opened."""
        settled = self._page.state.setup.counter(self.number)
        return self.counter.serves or (settled.serves if settled else ())

    def name(self) -> str:
        settled = self._page.state.setup.counter(self.number)
        return (settled.name if settled else Names(vi="", en="")).say(self._page.language)

    def status(self, status: TicketStatus) -> list[Ticket]:
        """The day's tickets of my services that stand so, the longest ago first."""
        mine = set(self.serves)
        found = [
            t for t in self._page.state.tickets.values() if t.status is status and t.service in mine
        ]
        return sorted(found, key=lambda t: t.ended_at or t.out_since)

    # --- what is shown ---

    def moves(self) -> Markup:
        """A move that a manager has accepted for this counter; nothing when there is none."""
        page, setup = self._page, self._page.state.setup
        return join(
            *[
                tag(
                    "div",
                    tag("b", page.say("counter.move")),
                    " ",
                    said.move_at_counter(now.move, setup, page.language),
                    cls="mc-alert mc-move",
                    role="status",
                )
                for now in page.state.moves.values()
                if now.status is MoveStatus.ACCEPTED and now.move.counter == self.number
            ]
        )

    def now(self) -> Markup:
        ticket = self.ticket
        word = self.word
        inside = self._visitor(ticket) if ticket else self._nobody(word)
        return tag(
            "section",
            *inside,
            cls=f"mc-card mc-now-card mc-{word}",
            data_shown=ticket.id if ticket else "",
            data_state=word,
        )

    def caller(self) -> Markup:
        """The same in short, for the small window."""
        ticket = self.ticket
        inside: tuple[object, ...] = self._nobody(self.word)
        if ticket is not None:
            serving = ticket.status is S.SERVING
            side = tag(
                "div",
                clock(ticket.started_at if serving else ticket.called_at),
                tag("div", service_name(self._page, ticket.service), cls="mc-cut"),
                tag("div", priority_chip(self._page, ticket), cls="mc-cut"),
                cls="mc-side",
            )
            inside = (tag("div", ticket.number, cls="mc-number"), side)
        shown = ticket.id if ticket else ""
        head = tag("div", *inside, cls="mc-caller", data_shown=shown, data_state=self.word)
        return head if ticket is None else join(head, self._wait_for_me())

    def _nobody(self, word: str) -> tuple[Markup, ...]:
        say, counter = self._page.say, self.counter
        if word != "closed" and not self.mine:
            officer = self._page.state.setup.officer(counter.officer)
            name = officer.name if officer else counter.officer
            return (tag("div", say("counter.others", name=name), cls="mc-idle"),)
        head = tag("div", say(f"counter.idle_{word}", reason=counter.paused or ""), cls="mc-idle")
        return head, self._wait_for_me()

    def _wait_for_me(self) -> Markup:
        waiting = len(able(self._page.state, self._as_open(), self._page.web.now()))
        return tag("p", self._page.say("counter.wait_for_me", count=waiting), cls="mc-soft")

    def _visitor(self, ticket: Ticket) -> tuple[Markup, ...]:
        page = self._page
        what = tag(
            "div",
            tag("div", service_name(page, ticket.service), cls="mc-service"),
            tag("div", procedure_name(page, ticket), cls="mc-procedure"),
            tag("div", self._marks(ticket)),
            cls="mc-now-what",
        )
        serving = ticket.status is S.SERVING
        since = ticket.started_at if serving else ticket.called_at
        elapsed = tag(
            "div",
            clock(since),
            tag("small", page.say("counter.since_start" if serving else "counter.since_call")),
            cls="mc-elapsed",
        )
        top = tag(
            "div", tag("div", ticket.number, cls="mc-number"), what, elapsed, cls="mc-now-top"
        )
        why = page.web.reason(ticket.reason, page.language)
        return top, tag("div", tag("b", page.say("counter.why")), " ", why, cls="mc-why")

    def _marks(self, ticket: Ticket) -> Markup:
        page = self._page
        several = page.say("counter.dossiers", count=ticket.dossiers)
        then = ", ".join(service_name(page, s) for s in ticket.then)
        return join(
            priority_chip(page, ticket),
            chip(several) if ticket.dossiers > 1 else None,
            " ",
            chip(page.say("counter.then", services=then)) if then else None,
            " ",
            chip(page.say("counter.called_times", times=ticket.calls))
            if ticket.calls > 1
            else None,
            " ",
            chip(page.say("counter.prepared"), "mc-good") if ticket.prepared else None,
            self._prepared_link(ticket) if ticket.prepared else None,
            " ",
            chip(page.say("counter.copies", count=ticket.copies)) if ticket.copies else None,
            " ",
            chip(page.say("counter.supplement")) if ticket.supplement else None,
            " ",
            chip("EN") if ticket.language == "en" else None,
        )

    def _prepared_link(self, ticket: Ticket) -> Markup | None:
        """To the dossier that she made ready at the kiosk; her ticket's seal alone knows which."""
        if self._linked[0] != ticket.id:
            self._linked = (ticket.id, self._page.web.shelf.prepared_for(ticket.sealed))
        dossier = self._linked[1]
        words = self._page.say("counter.prepared_link")
        return (
            join(" ", tag("a", words, href=f"/dossiers/{dossier}", target="_blank"))
            if dossier
            else None
        )

    def _as_open(self) -> CounterNow:
        return replace(self.counter, serves=self.serves)

    def waiting(self) -> Markup:
        """Who waits for me, in the order in which I would call them."""
        page, state, at = self._page, self._page.state, self._page.web.now()
        everyone = len(able(state, self._as_open(), at))
        order = calling_order(state, self._as_open(), at, WAITING_SHOWN)
        head = _head(page.say("counter.waiting"), everyone)
        if not order:
            return join(head, tag("div", page.say("counter.nobody"), cls="mc-empty"))
        rows = [self._waiting_row(t) for t in order]
        more = everyone - len(order)
        return join(
            head,
            table(
                (
                    page.say("table.number"),
                    page.say("table.service"),
                    page.say("table.wait"),
                    page.say("table.passed"),
                    "",
                ),
                rows,
            ),
            tag("div", page.say("counter.more", count=more), cls="mc-empty") if more > 0 else None,
        )

    def _waiting_row(self, ticket: Ticket) -> Markup:
        page = self._page
        target = page.state.setup.rules.target_minutes
        return row(
            tag("b", ticket.number, cls="mc-no"),
            tag(
                "td",
                tag(
                    "div",
                    tag("span", service_name(page, ticket.service)),
                    priority_chip(page, ticket),
                    cls="mc-what",
                ),
                cls="mc-cut",
            ),
            clock(joined(ticket), "min", target),
            tag("td", ticket.passed or "", cls="mc-num"),
            tag(
                "td",
                act("call", page.say("act.call"), ticket.id, self.free and page.fresh),
                act("priority", "★", ticket.id, page.fresh, title=page.say("act.priority")),
                cls="mc-acts",
            ),
            data_ticket=ticket.number,
        )

    def parked(self) -> Markup:
        page = self._page
        return self._aside(
            page.say("counter.parked"),
            [
                self._aside_row(
                    t,
                    t.out_since,
                    act("resume", page.say("act.resume"), t.id, self.free and page.fresh),
                    act("to_line", page.say("act.back_short"), t.id, page.fresh),
                )
                for t in self.status(S.PARKED)
            ],
        )

    def absent(self) -> Markup:
        page = self._page
        return self._aside(
            page.say("counter.absent"),
            [
                self._aside_row(
                    t,
                    t.ended_at,
                    act("put_back", page.say("act.back_short"), t.id, page.fresh),
                )
                for t in reversed(self.status(S.NO_SHOW)[-6:])
            ],
        )

    def _aside(self, title: str, rows: list[Markup]) -> Markup:
        nobody = tag("div", self._page.say("counter.nobody"), cls="mc-empty")
        inside = tag("table", tag("tbody", *rows), cls="mc-table") if rows else nobody
        return join(_head(title, len(rows)), inside)

    def _aside_row(self, ticket: Ticket, since: int, *acts: Markup) -> Markup:
        return row(
            tag("b", ticket.number, cls="mc-no"),
            clock(since, "min"),
            tag("td", *acts, cls="mc-acts"),
            data_ticket=ticket.number,
        )

    def today(self) -> Markup:
        """How many were served here today, and how long they had waited."""
        page = self._page
        mine = [t for t in transactions(page.state) if t.counter == self.number and t.done]
        figures = waits(mine, page.state.setup.rules.target_minutes)
        mean = page.say("page.minutes").replace("{n}", f"{figures.mean:.0f}")
        return tag(
            "div",
            tag("div", tag("b", figures.count), tag("span", page.say("counter.served_today"))),
            tag(
                "div",
                tag("b", mean if figures.count else "–"),
                tag("span", page.say("counter.mean_wait")),
            ),
            cls="mc-today",
        )


def _head(title: str, count: int) -> Markup:
    return tag("div", tag("h2", title), chip(count, "mc-dull"), cls="mc-card-head")


def service_name(page: Page, service_id: str) -> str:
    service = page.state.setup.service(service_id)
    return service.name.say(page.language) if service else service_id


def procedure_name(page: Page, ticket: Ticket) -> str:
    return PROCEDURES.name(page, ticket.procedure) if ticket.procedure else ""


def priority_name(page: Page, group: str | None) -> str:
    known = next((p for p in page.state.setup.priorities if p.id == group), None)
    return known.name.say(page.language) if known else (group or "")


def priority_chip(page: Page, ticket: Ticket) -> Markup | None:
    if ticket.priority is None:
        return None
    name = priority_name(page, ticket.priority)
    return tag("span", f"★ {name}", cls="mc-chip mc-first", title=name)


class _Procedures:
    """Names of procedures, looked up once a catalogue."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._version = ""

    def name(self, page: Page, code: str) -> str:
        if code not in self._names:
            version = page.web.catalogue.version()
            if version != self._version:
                self._names, self._version = {}, version
            found = page.web.catalogue.get(code)
            self._names[code] = (found.short or found.name) if found else code
        return self._names[code]


PROCEDURES = _Procedures()
