"""The visitor's way over the tablet's screens: pure rules, in which time is an argument.

The server offers a rating (`offer/<counter>`); the tablet asks for it, lets the visitor change it
for a moment, and hands it in. Where the offer names a survey, its questions follow one by one.
What was pressed once is never lost: when the offer goes away, the time is up or the visitor leaves,
the rating is handed in as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec

from kiosk.touch import wishes
from kiosk.touch.wishes import Access
from queue_server.wire.messages import CounterState, Offer
from queue_server.wire.surveys import Kind, Question, Survey
from queue_server.wire.words import Language

POOR = 3
"""A rating up to this one is asked for its reasons."""
SETTLE_MS = 350
"""A screen that has just changed is deaf for so long: the finger was meant for what stood there."""
LAST_MOMENT_MS = 1_000
"""A press that comes so shortly after the time is up still counts."""
READING_TIMES = 3
"""What is read aloud takes so many times as long as what is seen."""
EXPIRY_SLACK_MS = 5_000
"""An offer that is taken away so shortly before its end has run out; nobody has withdrawn it."""
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
    MORE = "more"
    THANKS = "thanks"


IDLE = frozenset({Screen.CONNECTING, Screen.AWAY, Screen.WAITING})
RATED = frozenset({Screen.CHOSEN, Screen.REASONS, Screen.WORDS, Screen.MORE})
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
    more: int = 40_000
    """Each question of a survey."""
    thanks: int = 4_000
    away: int = 5_000
    offered_reasons: tuple[str, ...] = ()
    words_length: int = 200
    """0: no words."""


@dataclass(frozen=True, slots=True)
class Rating:
    """What a visitor says of one offer.

    `pressed_at`: her first press (ms UTC) by what was then known of the server's clock; `pressed_own`:
    the same by the clock that runs since the machine's start, by which it is put right later.
    """

    offer: str
    score: int
    pressed_at: int
    reasons: tuple[str, ...] = ()
    words: str = ""
    pressed_own: int = 0
    answers: tuple[tuple[str, int], ...] = ()
    """By question of the survey, those that were answered."""
    shown: int = 0
    """How many of the survey's questions she has seen."""

    def answer(self, question: str) -> int | None:
        return dict(self.answers).get(question)


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
    refused: bool = False
    """The broker has turned this device away: it was revoked, or is not enrolled here."""
    counter: CounterState | None = None
    offer: Offer | None = None
    """The server's newest offer, on the screen or not."""
    asked: Offer | None = None
    """The offer that the visitor is being asked about."""
    rating: Rating | None = None
    surveys: tuple[Survey, ...] = ()
    """Those that are asked in this centre now."""
    survey: Survey | None = None
    """What is asked after the faces; fixed from the press of a face to the end of this rating."""
    access: Access = Access()
    """How this visitor wishes to see and hear the tablet; the next one finds it as usual."""
    headphones: bool = False
    """They are fixed to this tablet: she alone hears it."""
    place: int = 0
    """Which question of `survey` is on the screen, or comes next."""
    ended: tuple[str, ...] = ()
    """The last offers that were rated or met silence here."""

    @property
    def question(self) -> Question | None:
        """The survey's question at `place`."""
        return self.survey.questions[self.place] if self.survey else None

    @property
    def last_question(self) -> bool:
        return self.survey is not None and self.place == len(self.survey.questions) - 1

    @property
    def other_language(self) -> Language | None:
        """What the visitor may change to; None where her survey is not asked in it."""
        other = Language.VI if self.language is Language.EN else Language.EN
        return other if self.survey is None or other in self.survey.languages else None

    @property
    def asks_words(self) -> bool:
        """The survey has a question that is answered in words."""
        return _words_place(self) is not None


# --- what happens -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    up: bool


@dataclass(frozen=True, slots=True)
class ConnectionRefused:
    """The broker knows this device no more."""


@dataclass(frozen=True, slots=True)
class CounterSeen:
    counter: CounterState


@dataclass(frozen=True, slots=True)
class OfferSeen:
    """`offer` None: the server has taken it away."""

    offer: Offer | None


@dataclass(frozen=True, slots=True)
class SurveysSeen:
    """The centre's surveys, as the server has them now."""

    surveys: tuple[Survey, ...]


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
    """Hand in as it stands."""


@dataclass(frozen=True, slots=True)
class AnswerQuestion:
    """An option's value, or a face, for a question of the survey."""

    question: str
    value: int


@dataclass(frozen=True, slots=True)
class GoOn:
    """The next question, whether this one was answered or not; after the last one: hand in."""


@dataclass(frozen=True, slots=True)
class GoBack:
    """The question before; before the first one the faces."""


