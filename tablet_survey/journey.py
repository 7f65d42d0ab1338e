"""The visitor's way over the tablet's screens: pure rules, in which time is an argument.

The server offers a rating (`offer/<counter>`); the tablet asks for it, lets the visitor change it
for a moment, and hands it in. What was pressed once is never lost: when the offer goes away, the
time is up or the visitor leaves, the rating is handed in as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from queue_server.wire.messages import CounterState, Offer
from queue_server.wire.words import Language

POOR = 3
"""A rating up to this one is asked for its reasons."""
SETTLE_MS = 350
"""A screen that has just changed is deaf for so long: the finger was meant for what stood there."""
LAST_MOMENT_MS = 1_000
"""A press that comes so shortly after the time is up still counts."""
REMEMBERED = 64
"""How many ended offers are kept in mind: a retained offer comes again with every connection."""


class Screen(StrEnum):
    CONNECTING = "connecting"
    AWAY = "away"
    WAITING = "waiting"
    ASKING = "asking"
    CHOSEN = "chosen"
    REASONS = "reasons"
    WORDS = "words"
    THANKS = "thanks"


IDLE = frozenset({Screen.CONNECTING, Screen.AWAY, Screen.WAITING})
RATED = frozenset({Screen.CHOSEN, Screen.REASONS, Screen.WORDS})
"""Screens on which a rating stands that has not been handed in."""


@dataclass(frozen=True, slots=True)
class Now:
    """Two clocks in ms: `own` is steady and measures how long; `wall` is the server's time (UTC).

    The server's time may jump when it is first heard; a visitor's time must not jump with it.
    """

    own: int
    wall: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How long each screen stands untouched, in ms, and what is asked."""

    answer: int = 45_000
    change: int = 5_000
    reasons: int = 25_000
    words: int = 60_000
    thanks: int = 4_000
    away: int = 5_000
    offered_reasons: tuple[str, ...] = ()
    words_length: int = 200
    """0: no words."""


@dataclass(frozen=True, slots=True)
class Rating:
    """What a visitor says of one offer. `pressed_at`: her first press, ms UTC, server's clock."""

    offer: str
    score: int
    pressed_at: int
    reasons: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """All that the screens draw from. `since` and `touched` are in `Now.own`."""

    home: Language = Language.VI
    screen: Screen = Screen.CONNECTING
    since: int = 0
    touched: int = 0
    language: Language = Language.VI
    connected: bool = False
    changed: int = 0
    """When the connection last came or went."""
    counter: CounterState | None = None
    offer: Offer | None = None
    """The server's newest offer, on the screen or not."""
    asked: Offer | None = None
    """The offer that the visitor is being asked about."""
    rating: Rating | None = None
    ended: tuple[str, ...] = ()
    """The last offers that were rated or met silence here."""


# --- what happens -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    up: bool


@dataclass(frozen=True, slots=True)
class CounterSeen:
    counter: CounterState


@dataclass(frozen=True, slots=True)
class OfferSeen:
    """`offer` None: the server has taken it away."""

    offer: Offer | None


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing happened but time; expected several times a second."""


@dataclass(frozen=True, slots=True)
class PressFace:
    score: int


@dataclass(frozen=True, slots=True)
class ToggleReason:
    reason: str


@dataclass(frozen=True, slots=True)
class OpenWords:
    pass


@dataclass(frozen=True, slots=True)
class WriteWords:
    words: str


@dataclass(frozen=True, slots=True)
class CloseWords:
    pass


@dataclass(frozen=True, slots=True)
class PressSend:
    pass


@dataclass(frozen=True, slots=True)
class ChooseLanguage:
    language: Language


Touch = PressFace | ToggleReason | OpenWords | WriteWords | CloseWords | PressSend | ChooseLanguage
Fact = ConnectionChanged | CounterSeen | OfferSeen | TimePassed
Event = Touch | Fact


# --- what is to be done -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeepRating:
    """Save it as it stands: the visitor may still change it, the power may still go."""

    rating: Rating


@dataclass(frozen=True, slots=True)
class HandInRating:
    rating: Rating


@dataclass(frozen=True, slots=True)
class HandInSilence:
    """The offer was shown and nobody answered in time."""

    offer: str
    at: int


Order = KeepRating | HandInRating | HandInSilence
Step = tuple[State, tuple[Order, ...]]


def begin(home: Language, now: Now, ended: tuple[str, ...] = ()) -> State:
    """The state at switching on; `ended`: offers that were answered before, oldest first."""
    return State(
        home=home,
        language=home,
        since=now.own,
        touched=now.own,
        changed=now.own,
        ended=ended[-REMEMBERED:],
    )


def step(state: State, event: Event, now: Now, pace: Pace) -> Step:
    """What `event` at `now` makes of `state`, and what is to be done for it."""
    touched, orders = _take(state, event, now, pace)
    after, more = _settle(touched, now, pace)
    return after, (*orders, *more)


def left(state: State, now: Now, pace: Pace) -> float:
    """The share (1 … 0) of this screen's time that is left; 1 where no time runs."""
    span = _span(state.screen, pace)
    if not span:
        return 1.0
    return min(1.0, max(0.0, 1 - (now.own - state.touched) / span))


def _take(state: State, event: Event, now: Now, pace: Pace) -> Step:
    match event:
        case TimePassed():
            return state, ()
        case ConnectionChanged(up=up):
            return _connect(state, up, now), ()
        case CounterSeen(counter=counter):
            return replace(state, counter=counter), ()
        case OfferSeen(offer=offer):
            return _offered(state, offer), ()
    return _touch(state, event, now, pace)


