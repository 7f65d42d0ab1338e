"""The kiosk's journey: what a visitor meets, told as states and reports, without a screen."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kiosk import access as a
from kiosk import reports as r
from kiosk.journey import decide
from kiosk.reports import PrinterCondition, Procedure
from kiosk.visit import Help, Paper, Rules, State, Step, TimeOffer, View, steps, view
from queue_server.wire import messages as m
from queue_server.wire.words import Estimate, Names, PriorityGroup

NOW = 1_000_000
SECOND = 1_000


def names(text: str) -> Names:
    return Names(vi=text, en=text)


SETUP = m.CentreSetup(
    centre="test",
    name=names("Một cửa"),
    authority=names("UBND"),
    at=NOW,
    services=(
        m.ServiceInfo(id="civil", letter="A", name=names("Hộ tịch")),
        m.ServiceInfo(id="other", letter="B", name=names("Khác")),
    ),
    priorities=(PriorityGroup(id="elderly", name=names("Người cao tuổi")),),
)
BIRTH = Procedure("1.001193", names("Đăng ký khai sinh"), "civil")
TAKEN = m.TicketTaken(
    ticket="t1", number="A001", service="civil", issued_at=NOW, ahead=3, token="x"
)
REFUSAL = m.Refusal(code="cut_off", vi="Đã hết số", en="No more numbers")
READY = State(setup=SETUP, procedures=(BIRTH,), connected=True, now=NOW, touched=NOW, rules=Rules())


def after(state: State, *reports: r.Report) -> tuple[State, list[r.Effect]]:
    """The state after all reports, and everything that was wanted on the way."""
    wanted: list[r.Effect] = []
    for report in reports:
        state, effects = decide(state, report)
        wanted += effects
    return state, wanted


CHOICES = (
    r.Started(NOW, "en"),
    r.ServiceChosen(NOW, "civil"),
    r.ProcedureChosen(NOW, BIRTH.code),
    r.PriorityChosen(NOW, "elderly"),
)
AT_CONFIRM, _ = after(READY, *CHOICES)
WAITING, _ = after(AT_CONFIRM, r.Confirmed(NOW, "ask1"))
SHOWN, _ = after(WAITING, r.TicketCame(NOW, "ask1", TAKEN))


def closed(**states: str) -> m.CentreSetup:
    services = tuple(
        structs.replace(s, state=states.get(s.id, "open"), reason="Mất điện")
        for s in SETUP.services
    )
    return structs.replace(SETUP, services=services)


# --- the way to a number --------------------------------------------------------------------------


def test_a_visitor_asks_for_what_she_chose() -> None:
    _, wanted = after(AT_CONFIRM, r.Confirmed(NOW, "ask1"))
    message = wanted[0].message  # type: ignore[union-attr]
    chosen = (message.service, message.procedure, message.priority, message.language)
    assert chosen == ("civil", BIRTH.code, "elderly", "en")
    assert message.id == "ask1"


def test_a_service_without_procedures_does_not_ask_for_one() -> None:
    state, _ = after(READY, r.Started(NOW, "vi"), r.ServiceChosen(NOW, "other"))
    assert state.step is Step.PRIORITY
    assert Step.PROCEDURE not in steps(state)


def test_a_centre_without_priority_groups_does_not_ask_for_one() -> None:
    plain = replace(READY, setup=structs.replace(SETUP, priorities=()))
    state, _ = after(plain, r.Started(NOW, "vi"), r.ServiceChosen(NOW, "other"))
    assert view(state) is View.CONFIRM


def test_just_a_number_names_no_procedure() -> None:
    _, wanted = after(
        READY,
        r.Started(NOW, "vi"),
        r.ServiceChosen(NOW, "civil"),
        r.ProcedureChosen(NOW, None),
        r.PriorityChosen(NOW, None),
        r.Confirmed(NOW, "ask1"),
    )
    assert wanted[0].message.procedure is None  # type: ignore[union-attr]


def test_back_loses_nothing() -> None:
    state, _ = after(AT_CONFIRM, r.WentBack(NOW), r.WentBack(NOW))
    assert state.step is Step.PROCEDURE
    assert (state.service, state.procedure, state.priority) == ("civil", BIRTH.code, "elderly")


def test_another_service_forgets_the_procedure_of_the_first() -> None:
    state, _ = after(
        AT_CONFIRM, r.WentBack(NOW), r.WentBack(NOW), r.WentBack(NOW), r.ServiceChosen(NOW, "other")
    )
    assert state.procedure is None


def test_a_double_tap_makes_one_ticket() -> None:
    _, wanted = after(AT_CONFIRM, r.Confirmed(NOW, "ask1"), r.Confirmed(NOW + 80, "ask2"))
    assert [e.message.id for e in wanted if isinstance(e, r.AskTicket)] == ["ask1"]


# --- a number for now, or for a quieter time ------------------------------------------------------

STARTS = NOW + 3_600_000
LONG = m.LineState(
    at=NOW,
    day="2026-11-23",
    state="open",
    services=(
        m.ServiceLine(
            id="civil",
            state="open",
            waiting=20,
            estimate=Estimate(minutes=32, low=20, high=45),
            quieter=m.Quieter(at="10:30", minutes=8, starts=STARTS),
        ),
    ),
    counters=(),
)
BUSY, _ = after(READY, r.LineCame(NOW, LONG))
ORDINARY = (*CHOICES[:3], r.PriorityChosen(NOW, None))
AT_TIME, _ = after(BUSY, *ORDINARY)


def long_line(**changes: object) -> m.LineState:
    service = structs.replace(LONG.services[0], **changes)  # type: ignore[arg-type]
    return structs.replace(LONG, services=(service,))


def asked(effects: list[r.Effect]) -> list[int | None]:
    """The times that tickets were asked for."""
    return [e.message.booked for e in effects if isinstance(e, r.AskTicket)]


def test_when_the_line_is_long_she_is_asked_for_now_or_later() -> None:
    assert view(AT_TIME) is View.TIME
    assert AT_TIME.offer == TimeOffer(now_minutes=32, at="10:30", minutes=8, starts=STARTS)
    for later, booked in ((False, None), (True, STARTS)):
        _, wanted = after(AT_TIME, r.TimeChosen(NOW, later), r.Confirmed(NOW, "ask1"))
        assert asked(wanted) == [booked]


def test_nobody_is_asked_about_a_time_that_is_not_known_or_not_hers() -> None:
    for line in (
        long_line(quieter=None),
        long_line(estimate=None),
        long_line(quieter=m.Quieter(at="10:30", minutes=8)),  # by a server that cannot book
        structs.replace(LONG, services=()),
    ):
        state, _ = after(READY, r.LineCame(NOW, line), *ORDINARY)
        assert view(state) is View.CONFIRM
    claims, _ = after(BUSY, *CHOICES)
    assert view(claims) is View.CONFIRM


def test_what_she_is_offered_does_not_change_under_her_finger() -> None:
    short = long_line(quieter=None)
    state, _ = after(AT_TIME, r.LineCame(NOW, short))
    assert view(state) is View.TIME
    _, wanted = after(state, r.TimeChosen(NOW, True), r.Confirmed(NOW, "ask1"))
    assert asked(wanted) == [STARTS]


def test_back_from_the_time_asks_anew_what_is_offered() -> None:
    state, _ = after(AT_TIME, r.WentBack(NOW), r.LineCame(NOW, long_line(quieter=None)))
    assert state.step is Step.PRIORITY
    state, _ = after(state, r.PriorityChosen(NOW, None))
    assert view(state) is View.CONFIRM
    _, wanted = after(state, r.Confirmed(NOW, "ask1"))
    assert asked(wanted) == [None]


def test_back_from_the_check_leads_to_the_time_and_the_choice_stays() -> None:
    state, _ = after(AT_TIME, r.TimeChosen(NOW, True), r.WentBack(NOW))
    assert (view(state), state.later) == (View.TIME, True)


def test_a_time_that_is_gone_is_asked_again_with_what_there_is_now() -> None:
    full = m.Refusal(code="slot_full", vi="Đã hết số", en="Full")
    refused, _ = after(
        AT_TIME,
        r.TimeChosen(NOW, True),
        r.Confirmed(NOW, "ask1"),
        r.TicketRefused(NOW, "ask1", full),
    )
    assert view(refused) is View.REFUSED
    later = m.Quieter(at="11:00", minutes=9, starts=STARTS + 1)
    again, _ = after(refused, r.LineCame(NOW, long_line(quieter=later)), r.WentBack(NOW))
    assert (view(again), again.later) == (View.TIME, False)
    assert again.offer is not None
    assert again.offer.at == "11:00"
    none, _ = after(refused, r.LineCame(NOW, long_line(quieter=None)), r.WentBack(NOW))
    assert view(none) is View.CONFIRM
    _, wanted = after(none, r.Confirmed(NOW, "ask2"))
    assert asked(wanted) == [None]


def test_an_offer_left_alone_goes_home_and_the_next_visitor_has_her_own() -> None:
    state, wanted = after(AT_TIME, r.TimeChosen(NOW, True), r.Tick(NOW + 80 * SECOND))
    assert (view(state), state.offer, state.later, wanted) == (View.WELCOME, None, False, [])


def test_cut_off_at_the_offer_she_is_sent_to_the_desk_and_comes_back_to_it() -> None:
    away, _ = after(AT_TIME, r.ConnectionChanged(NOW, False), r.Tick(NOW + 2 * SECOND))
    assert view(away) is View.AWAY
    back, _ = after(away, r.ConnectionChanged(NOW + 3 * SECOND, True))
    assert view(back) is View.TIME


# --- nobody is in line who does not know it -------------------------------------------------------


def test_a_visitor_who_leaves_while_waiting_is_taken_out_of_the_line() -> None:
    state, wanted = after(WAITING, r.WentHome(NOW))
    assert view(state) is View.WELCOME
    assert wanted == [r.Withdraw("ask1")]


def test_without_an_answer_in_time_the_ask_is_taken_back() -> None:
    state, wanted = after(WAITING, r.Tick(NOW + 30 * SECOND))
    assert view(state) is View.NO_ANSWER
    assert wanted == [r.Withdraw("ask1")]


def test_an_answer_that_comes_too_late_is_withdrawn_again() -> None:
    state, wanted = after(WAITING, r.NoAnswerCame(NOW, "ask1"), r.TicketCame(NOW, "ask1", TAKEN))
    assert view(state) is View.NO_ANSWER
    assert wanted == [r.Withdraw("ask1"), r.Withdraw("ask1")]


def test_trying_again_is_a_new_ask() -> None:
    state, wanted = after(
        WAITING, r.NoAnswerCame(NOW, "ask1"), r.WentBack(NOW), r.Confirmed(NOW, "ask2")
    )
    assert view(state) is View.WAITING
    assert [e.message.id for e in wanted if isinstance(e, r.AskTicket)] == ["ask2"]


def test_a_refusal_shows_the_servers_words() -> None:
    state, wanted = after(WAITING, r.TicketRefused(NOW, "ask1", REFUSAL))
    assert view(state) is View.REFUSED
    assert state.refusal == REFUSAL
    assert wanted == []


# --- paper ----------------------------------------------------------------------------------------


def test_the_number_is_shown_at_once_and_printed_with_the_estimate_that_follows() -> None:
    assert view(SHOWN) is View.TICKET
    estimate = Estimate(minutes=12, low=8, high=17)
    update = m.TicketUpdate(ticket="t1", at=NOW, ahead=4, estimate=estimate)
    _, wanted = after(SHOWN, r.UpdateCame(NOW + 100, update))
    assert [e.taken.estimate for e in wanted if isinstance(e, r.Print)] == [estimate]


def test_the_printer_does_not_wait_longer_than_300_ms() -> None:
    _, early = after(SHOWN, r.Tick(NOW + 299))
    _, late = after(SHOWN, r.Tick(NOW + 300))
    assert (early, len(late)) == ([], 1)


def test_a_visitor_who_is_done_at_once_still_gets_her_paper() -> None:
    _, wanted = after(SHOWN, r.WentHome(NOW + 50))
    assert any(isinstance(e, r.Print) for e in wanted)


def test_out_of_paper_the_number_stays_longer_on_the_screen() -> None:
    out = replace(WAITING, printer=PrinterCondition.PAPER_OUT)
    state, wanted = after(
        out, r.TicketCame(NOW, "ask1", TAKEN), r.Tick(NOW + 400), r.Tick(NOW + 30 * SECOND)
    )
    assert (view(state), state.paper) == (View.TICKET, Paper.FAILED)
    assert wanted == [r.TellPrint("t1", "failed", "paper_out")]


def test_the_server_hears_how_the_paper_came_out() -> None:
    _, wanted = after(SHOWN, r.Tick(NOW + 300), r.PaperCame(NOW + 900, "t1", "confirmed"))
    assert wanted[-1] == r.TellPrint("t1", "confirmed")


def test_a_ticket_can_be_printed_again_for_a_minute_and_not_longer() -> None:
    shown, _ = after(SHOWN, r.Tick(NOW + 300), r.PaperCame(NOW + 900, "t1", "unknown"))
    home, _ = after(shown, r.WentHome(NOW + SECOND))
    _, soon = after(home, r.ReprintAsked(NOW + 59 * SECOND))
    _, late = after(home, r.ReprintAsked(NOW + 61 * SECOND))
    assert [e.reprint for e in soon if isinstance(e, r.Print)] == [True]
    assert late == []


def test_a_finger_on_print_again_does_not_empty_the_roll() -> None:
    shown, _ = after(SHOWN, r.Tick(NOW + 300), r.PaperCame(NOW + 900, "t1", "unknown"))
    home, _ = after(shown, r.WentHome(NOW + SECOND))
    _, wanted = after(home, *[r.ReprintAsked(NOW + 2 * SECOND)] * 10)
    assert sum(isinstance(e, r.Print) for e in wanted) == 2


# --- what goes wrong around her -------------------------------------------------------------------


def test_a_service_that_closes_in_the_middle_is_said_at_once() -> None:
    state, _ = after(AT_CONFIRM, r.SetupCame(NOW, closed(civil="suspended")))
    assert view(state) is View.STOPPED
    state, wanted = after(state, r.Confirmed(NOW, "ask1"))
    assert wanted == []


def test_from_a_stopped_service_the_way_leads_to_the_others() -> None:
    state, _ = after(AT_CONFIRM, r.SetupCame(NOW, closed(civil="suspended")), r.WentBack(NOW))
    assert view(state) is View.SERVICE


def test_a_service_that_opens_again_lets_her_go_on() -> None:
    state, _ = after(
        AT_CONFIRM, r.SetupCame(NOW, closed(civil="suspended")), r.SetupCame(NOW, SETUP)
    )
    assert view(state) is View.CONFIRM


def test_a_newer_line_closes_a_service_as_the_setup_does() -> None:
    line = m.LineState(
        at=NOW + 1,
        day="2026-11-23",
        state="open",
        services=(m.ServiceLine(id="civil", state="cut_off", waiting=40),),
        counters=(),
    )
    assert view(after(AT_CONFIRM, r.LineCame(NOW, line))[0]) is View.STOPPED


def test_with_every_service_closed_the_first_screen_says_so() -> None:
    state, _ = after(READY, r.SetupCame(NOW, closed(civil="closed", other="closed")))
    assert view(state) is View.CLOSED


def test_a_lost_connection_sends_her_to_the_desk_and_brings_her_back() -> None:
    away, _ = after(AT_CONFIRM, r.ConnectionChanged(NOW, False), r.Tick(NOW + 2 * SECOND))
    assert view(away) is View.AWAY
    back, _ = after(away, r.ConnectionChanged(NOW + 3 * SECOND, True))
    assert view(back) is View.CONFIRM
    assert back.service == "civil"


def test_a_blink_of_the_connection_disturbs_nobody() -> None:
    state, _ = after(AT_CONFIRM, r.ConnectionChanged(NOW, False), r.Tick(NOW + SECOND))
    assert view(state) is View.CONFIRM


# --- idle and help --------------------------------------------------------------------------------


def test_before_going_home_the_screen_asks_whether_she_is_there() -> None:
    state, _ = after(AT_CONFIRM, r.Tick(NOW + 60 * SECOND))
    assert view(state) is View.IDLE
    there, _ = after(state, r.Touched(NOW + 61 * SECOND))
    assert view(there) is View.CONFIRM


def test_the_next_visitor_finds_the_usual_screen() -> None:
    wishes = (a.LettersTurned, a.ContrastTurned, a.LowTurned, a.ReadingTurned, a.SpeedTurned)
    wished, _ = after(AT_CONFIRM, *(wish(NOW) for wish in wishes))
    assert wished.access != a.Access()
    state, _ = after(wished, r.Tick(NOW + 80 * SECOND))
    assert (state.step, state.language, state.access, state.priority) == (
        Step.WELCOME,
        "vi",
        a.Access(),
        None,
    )


def test_who_asks_for_more_time_has_up_to_ten_times_as_much_before_she_is_asked() -> None:
    state, _ = after(AT_CONFIRM, *[a.MoreTimeAsked(NOW)] * 5)
    assert state.access.patience == 10
    assert view(after(state, r.Tick(NOW + 599 * SECOND))[0]) is View.CONFIRM
    assert view(after(state, r.Tick(NOW + 601 * SECOND))[0]) is View.IDLE


def test_headphones_read_at_once_and_pulled_out_the_visit_ends_unless_they_come_back() -> None:
    heard, _ = after(AT_CONFIRM, a.JackMoved(NOW, True))
    assert heard.access.reading and heard.headphones
    pulled, wanted = after(heard, a.JackMoved(NOW + SECOND, False))
    assert not pulled.access.reading and wanted == [r.WakeAt(NOW + 9 * SECOND)]
    assert view(pulled) is View.IDLE, "what she chose is not shown to others"
    assert after(pulled, r.Tick(NOW + 9 * SECOND))[0].step is Step.WELCOME
    back, _ = after(pulled, a.JackMoved(NOW + 4 * SECOND, True), r.Tick(NOW + 10 * SECOND))
    assert view(back) is View.CONFIRM


def test_the_panel_closes_by_back_and_the_visit_is_where_it_was() -> None:
    panel, _ = after(AT_CONFIRM, a.AccessOpened(NOW))
    assert view(panel) is View.ACCESS
    assert view(after(panel, r.WentBack(NOW))[0]) is View.CONFIRM


def test_help_is_called_once_and_she_is_told_that_somebody_comes() -> None:
    state, wanted = after(AT_CONFIRM, r.HelpCalled(NOW), r.HelpCalled(NOW + 100))
    assert wanted == [r.AskHelp("confirm")]
    coming, _ = after(state, r.HelpAnswered(NOW + 200, True))
    assert coming.help is Help.COMING
    assert view(after(coming, r.HelpClosed(NOW + 300))[0]) is View.CONFIRM


def test_help_that_nobody_heard_sends_her_to_the_desk_and_can_be_called_again() -> None:
    state, _ = after(AT_CONFIRM, r.HelpCalled(NOW), r.HelpAnswered(NOW + 200, False))
    assert state.help is Help.UNHEARD
    _, wanted = after(state, r.HelpClosed(NOW + 300), r.HelpCalled(NOW + 400))
    assert wanted == [r.AskHelp("confirm")]


# --- in any order ---------------------------------------------------------------------------------

times = st.integers(0, 120 * SECOND)
asks = st.sampled_from(["ask1", "ask2", "ask3"])
setups = st.sampled_from([SETUP, closed(civil="suspended"), closed(civil="closed", other="closed")])
reports = st.one_of(
    st.builds(r.Tick, times),
    st.builds(r.Touched, times),
    st.builds(a.JackMoved, times, st.booleans()),
    st.builds(a.MoreTimeAsked, times),
    st.builds(r.SetupCame, times, setups),
    st.builds(r.CatalogueCame, times, st.sampled_from([(), (BIRTH,)])),
    st.builds(r.ConnectionChanged, times, st.booleans()),
    st.builds(r.PrinterChanged, times, st.sampled_from(PrinterCondition)),
    st.builds(r.Started, times, st.sampled_from(["vi", "en"])),
    st.builds(r.ServiceChosen, times, st.sampled_from(["civil", "other", "gone"])),
    st.builds(r.ProcedureChosen, times, st.sampled_from([None, BIRTH.code, "gone"])),
    st.builds(r.PriorityChosen, times, st.sampled_from([None, "elderly", "gone"])),
    st.builds(r.LineCame, times, st.sampled_from([LONG, long_line(quieter=None)])),
    st.builds(r.TimeChosen, times, st.booleans()),
    st.builds(r.Confirmed, times, asks),
    st.builds(r.WentBack, times),
    st.builds(r.WentHome, times),
    st.builds(r.PageTurned, times, st.integers(-1, 3)),
    st.builds(r.HelpCalled, times),
    st.builds(r.HelpClosed, times),
    st.builds(r.HelpAnswered, times, st.booleans()),
    st.builds(r.ReprintAsked, times),
    st.builds(r.TicketCame, times, asks, st.just(TAKEN)),
    st.builds(r.TicketRefused, times, asks, st.just(REFUSAL)),
    st.builds(r.NoAnswerCame, times, asks),
    st.builds(r.PaperCame, times, st.just("t1"), st.sampled_from(["confirmed", "failed"])),
)


def shifted(story: list[r.Report]) -> list[r.Report]:
    """The reports one after the other: each `at` is the time since the one before."""
    at, told = NOW, []
    for report in story:
        at += report.at
        told.append(replace(report, at=at))
    return told


stories = st.lists(reports, max_size=25).map(shifted)
walks = st.lists(reports, max_size=12).map(lambda more: shifted([*map(_now, CHOICES), *more]))


def _now(report: r.Report) -> r.Report:
    return replace(report, at=0)


@given(st.one_of(stories, walks))
@settings(max_examples=150, deadline=None)
def test_from_everywhere_time_alone_leads_home(story: list[r.Report]) -> None:
    state, _ = after(READY, *story)
    seconds = [*range(1, 160), 800, 1600]
    ticks = [r.Tick(state.now + second * SECOND) for second in seconds]
    state, _ = after(state, *ticks)
    assert state.step is Step.WELCOME
    assert state.help is Help.NONE
    assert state.ask is None


@given(st.one_of(stories, walks))
@settings(max_examples=150, deadline=None)
def test_every_ask_ends_on_the_screen_or_is_withdrawn(story: list[r.Report]) -> None:
    state, seen = READY, set()
    asked: list[str] = []
    withdrawn: set[str] = set()
    for report in [*story, r.Tick(NOW + 10**8)]:
        state, effects = decide(state, report)
        asked += [e.message.id for e in effects if isinstance(e, r.AskTicket)]
        withdrawn |= {e.ask for e in effects if isinstance(e, r.Withdraw)}
        if isinstance(report, r.TicketCame | r.TicketRefused) and report.ask not in withdrawn:
            seen.add(report.ask)
    assert set(asked) <= seen | withdrawn


@given(st.one_of(stories, walks))
@settings(max_examples=150, deadline=None)
def test_each_confirmation_makes_one_ask_at_most(story: list[r.Report]) -> None:
    state = READY
    for report in story:
        before = state
        state, effects = decide(state, report)
        asks_made = sum(isinstance(e, r.AskTicket) for e in effects)
        assert asks_made <= (isinstance(report, r.Confirmed) and before.step is Step.CONFIRM)


@given(walks)
@settings(max_examples=150, deadline=None)
def test_a_number_for_later_is_only_asked_for_where_one_was_offered_and_chosen(
    story: list[r.Report],
) -> None:
    state = READY
    for report in story:
        before = state
        state, effects = decide(state, report)
        for booked in asked(effects):
            chosen = before.offer.starts if before.offer and before.later else None
            assert booked == chosen
        assert state.step is not Step.TIME or state.offer is not None
        assert state.offer is not None or not state.later


@given(st.one_of(stories, walks))
@settings(max_examples=100, deadline=None)
def test_a_ticket_is_printed_once_unless_asked_again(story: list[r.Report]) -> None:
    _, wanted = after(READY, *story)
    asked = sum(isinstance(report, r.TicketCame) for report in story)
    first = [e for e in wanted if isinstance(e, r.Print) and not e.reprint]
    assert len(first) <= asked