@dataclass(frozen=True, slots=True)
class ChooseLanguage:
    language: Language


class Wish(StrEnum):
    """What can be touched of the access panel; READ is the corner marked in relief."""

    OPEN = "open"
    CLOSE = "close"
    LETTERS = "letters"
    CONTRAST = "contrast"
    READING = "reading"
    READ = "read"
    SPEED = "speed"
    VOLUME = "volume"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class MakeWish:
    wish: Wish


Touch = (
    PressFace
    | ToggleReason
    | OpenWords
    | WriteWords
    | CloseWords
    | PressSend
    | AnswerQuestion
    | GoOn
    | GoBack
    | ChooseLanguage
    | MakeWish
)
Fact = ConnectionChanged | ConnectionRefused | CounterSeen | OfferSeen | SurveysSeen | TimePassed
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


def begin(home: Language, now: Now, ended: tuple[str, ...] = (), headphones: bool = False) -> State:
    """The state at switching on; `ended`: offers that were answered before, oldest first."""
    return State(
        home=home,
        headphones=headphones,
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
    span = _span(state, pace)
    if not span:
        return 1.0
    return min(1.0, max(0.0, 1 - (now.own - state.touched) / span))


def settled(state: State, now: Now) -> bool:
    """Whether a touch can have been meant for what stands there."""
    return now.own - state.since >= SETTLE_MS


def _take(state: State, event: Event, now: Now, pace: Pace) -> Step:
    match event:
        case TimePassed():
            return state, ()
        case ConnectionChanged(up=up):
            return _connect(state, up, now), ()
        case ConnectionRefused():
            return replace(state, refused=True), ()
        case CounterSeen(counter=counter):
            return replace(state, counter=counter), ()
        case OfferSeen(offer=offer):
            return _offered(state, offer), ()
        case SurveysSeen(surveys=surveys):
            return replace(state, surveys=surveys), ()
    return _touch(state, event, now, pace)


# --- touches ------------------------------------------------------------------------------------


def _touch(state: State, event: Touch, now: Now, pace: Pace) -> Step:
    if state.asked is None or not settled(state, now):
        return state, ()
    state = replace(state, touched=now.own)
    match event:
        case MakeWish(wish=wish):
            return _wished(state, wish, now), ()
        case ChooseLanguage(language=language):
            known = language in (state.language, state.other_language)
            return (replace(state, language=language) if known else state), ()
        case PressFace(score=score) if 1 <= score <= 5:
            return _press(state, score, now, pace)
    if state.rating is None or state.screen not in RATED:
        return state, ()
    if isinstance(event, PressSend):
        return _hand_in(state, state.rating, now)
    if isinstance(event, AnswerQuestion | GoOn | GoBack):
        return _way_touch(state, state.rating, event, now, pace)
    return _word_touch(state, state.rating, event, now, pace)


def _word_touch(state: State, rating: Rating, event: Touch, now: Now, pace: Pace) -> Step:
    """Reasons, and words of her own."""
    match event:
        case ToggleReason(reason=reason) if reason in pace.offered_reasons:
            return _keep(state, replace(rating, reasons=_toggled(rating, reason)))
        case OpenWords() if pace.words_length and _may_write(state):
            return _show(state, Screen.WORDS, now), ()
        case WriteWords(words=words) if state.screen is Screen.WORDS:
            return replace(state, rating=replace(rating, words=words[: pace.words_length])), ()
        case CloseWords() if state.screen is Screen.WORDS:
            came_from = Screen.MORE if _asks_words_now(state) else Screen.REASONS
            return _keep(_show(state, came_from, now), rating)
    return state, ()


def _wished(state: State, wish: Wish, now: Now) -> State:
    """Her rating stays as it is; a panel that comes or goes is another screen under her finger."""
    own = state.access
    match wish:
        case Wish.OPEN | Wish.CLOSE:
            return replace(state, access=replace(own, open=wish is Wish.OPEN), since=now.own)
        case Wish.LETTERS:
            own = wishes.next_letters(own)
        case Wish.CONTRAST:
            own = replace(own, contrast=not own.contrast)
        case Wish.READING:
            own = replace(own, reading=not own.reading)
        case Wish.READ:
            own = replace(own, reading=True)
        case Wish.SPEED:
            own = wishes.next_speed(own)
        case Wish.VOLUME:
            own = wishes.next_volume(own)
        case Wish.TIME:
            own = wishes.more_patience(own)
    return replace(state, access=own)


def _press(state: State, score: int, now: Now, pace: Pace) -> Step:
    if state.asked is None or state.screen not in (Screen.ASKING, Screen.CHOSEN, Screen.REASONS):
        return state, ()
    first = state.rating or Rating(
        offer=state.asked.offer, score=score, pressed_at=now.wall, pressed_own=now.own
    )
    rating = replace(first, score=score)
    if state.rating is None:
        state = replace(state, survey=_survey_of(state, pace), place=0)
    if _has_reasons(state, score, pace):
        return _keep(_show(state, Screen.REASONS, now), rating)
    if state.survey is not None:
        return _ask_question(state, rating, state.place, now)
    return _keep(_show(state, Screen.CHOSEN, now), rating)


def _has_reasons(state: State, score: int, pace: Pace) -> bool:
    words = pace.words_length and not state.asks_words
    return score <= POOR and bool(pace.offered_reasons or words)


# --- the survey ---------------------------------------------------------------------------------


def _survey_of(state: State, pace: Pace) -> Survey | None:
    """What the offer asks beyond the faces; None if it is unknown here or not in her language."""
    wanted = state.asked.survey if state.asked else ""
    survey = next((s for s in state.surveys if s.id == wanted), None)
    if survey is None or state.language not in survey.languages:
        return None
    asked = tuple(q for q in survey.questions if q.kind is not Kind.WORDS or pace.words_length)
    return msgspec.structs.replace(survey, questions=asked) if asked else None


def _way_touch(
    state: State, rating: Rating, event: AnswerQuestion | GoOn | GoBack, now: Now, pace: Pace
) -> Step:
    """On and back: the faces, the reasons of a poor rating, the questions one by one."""
    reasons = _has_reasons(state, rating.score, pace)
    match event, state.screen:
        case GoOn(), Screen.CHOSEN if reasons:
            return _show(state, Screen.REASONS, now), ()
        case GoOn(), Screen.CHOSEN | Screen.REASONS if state.survey is not None:
            return _ask_question(state, rating, state.place, now)
        case GoBack(), Screen.REASONS:
            return _show(state, Screen.CHOSEN, now), ()
        case GoBack(), Screen.MORE if state.place == 0:
            return _show(state, Screen.REASONS if reasons else Screen.CHOSEN, now), ()
    return _survey_touch(state, rating, event, now)


def _survey_touch(
    state: State, rating: Rating, event: AnswerQuestion | GoOn | GoBack, now: Now
) -> Step:
    question = state.question
    if state.screen is not Screen.MORE or question is None:
        return state, ()
    match event:
        case AnswerQuestion(question=name, value=value):
            right = name == question.id and question.takes(value)
            return _answer(state, rating, name, value, now) if right else (state, ())
        case GoOn():
            return _go_on(state, rating, now)
    return _ask_question(state, rating, state.place - 1, now)


def _ask_question(state: State, rating: Rating, place: int, now: Now) -> Step:
    state = replace(state, screen=Screen.MORE, place=place, since=now.own, touched=now.own)
    return _keep(state, replace(rating, shown=max(rating.shown, place + 1)))


def _answer(state: State, rating: Rating, question: str, value: int, now: Now) -> Step:
    """The next question comes by itself; the last answer stands for a moment to be changed."""
    answers = {**dict(rating.answers), question: value}
    rating = replace(rating, answers=tuple(answers.items()))
    if state.last_question:
        return _keep(state, rating)
    return _ask_question(state, rating, state.place + 1, now)


def _go_on(state: State, rating: Rating, now: Now) -> Step:
    if state.last_question:
        return _hand_in(state, rating, now)
    return _ask_question(state, rating, state.place + 1, now)


def answered(state: State) -> bool:
    """Whether the question on the screen has its answer."""
    question, rating = state.question, state.rating
    if question is None or rating is None:
        return False
    if question.kind is Kind.WORDS:
        return bool(rating.words.strip())
    return rating.answer(question.id) is not None


def _words_place(state: State) -> int | None:
    questions = state.survey.questions if state.survey else ()
    return next((n for n, q in enumerate(questions) if q.kind is Kind.WORDS), None)


def _asks_words_now(state: State) -> bool:
    """Whether the words are those of the survey's question, and not of a poor rating's reasons."""
    place, shown = _words_place(state), state.rating.shown if state.rating else 0
    return place is not None and state.place == place and shown > place


def _may_write(state: State) -> bool:
    if state.screen is Screen.MORE:
        return _asks_words_now(state)
    return state.screen is Screen.REASONS and not state.asks_words


def _keep(state: State, rating: Rating) -> Step:
    state = replace(state, rating=rating)
    return state, (KeepRating(rating=final(state, rating)),)


def _toggled(rating: Rating, reason: str) -> tuple[str, ...]:
    if reason in rating.reasons:
        return tuple(r for r in rating.reasons if r != reason)
    return (*rating.reasons, reason)


def final(state: State, rating: Rating) -> Rating:
    """The rating as it is handed in: reasons belong to a poor one only, and so do words that no
    question of a survey asked for."""
    poor, place = rating.score <= POOR, _words_place(state)
    asked = place is not None and rating.shown > place
    return replace(
        rating,
        reasons=rating.reasons if poor else (),
        words=" ".join(rating.words.split()) if poor or asked else "",
    )


# --- time and the server ------------------------------------------------------------------------


def _connect(state: State, up: bool, now: Now) -> State:
    if up == state.connected:
        return state
    return replace(state, connected=up, refused=state.refused and not up, changed=now.own)


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
        over = _withdrawn(state, now) or now.own - state.touched >= _span(state, pace)
        return _hand_in(state, state.rating, now) if over else (state, ())
    return _settle_question(state, now, pace)


def _settle_question(state: State, now: Now, pace: Pace) -> Step:
    """Silence, when nobody comes in time; who is just making the screen fit for her is waited for."""
    asked = state.asked
    awaited = state.access != Access()
    gone = _withdrawn(state, now) if awaited else _taken_away(state)
    if asked is None or gone:
        return _idle(state, now, pace), ()
    untouched = now.own - state.touched >= _span(state, pace) + LAST_MOMENT_MS
    if not untouched and (awaited or now.wall < asked.expires):
        return state, ()
    silence = HandInSilence(offer=asked.offer, at=now.wall)
    return _idle(_end(state, asked.offer), now, pace), (silence,)


def _taken_away(state: State) -> bool:
    return state.asked is None or state.offer is None or state.offer.offer != state.asked.offer


def _withdrawn(state: State, now: Now) -> bool:
    """Whether her rating must be handed in now. An offer that has only run out leaves her the time
    that she is using: it can be answered for days, and nobody waits for the screen."""
    if not _taken_away(state):
        return False
    asked = state.asked
    ran_out = asked is not None and now.wall >= asked.expires - EXPIRY_SLACK_MS
    return not (ran_out and state.offer is None)


def _hand_in(state: State, rating: Rating, now: Now) -> Step:
    rating = final(state, rating)
    state = _end(_show(state, Screen.THANKS, now), rating.offer)
    return replace(state, rating=rating), (HandInRating(rating=rating),)


def _end(state: State, offer: str) -> State:
    return replace(state, ended=(*state.ended, offer)[-REMEMBERED:])


def _idle(state: State, now: Now, pace: Pace) -> State:
    """Between two visitors: the next question if one is open, else what can be said truly."""
    offer = state.offer
    if offer is not None and offer.offer not in state.ended and now.wall < offer.expires:
        return _ask(state, offer, now)
    if state.connected:
        screen = Screen.WAITING if state.counter is not None else Screen.CONNECTING
    elif state.refused:
        screen = Screen.AWAY
    elif state.screen is Screen.CONNECTING or now.own - state.changed < pace.away:
        screen = state.screen if state.screen in IDLE else Screen.WAITING
    else:
        screen = Screen.AWAY
    if screen is state.screen:
        return state
    state = _show(state, screen, now)
    return replace(
        state,
        asked=None,
        rating=None,
        survey=None,
        place=0,
        access=Access(),
        language=state.home,
    )


def _ask(state: State, offer: Offer, now: Now) -> State:
    return replace(
        state,
        screen=Screen.ASKING,
        since=now.own,
        touched=now.own,
        asked=offer,
        rating=None,
        survey=None,
        place=0,
        access=Access(),
        language=offer.language,
    )


def _show(state: State, screen: Screen, now: Now) -> State:
    if screen is state.screen:
        return state
    access = replace(state.access, open=False)
    return replace(state, screen=screen, since=now.own, touched=now.own, access=access)


def _span(state: State, pace: Pace) -> int:
    """How long this screen stands untouched for this visitor."""
    times = state.access.patience * (READING_TIMES if state.access.reading else 1)
    return _usual_span(state, pace) * times


def _usual_span(state: State, pace: Pace) -> int:
    """The last answer and a good face stand only to be changed."""
    settled = state.screen is Screen.MORE and state.last_question and answered(state)
    good = state.rating is not None and state.rating.score > POOR
    if settled or (state.screen is Screen.CHOSEN and state.survey is None and good):
        return pace.change
    return {
        Screen.ASKING: pace.answer,
        Screen.CHOSEN: pace.more,
        Screen.REASONS: pace.reasons,
        Screen.WORDS: pace.words,
        Screen.MORE: pace.more,
    }.get(state.screen, 0)