# --- touches ------------------------------------------------------------------------------------


def _touch(state: State, event: Touch, now: Now, pace: Pace) -> Step:
    if state.asked is None or now.own - state.since < SETTLE_MS:
        return state, ()
    state = replace(state, touched=now.own)
    match event:
        case ChooseLanguage(language=language):
            return replace(state, language=language), ()
        case PressFace(score=score) if 1 <= score <= 5:
            return _press(state, score, now, pace)
    if state.rating is None or state.screen not in RATED:
        return state, ()
    match event:
        case PressSend():
            return _hand_in(state, state.rating, now)
        case ToggleReason(reason=reason) if reason in pace.offered_reasons:
            return _keep(state, replace(state.rating, reasons=_toggled(state.rating, reason)))
        case OpenWords() if state.screen is Screen.REASONS and pace.words_length:
            return _show(state, Screen.WORDS, now), ()
        case WriteWords(words=words) if state.screen is Screen.WORDS:
            rating = replace(state.rating, words=words[: pace.words_length])
            return replace(state, rating=rating), ()
        case CloseWords() if state.screen is Screen.WORDS:
            return _keep(_show(state, Screen.REASONS, now), state.rating)
    return state, ()


def _press(state: State, score: int, now: Now, pace: Pace) -> Step:
    if state.asked is None or state.screen not in (Screen.ASKING, Screen.CHOSEN, Screen.REASONS):
        return state, ()
    first = state.rating or Rating(offer=state.asked.offer, score=score, pressed_at=now.wall)
    more = score <= POOR and (pace.offered_reasons or pace.words_length)
    state = _show(state, Screen.REASONS if more else Screen.CHOSEN, now)
    return _keep(state, replace(first, score=score))


def _keep(state: State, rating: Rating) -> Step:
    return replace(state, rating=rating), (KeepRating(rating=final(rating)),)


def _toggled(rating: Rating, reason: str) -> tuple[str, ...]:
    if reason in rating.reasons:
        return tuple(r for r in rating.reasons if r != reason)
    return (*rating.reasons, reason)


def final(rating: Rating) -> Rating:
    """The rating as it is handed in: reasons and words belong to a poor one only."""
    if rating.score <= POOR:
        return replace(rating, words=" ".join(rating.words.split()))
    return replace(rating, reasons=(), words="")


# --- time and the server ------------------------------------------------------------------------


def _connect(state: State, up: bool, now: Now) -> State:
    if up == state.connected:
        return state
    return replace(state, connected=up, changed=now.own)


def _offered(state: State, offer: Offer | None) -> State:
    same = offer is not None and state.asked is not None and offer.offer == state.asked.offer
    return replace(state, offer=offer, asked=offer if same else state.asked)


def _settle(state: State, now: Now, pace: Pace) -> Step:
    """What time and the server's offer make of the screen, whatever has just happened."""
    if state.screen in IDLE:
        return _idle(state, now, pace), ()
    if state.screen is Screen.THANKS:
        over = now.own - state.since >= pace.thanks
        return (_idle(state, now, pace) if over else state), ()
    if state.screen in RATED and state.rating is not None:
        over = _withdrawn(state) or now.own - state.touched >= _span(state.screen, pace)
        return _hand_in(state, state.rating, now) if over else (state, ())
    return _settle_question(state, now, pace)


def _settle_question(state: State, now: Now, pace: Pace) -> Step:
    asked = state.asked
    if asked is None or _withdrawn(state):
        return _idle(state, now, pace), ()
    untouched = now.own - state.touched >= pace.answer + LAST_MOMENT_MS
    if not untouched and now.wall < asked.expires:
        return state, ()
    silence = HandInSilence(offer=asked.offer, at=now.wall)
    return _idle(_end(state, asked.offer), now, pace), (silence,)


def _withdrawn(state: State) -> bool:
    return state.asked is None or state.offer is None or state.offer.offer != state.asked.offer


def _hand_in(state: State, rating: Rating, now: Now) -> Step:
    state = _end(_show(state, Screen.THANKS, now), rating.offer)
    return state, (HandInRating(rating=final(rating)),)


def _end(state: State, offer: str) -> State:
    return replace(state, ended=(*state.ended, offer)[-REMEMBERED:])


def _idle(state: State, now: Now, pace: Pace) -> State:
    """Between two visitors: the next question if one is open, else what can be said truly."""
    offer = state.offer
    if offer is not None and offer.offer not in state.ended and now.wall < offer.expires:
        return _ask(state, offer, now)
    if state.connected:
        screen = Screen.WAITING if state.counter is not None else Screen.CONNECTING
    elif state.screen is Screen.CONNECTING or now.own - state.changed < pace.away:
        screen = state.screen if state.screen in IDLE else Screen.WAITING
    else:
        screen = Screen.AWAY
    if screen is state.screen:
        return state
    state = _show(state, screen, now)
    return replace(state, asked=None, rating=None, language=state.home)


def _ask(state: State, offer: Offer, now: Now) -> State:
    return replace(
        state,
        screen=Screen.ASKING,
        since=now.own,
        touched=now.own,
        asked=offer,
        rating=None,
        language=offer.language,
    )


def _show(state: State, screen: Screen, now: Now) -> State:
    if screen is state.screen:
        return state
    return replace(state, screen=screen, since=now.own, touched=now.own)


def _span(screen: Screen, pace: Pace) -> int:
    return {
        Screen.ASKING: pace.answer,
        Screen.CHOSEN: pace.change,
        Screen.REASONS: pace.reasons,
        Screen.WORDS: pace.words,
    }.get(screen, 0)
