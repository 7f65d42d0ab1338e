"""What a manager is told of the coming hour: waits foretold, moves proposed and what came of them, and scores."""

from __future__ import annotations

from markupsafe import Markup

from .... import said
from ....desk.estimates import Outlook
from ....line import orders as o
from ....line.moves import MoveNow, MoveStatus
from ....line.proposals import answer_by
from ....line.scores import Score, together
from ....wire.words import MINUTE, local
from ...numbers import decimal
from .counter_view import service_name
from .html import act, chip, join, row, table, tag
from .page import Page

HORIZONS = (15, 30, 60)
LIKELY = 0.5
"""From this chance on a breach is an alert."""
STALE_MS = 3 * MINUTE
"""By real time: in a demo the clock runs faster, and the twin does not."""
PAST_SHOWN = 8
STATUS_LOOKS = {
    MoveStatus.ACCEPTED: "mc-good",
    MoveStatus.ENDED: "",
    MoveStatus.REFUSED: "mc-dull",
    MoveStatus.EXPIRED: "mc-dull",
}


def likely_breaches(outlook: tuple[Outlook, ...]) -> list[Outlook]:
    """For each service the soonest moment at which a breach is likely."""
    found: dict[str, Outlook] = {}
    for one in sorted(outlook, key=lambda x: x.minutes_ahead):
        if one.chance >= LIKELY:
            found.setdefault(one.service, one)
    return list(found.values())


