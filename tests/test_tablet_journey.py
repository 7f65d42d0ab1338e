"""Stories of the visitor's way over the tablet's screens."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kiosk.touch.wishes import Access
from queue_server.wire import surveys
from queue_server.wire.messages import CounterState, Offer
from queue_server.wire.words import Language, Names
from tablet_survey import journey as j
from tablet_survey.journey import Screen, Wish

START = 1_800_000_000_000
PACE = j.Pace(offered_reasons=("waiting", "attitude"))


@dataclass
class Tablet:
    """A journey with its orders written down; time passes in quarter seconds, as on the screen."""

    own: int = 1_000
    ahead: int = START
    state: j.State = field(default_factory=j.State)
    orders: list[j.Order] = field(default_factory=list)

    def now(self) -> j.Now:
        return j.Now(own=self.own, wall=self.own + self.ahead)

    def sees(self, *events: j.Event) -> Tablet:
        for event in events:
            self.state, orders = j.step(self.state, event, self.now(), PACE)
            self.orders += orders
        return self

    def waits(self, seconds: float) -> Tablet:
        for _ in range(round(seconds * 4)):
            self.own += 250
            self.sees(j.TimePassed())
        return self

    def touches(self, *events: j.Touch) -> Tablet:
        for event in events:
            self.waits(0.5).sees(event)
        return self

    def handed_in(self) -> list[j.Rating]:
        return [o.rating for o in self.orders if isinstance(o, j.HandInRating)]

    def silences(self) -> list[str]:
        return [o.offer for o in self.orders if isinstance(o, j.HandInSilence)]


def offer(name: str = "o1", lasts_s: float = 120, language: Language = Language.VI) -> Offer:
    return Offer(
        offer=name,
        counter=3,
        at=START,
        expires=START + int(lasts_s * 1000),
        number="B047",
        language=language,
    )


def tablet() -> Tablet:
    counter = CounterState(
        counter=3, name=Names(vi="Đất đai", en="Land"), state="serving", at=START, number="B047"
    )
    own = Tablet()
    own.state = j.begin(Language.VI, own.now())
    return own.sees(j.ConnectionChanged(True), j.CounterSeen(counter))


def asked(**about: object) -> Tablet:
    return tablet().sees(j.OfferSeen(offer(**about)))  # type: ignore[arg-type]


def test_a_tablet_connects_then_shows_its_counter() -> None:
    own = Tablet()
    own.state = j.begin(Language.VI, own.now())
    assert own.waits(1).state.screen is Screen.CONNECTING
    assert tablet().state.screen is Screen.WAITING


def test_a_short_break_of_the_line_is_not_shown_but_a_long_one_is() -> None:
    own = tablet().sees(j.ConnectionChanged(False)).waits(3)
    assert own.state.screen is Screen.WAITING
    assert own.waits(3).state.screen is Screen.AWAY
    assert own.sees(j.ConnectionChanged(True)).state.screen is Screen.WAITING


def test_a_tablet_that_is_shut_out_says_so_until_it_is_let_in() -> None:
    own = Tablet()
    own.state = j.begin(Language.VI, own.now())
    own.sees(j.ConnectionRefused())
    assert own.state.screen is Screen.AWAY and own.state.refused
    own.sees(j.ConnectionChanged(True)).waits(1)
    assert own.state.screen is Screen.CONNECTING and not own.state.refused


def test_an_offer_is_asked_in_the_visitors_language_and_she_may_change_it() -> None:
    own = asked(language=Language.EN)
    assert (own.state.screen, own.state.language) == (Screen.ASKING, Language.EN)
    assert own.touches(j.ChooseLanguage(Language.VI)).state.language is Language.VI


def test_after_a_foreign_visitor_the_tablet_speaks_its_own_language_again() -> None:
    own = asked(language=Language.EN).touches(j.PressFace(5), j.PressSend())
    assert own.state.language is Language.EN
    own.sees(j.OfferSeen(None)).waits(5)
    assert (own.state.screen, own.state.language) == (Screen.WAITING, Language.VI)


def test_a_good_rating_needs_one_press_and_is_sent_by_itself() -> None:
    own = asked().touches(j.PressFace(5))
    pressed = own.now()
    assert own.state.screen is Screen.CHOSEN and not own.handed_in()
    own.waits(5)
    rating = j.Rating(offer="o1", score=5, pressed_at=pressed.wall, pressed_own=pressed.own)
    assert own.handed_in() == [rating]
    assert own.state.screen is Screen.THANKS
    assert own.waits(4).state.screen is Screen.WAITING


def test_it_is_kept_at_the_first_press() -> None:
    own = asked().touches(j.PressFace(4))
    assert [o.rating.score for o in own.orders if isinstance(o, j.KeepRating)] == [4]


def test_a_rating_may_be_changed_until_it_is_sent() -> None:
    own = asked().touches(j.PressFace(1), j.PressFace(4), j.PressSend())
    assert [r.score for r in own.handed_in()] == [4]


def test_each_change_gives_time_for_another() -> None:
    own = asked().touches(j.PressFace(4)).waits(4).touches(j.PressFace(5)).waits(4)
    assert not own.handed_in()
    assert [r.score for r in own.waits(2).handed_in()] == [5]


def test_a_poor_rating_is_asked_for_reasons_of_which_several_may_be_chosen() -> None:
    own = asked().touches(j.PressFace(3))
    assert own.state.screen is Screen.REASONS
    own.touches(j.ToggleReason("waiting"), j.ToggleReason("attitude"), j.ToggleReason("waiting"))
    own.touches(j.ToggleReason("waiting"), j.PressSend())
    assert own.handed_in()[0].reasons == ("attitude", "waiting")


def test_an_unknown_reason_is_not_taken() -> None:
    own = asked().touches(j.PressFace(2), j.ToggleReason("weather"), j.PressSend())
    assert own.handed_in()[0].reasons == ()


def test_words_are_bounded_and_go_with_the_rating() -> None:
    own = asked().touches(j.PressFace(1), j.OpenWords(), j.WriteWords("  chờ  lâu " + "x" * 300))
    own.touches(j.CloseWords(), j.PressSend())
    words = own.handed_in()[0].words
    assert words.startswith("chờ lâu x") and len(words) <= PACE.words_length


def test_reasons_do_not_stay_on_a_rating_that_became_good() -> None:
    own = asked().touches(j.PressFace(1), j.ToggleReason("waiting"), j.PressFace(5), j.PressSend())
    assert own.handed_in()[0].reasons == ()


def test_a_visitor_who_walks_away_from_the_reasons_has_rated() -> None:
    own = asked().touches(j.PressFace(2), j.ToggleReason("waiting")).waits(25)
    assert [(r.score, r.reasons) for r in own.handed_in()] == [(2, ("waiting",))]


def test_words_half_written_are_sent_as_they_stand() -> None:
    own = asked().touches(j.PressFace(2), j.OpenWords(), j.WriteWords("chờ")).waits(60)
    assert own.handed_in()[0].words == "chờ"


def test_nobody_answering_in_time_is_a_silence_said_once() -> None:
    own = asked().waits(45)
    assert own.state.screen is Screen.ASKING
    own.waits(1.25)
    assert own.silences() == ["o1"] and own.state.screen is Screen.WAITING
    own.sees(j.OfferSeen(offer())).waits(60)
    assert own.silences() == ["o1"] and own.state.screen is Screen.WAITING


def test_a_press_in_the_last_moment_counts() -> None:
    own = asked().waits(45.5).sees(j.PressFace(4)).waits(6)
    assert [r.score for r in own.handed_in()] == [4] and not own.silences()


def test_a_touch_gives_a_slow_visitor_her_time_again() -> None:
    own = asked().waits(40).touches(j.ChooseLanguage(Language.EN)).waits(40)
    assert own.state.screen is Screen.ASKING and not own.silences()


def test_an_offer_that_expires_while_asked_is_a_silence() -> None:
    own = asked(lasts_s=20).waits(21)
    assert own.silences() == ["o1"] and own.state.screen is Screen.WAITING


def test_an_offer_that_came_too_late_is_never_shown() -> None:
    own = tablet().waits(10).sees(j.OfferSeen(offer(lasts_s=5))).waits(2)
    assert own.state.screen is Screen.WAITING and not own.orders


def test_a_withdrawn_offer_leaves_no_trace_before_a_press() -> None:
    own = asked().waits(2).sees(j.OfferSeen(None))
    assert own.state.screen is Screen.WAITING and not own.orders


def test_a_withdrawn_offer_loses_nothing_after_a_press() -> None:
    own = asked().touches(j.PressFace(2), j.ToggleReason("attitude")).sees(j.OfferSeen(None))
    assert [(r.score, r.reasons) for r in own.handed_in()] == [(2, ("attitude",))]
    assert own.state.screen is Screen.THANKS


def test_the_next_visitors_offer_waits_for_the_thanks_and_is_rated_by_herself() -> None:
    own = asked().touches(j.PressFace(2)).sees(j.OfferSeen(offer("o2")))
    assert own.state.screen is Screen.THANKS
    own.waits(4)
    assert own.state.screen is Screen.ASKING and own.state.rating is None
    own.touches(j.PressFace(5), j.PressSend())
    assert [(r.offer, r.score) for r in own.handed_in()] == [("o1", 2), ("o2", 5)]


def test_a_finger_on_its_way_when_the_question_changes_does_not_rate_the_next_visit() -> None:
    own = asked().waits(3).sees(j.OfferSeen(offer("o2"))).waits(0.25).sees(j.PressFace(1))
    assert own.state.asked == offer("o2") and own.state.rating is None


def test_the_line_may_go_and_come_while_she_rates() -> None:
    own = asked().sees(j.ConnectionChanged(False)).waits(10).touches(j.PressFace(3))
    own.sees(j.ConnectionChanged(True), j.OfferSeen(offer())).touches(j.PressSend())
    assert [r.score for r in own.handed_in()] == [3]


def test_a_jump_of_the_servers_clock_takes_no_time_from_the_visitor() -> None:
    own = asked()
    own.ahead += 30_000
    own.waits(1)
    assert own.state.screen is Screen.ASKING and j.left(own.state, own.now(), PACE) > 0.9


def test_what_was_answered_before_the_restart_is_not_asked_again() -> None:
    own = Tablet()
    own.state = j.begin(Language.VI, own.now(), ended=("o1",))
    own.sees(j.ConnectionChanged(True), j.OfferSeen(offer("o1"))).waits(1)
    assert own.state.screen is not Screen.ASKING


EVENTS = st.one_of(
    st.sampled_from([offer("o1"), offer("o2"), offer("o3", 20), None]).map(j.OfferSeen),
    st.booleans().map(j.ConnectionChanged),
    st.integers(0, 6).map(j.PressFace),
    st.sampled_from(["waiting", "attitude", "weather"]).map(j.ToggleReason),
    st.sampled_from([j.OpenWords(), j.CloseWords(), j.PressSend(), j.WriteWords("à")]),
    st.sampled_from(list(Language)).map(j.ChooseLanguage),
)


@given(st.lists(st.tuples(EVENTS, st.sampled_from([0.0, 0.25, 0.5, 3.0, 30.0]))))
def test_whatever_happens_each_offer_is_answered_once_and_each_press_is_handed_in(
    story: list[tuple[j.Event, float]],
) -> None:
    own = tablet()
    for event, then in story:
        own.sees(event).waits(then)
    own.sees(j.OfferSeen(None)).waits(70)
    kept = {o.rating.offer: o.rating for o in own.orders if isinstance(o, j.KeepRating)}
    handed_in = own.handed_in()
    answered = [r.offer for r in handed_in] + own.silences()
    assert len(answered) == len(set(answered))
    assert {r.offer: r.score for r in handed_in} == {o: r.score for o, r in kept.items()}
    assert all(1 <= r.score <= 5 and "weather" not in r.reasons for r in handed_in)
    assert own.state.screen in j.IDLE


# --- surveys ------------------------------------------------------------------------------------

FOUR = surveys.offered()["circular01"]
WORD = surveys.offered()["word"]
FIRST, SECOND, THIRD, LAST = (question.id for question in FOUR.questions)
ONLY_VIETNAMESE = msgspec.structs.replace(FOUR, id="vi", languages=("vi",))


def surveyed(survey: str = FOUR.id, language: Language = Language.VI) -> Tablet:
    own = tablet().sees(j.SurveysSeen((FOUR, WORD, ONLY_VIETNAMESE)))
    asked = msgspec.structs.replace(offer(language=language), survey=survey)
    return own.sees(j.OfferSeen(asked))


def at_question(place: int) -> Tablet:
    own = surveyed().touches(j.PressFace(5))
    return own.touches(*(j.GoOn() for _ in range(place)))


def question_of(own: Tablet) -> str:
    assert own.state.screen is Screen.MORE and own.state.question is not None
    return own.state.question.id


def test_after_a_face_the_survey_asks_one_question_a_screen() -> None:
    own = surveyed().touches(j.PressFace(4))
    seen = []
    for value in (2, 0, 1, 2):
        seen.append(question_of(own))
        own.touches(j.AnswerQuestion(seen[-1], value))
    assert seen == [FIRST, SECOND, THIRD, LAST]
    assert question_of(own) == LAST and not own.handed_in()
    rating = own.touches(j.PressSend()).handed_in()[0]
    assert dict(rating.answers) == {FIRST: 2, SECOND: 0, THIRD: 1, LAST: 2}
    assert (rating.score, rating.shown) == (4, 4)


def test_the_last_answer_may_be_changed_for_a_moment_and_is_sent_by_itself() -> None:
    own = at_question(3).touches(j.AnswerQuestion(LAST, 0), j.AnswerQuestion(LAST, 2)).waits(5)
    assert [r.answer(LAST) for r in own.handed_in()] == [2]


def test_a_skipped_question_has_no_answer_and_was_seen() -> None:
    own = surveyed().touches(j.PressFace(5), j.GoOn(), j.AnswerQuestion(SECOND, 1), j.PressSend())
    assert [(r.answers, r.shown) for r in own.handed_in()] == [(((SECOND, 1),), 3)]


def test_skipping_the_last_question_hands_in_what_stands() -> None:
    own = at_question(3).touches(j.GoOn())
    assert [(r.answers, r.shown) for r in own.handed_in()] == [((), 4)]


def test_going_back_loses_nothing() -> None:
    own = surveyed().touches(
        j.PressFace(5), j.AnswerQuestion(FIRST, 2), j.AnswerQuestion(SECOND, 1)
    )
    own.touches(j.GoBack(), j.GoBack())
    assert question_of(own) == FIRST and own.state.rating is not None
    assert own.state.rating.answer(FIRST) == 2
    own.touches(j.GoOn(), j.GoOn(), j.PressSend())
    assert [(dict(r.answers), r.shown) for r in own.handed_in()] == [({FIRST: 2, SECOND: 1}, 3)]


def test_back_from_the_first_question_the_face_may_be_changed() -> None:
    own = surveyed().touches(j.PressFace(5), j.GoBack())
    assert own.state.screen is Screen.CHOSEN
    own.touches(j.PressFace(4))
    assert question_of(own) == FIRST
    assert [r.score for r in own.touches(j.PressSend()).handed_in()] == [4]


def test_a_poor_rating_is_asked_for_its_reasons_first() -> None:
    own = surveyed().touches(j.PressFace(2))
    assert own.state.screen is Screen.REASONS
    own.touches(j.ToggleReason("waiting"), j.GoOn(), j.AnswerQuestion(FIRST, 0), j.GoBack())
    own.touches(j.GoBack())
    assert own.state.screen is Screen.REASONS
    rating = own.touches(j.PressSend()).handed_in()[0]
    assert (rating.reasons, rating.answers) == (("waiting",), ((FIRST, 0),))


def test_from_the_reasons_there_is_a_way_back_to_the_faces() -> None:
    own = asked().touches(j.PressFace(2), j.ToggleReason("waiting"), j.GoBack())
    assert own.state.screen is Screen.CHOSEN
    own.waits(10)
    assert own.state.screen is Screen.CHOSEN, "a poor rating is not sent while she thinks it over"
    own.touches(j.GoOn())
    assert own.state.screen is Screen.REASONS
    assert own.touches(j.PressSend()).handed_in()[0].reasons == ("waiting",)


def test_words_that_a_survey_asks_for_are_kept_whatever_the_score() -> None:
    own = surveyed(WORD.id).touches(j.PressFace(5), j.OpenWords())
    assert own.state.screen is Screen.WORDS
    own.touches(j.WriteWords("cảm ơn"), j.CloseWords())
    assert own.state.screen is Screen.MORE
    assert [(r.score, r.words) for r in own.touches(j.PressSend()).handed_in()] == [(5, "cảm ơn")]


def test_each_answer_is_kept_at_once_for_a_power_cut() -> None:
    own = surveyed().touches(j.PressFace(5), j.AnswerQuestion(FIRST, 2))
    kept = [o.rating for o in own.orders if isinstance(o, j.KeepRating)][-1]
    assert (kept.answers, kept.shown) == (((FIRST, 2),), 2)


def test_a_visitor_who_walks_away_in_the_middle_has_rated() -> None:
    own = surveyed().touches(j.PressFace(4), j.AnswerQuestion(FIRST, 1)).waits(40)
    assert [(r.score, r.answers, r.shown) for r in own.handed_in()] == [(4, ((FIRST, 1),), 2)]


def test_a_withdrawn_offer_hands_in_the_answers_that_stand() -> None:
    own = surveyed().touches(j.PressFace(4), j.AnswerQuestion(FIRST, 1)).sees(j.OfferSeen(None))
    assert [r.answers for r in own.handed_in()] == [((FIRST, 1),)]


def test_an_offer_that_runs_out_while_she_answers_leaves_her_the_time() -> None:
    own = surveyed().waits(44).touches(j.PressFace(5))
    for question in (FIRST, SECOND):
        own.waits(38).touches(j.AnswerQuestion(question, 1))
    own.sees(j.OfferSeen(None))
    assert question_of(own) == THIRD and not own.handed_in()
    own.sees(j.OfferSeen(offer("o2")))
    assert [dict(r.answers) for r in own.handed_in()] == [{FIRST: 1, SECOND: 1}]


def test_a_survey_that_is_unknown_or_not_in_her_language_is_the_quick_rating() -> None:
    for own in (surveyed("unheard"), surveyed("vi", Language.EN), surveyed("")):
        assert own.touches(j.PressFace(5)).state.screen is Screen.CHOSEN
    assert question_of(surveyed("vi").touches(j.PressFace(5))) == FIRST


def test_she_cannot_change_to_a_language_in_which_her_survey_is_not_asked() -> None:
    own = surveyed("vi").touches(j.PressFace(5), j.ChooseLanguage(Language.EN))
    assert own.state.language is Language.VI and own.state.other_language is None
    own = surveyed().touches(j.PressFace(5), j.ChooseLanguage(Language.EN))
    assert own.state.language is Language.EN


def test_the_questions_do_not_change_while_she_answers_them() -> None:
    own = at_question(1)
    cut = msgspec.structs.replace(FOUR, questions=FOUR.questions[:1])
    own.sees(j.SurveysSeen((cut,)))
    assert question_of(own) == SECOND


def test_a_value_that_is_no_answer_of_this_question_is_not_taken() -> None:
    own = at_question(0).touches(j.AnswerQuestion(FIRST, 7), j.AnswerQuestion(SECOND, 1))
    assert question_of(own) == FIRST
    assert own.touches(j.PressSend()).handed_in()[0].answers == ()


def test_a_finger_on_its_way_to_one_question_does_not_answer_the_next() -> None:
    own = surveyed().touches(j.PressFace(5)).waits(0.5).sees(j.AnswerQuestion(FIRST, 1), j.GoOn())
    assert question_of(own) == SECOND


@given(st.lists(st.sampled_from([
    j.PressFace(5), j.PressFace(1), j.GoOn(), j.GoBack(), j.PressSend(), j.OpenWords(),
    j.CloseWords(), j.AnswerQuestion(FIRST, 1), j.AnswerQuestion(SECOND, 2),
    j.AnswerQuestion(LAST, 0), j.ToggleReason("waiting"), j.ChooseLanguage(Language.EN),
]), max_size=20))  # fmt: skip
def test_whatever_she_touches_each_answer_that_was_kept_is_handed_in_once(
    touches: list[j.Touch],
) -> None:
    own = surveyed().touches(*touches).sees(j.OfferSeen(None)).waits(70)
    kept = [o.rating for o in own.orders if isinstance(o, j.KeepRating)]
    assert [(r.answers, r.shown) for r in own.handed_in()] == [
        (r.answers, r.shown) for r in kept[-1:]
    ]


# --- access ---------------------------------------------------------------------------------------


def wishing(*wishes: Wish) -> Tablet:
    return asked().touches(*(j.MakeWish(wish) for wish in (Wish.OPEN, *wishes)))


def test_wishes_last_until_the_visitors_rating_is_over() -> None:
    own = wishing(Wish.LETTERS, Wish.CONTRAST, Wish.READING, Wish.CLOSE)
    own.touches(j.PressFace(5), j.PressSend())
    access = own.state.access
    assert (own.state.screen, access.size, access.contrast) == (Screen.THANKS, 2, True)
    own.sees(j.OfferSeen(offer("o2"))).waits(4)
    assert own.state.screen is Screen.ASKING and own.state.access == Access()


def test_a_withdrawn_question_takes_the_panel_and_the_wishes_with_it() -> None:
    own = wishing(Wish.LETTERS).sees(j.OfferSeen(None))
    assert own.state.screen is Screen.WAITING and own.state.access == Access()


def test_between_two_visitors_nothing_can_be_wished() -> None:
    assert tablet().touches(j.MakeWish(Wish.READ)).state.access == Access()


def test_a_rating_under_the_panel_is_handed_in_when_its_time_is_up() -> None:
    own = asked().touches(j.PressFace(2), j.MakeWish(Wish.OPEN)).waits(25)
    assert [r.score for r in own.handed_in()] == [2]
    assert own.state.screen is Screen.THANKS and not own.state.access.open


def test_who_asks_for_more_time_has_it() -> None:
    own = wishing(Wish.TIME, Wish.CLOSE).waits(80)
    assert own.state.screen is Screen.ASKING
    assert own.waits(12).silences() == ["o1"]


def test_an_offer_does_not_run_out_under_who_is_being_read_to() -> None:
    own = wishing(Wish.READING, Wish.CLOSE)
    for _ in range(2):
        own.waits(70).touches(j.ChooseLanguage(Language.VI))
    own.sees(j.OfferSeen(None))
    assert own.state.screen is Screen.ASKING
    assert [r.score for r in own.touches(j.PressFace(5), j.PressSend()).handed_in()] == [5]