class OutlookView:
    """Every method reads the state and the twin's newest table anew."""

    def __init__(self, page: Page) -> None:
        self._page = page

    @property
    def _target(self) -> float:
        return self._page.state.setup.rules.target_minutes

    def _clock(self, at: int) -> str:
        return local(at, self._page.state.setup.rules.utc_offset_minutes).strftime("%H:%M")

    def _stale(self) -> bool:
        web = self._page.web
        return web.now() - web.replica.estimates.table.at > STALE_MS * max(1.0, web.clock.speed)

    # --- the coming hour ---

    def alerts(self) -> list[Markup]:
        page = self._page
        if self._stale():
            return []
        return [
            tag(
                "div",
                page.say(
                    "alert.breach",
                    service=service_name(page, x.service),
                    minutes=x.minutes_ahead,
                    wait=round(x.wait),
                    chance=f"{x.chance:.0%}",
                ),
                cls="mc-alert",
                role="status",
            )
            for x in likely_breaches(page.web.replica.estimates.table.outlook)
        ]

    def outlook(self) -> Markup:
        page, known = self._page, self._page.web.replica.estimates.table
        if not known.outlook:
            return tag("div", page.say("outlook.none"), cls="mc-empty")
        by_key = {(x.service, x.minutes_ahead): x for x in known.outlook}
        heads = [tag("div", page.say("outlook.ahead", minutes=n), cls="mc-num") for n in HORIZONS]
        rows = [
            row(
                join(tag("b", s.letter), f" {service_name(page, s.id)}"),
                *[self._cell(by_key.get((s.id, ahead))) for ahead in HORIZONS],
                data_outlook=s.id,
            )
            for s in page.state.setup.services
        ]
        key = "outlook.stale" if self._stale() else "outlook.at"
        return join(
            table((page.say("table.service"), *heads), rows),
            tag("div", page.say(key, at=self._clock(known.at)), cls="mc-hint"),
        )

    def _cell(self, one: Outlook | None) -> Markup:
        if one is None:
            return tag("td", "–", cls="mc-num")
        page = self._page
        words = page.say("page.minutes").replace("{n}", f"{one.wait:.0f}")
        late = one.wait > self._target
        chance = f"{one.chance:.0%}"
        risk = (
            chip(page.say("outlook.likely", chance=chance), "mc-bad")
            if one.chance >= LIKELY
            else tag("small", page.say("outlook.chance", chance=chance), cls="mc-soft")
        )
        inside = join(tag("span", words, cls="mc-late" if late else ""), " ", risk)
        return tag("td", inside, cls="mc-num", data_ahead=one.minutes_ahead)

    # --- moves ---

    def proposals(self) -> Markup:
        """What waits for an answer; nothing when nothing does."""
        page = self._page
        at = page.web.now()
        waiting = [
            now
            for now in page.state.moves.values()
            if now.status is MoveStatus.PROPOSED and at < answer_by(page.state, now)
        ]
        if not waiting:
            return Markup("")
        return tag("div", *[self._proposal(now) for now in waiting], cls="mc-alerts")

    def _proposal(self, now: MoveNow) -> Markup:
        page = self._page
        move = now.move.id
        until = page.say("moves.answer_by", at=self._clock(answer_by(page.state, now)))
        acts = (
            act("accept", page.say("act.accept"), move, page.fresh, "mc-strong"),
            act("refuse", page.say("act.refuse"), move, page.fresh),
        )
        return tag(
            "div",
            tag("b", page.say("moves.proposal")),
            tag("span", said.move(now.move, page.state.setup, page.language)),
            tag("small", until, cls="mc-soft"),
            tag("span", *acts, cls="mc-answers") if page.may(o.AcceptMove) else None,
            cls="mc-alert mc-proposal",
            role="status",
            data_move=move,
        )

    def moves(self) -> Markup:
        """Moves under way, then those of today that are past, the newest first; what nobody answered is last."""
        page = self._page
        known = [m for m in page.state.moves.values() if m.status is not MoveStatus.PROPOSED]
        known.sort(
            key=lambda m: (
                m.status is MoveStatus.ACCEPTED,
                m.status is not MoveStatus.EXPIRED,
                m.ended_at or m.answered_at,
            )
        )
        if not known:
            return tag("div", page.say("moves.none"), cls="mc-empty")
        shown = [self._move_row(m) for m in list(reversed(known))[:PAST_SHOWN]]
        return tag("table", tag("tbody", *shown), cls="mc-table mc-moves")

    def _move_row(self, now: MoveNow) -> Markup:
        page = self._page
        words = said.move(now.move, page.state.setup, page.language)
        came = said.move_came(now, page.language) if now.status is MoveStatus.ENDED else now.reason
        stop = now.status is MoveStatus.ACCEPTED and page.may(o.RefuseMove)
        return row(
            tag("td", self._clock(now.answered_at or now.proposed_at), cls="mc-time"),
            tag("td", words, tag("div", came, cls="mc-soft") if came else None),
            tag("td", self._status(now), cls="mc-acts"),
            tag(
                "td",
                act("stop", page.say("act.stop"), now.move.id, page.fresh) if stop else "",
                cls="mc-acts",
            ),
            data_move=now.move.id,
        )

    def _status(self, now: MoveNow) -> Markup:
        page = self._page
        words = page.say(f"moves.{now.status}")
        if now.auto:
            words = f"{words} ({page.say('moves.auto')})"
        return chip(words, STATUS_LOOKS.get(now.status, ""))

    # --- what visitors were told ---

    def scores(self) -> Markup:
        page, state = self._page, self._page.state
        before = state.scores_before
        lines = [self._summary("scores.today", state.scores)]
        if before.day:
            lines.append(self._summary("scores.before", before.services, day=_day(before.day)))
        heads = ("count", "error", "bias", "inside")
        head = (
            page.say("table.service"),
            *[tag("div", page.say(f"scores.{h}"), cls="mc-num") for h in heads],
        )
        rows = [
            self._score_row(service_name(page, s.id), s.id, state.scores.get(s.id, Score()))
            for s in state.setup.services
        ]
        return join(*lines, table(head, rows))

    def _summary(self, key: str, scores: dict[str, Score], **values: str) -> Markup:
        page, score = self._page, together(scores.values())
        if not score.enough:
            words = page.say(f"{key}_few", count=score.count, **values)
        else:
            words = page.say(
                key,
                error=decimal(score.mean_error, page.language),
                inside=f"{score.share_inside * 100:.0f}",
                count=score.count,
                **values,
            )
        return tag("p", words, cls="mc-summary")

    def _score_row(self, name: str, service: str, score: Score) -> Markup:
        page = self._page
        count = tag("td", score.count or "–", cls="mc-num")
        if not score.enough:
            few = tag("td", page.say("ratings.few"), cls="mc-num mc-soft", colspan=3)
            return row(name, count, few, data_score=service)
        sign = "+" if score.mean_bias > 0 else ""
        return row(
            name,
            count,
            tag("td", decimal(score.mean_error, page.language), cls="mc-num"),
            tag("td", sign + decimal(score.mean_bias, page.language), cls="mc-num"),
            tag("td", f"{score.share_inside:.0%}", cls="mc-num"),
            data_score=service,
        )


def _day(day: str) -> str:
    """`2026-11-25` as `25/11/2026`."""
    year, month, date = day.split("-")
    return f"{date}/{month}/{year}"
