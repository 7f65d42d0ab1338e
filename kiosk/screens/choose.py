"""The pictures of choosing: welcome, service, procedure, priority, and the last check."""

from __future__ import annotations

from kivy.uix.widget import Widget

from kiosk import finding_reports as f
from kiosk import reports as r
from kiosk.reports import PrinterCondition
from kiosk.touch.spoken import as_one
from kiosk.touch.style import LETTERS, Look
from kiosk.touch.text import Text, height_of
from kiosk.touch.widgets import (
    BigButton,
    Card,
    Column,
    Icon,
    Paragraph,
    Row,
    alike,
    button_height,
)
from kiosk.visit import (
    TimeOffer,
    can_reprint,
    is_away,
    procedure_of,
    procedures_of,
    service_info,
    service_line,
    service_reason,
    service_state,
    time_offer,
)
from queue_server.wire import messages as m
from queue_server.wire.words import Estimate, PriorityGroup

from .scene import (
    GAP,
    MARGIN,
    Choice,
    Scene,
    body_room,
    choices,
    fixed,
    framed,
    rest,
    wide_height,
)


def welcome(scene: Scene) -> Widget:
    """A greeting, one big button for each language, and how it goes on."""
    look = scene.look
    starts = [_start(scene, language) for language in scene.languages]
    alike(starts)
    hello = Text(
        look,
        scene.say("welcome.greeting"),
        "greeting",
        bold=True,
        halign="center",
        valign="bottom",
        colour=look.palette.primary,
    )
    lead = Text(look, scene.say("welcome.lead"), "lead", halign="center", valign="top")
    width = look.width - 2 * look.unit(MARGIN)
    least = height_of(look, lead.text, "lead", width) + 1
    share = 0.5 if look.letters == LETTERS[0] else 0.8
    greeting = Column(look, hello, fixed(lead, least * 1.1), gap=1, size_hint_y=share)
    buttons = (Column if look.portrait else Row)(look, *starts, gap=3)
    buttons.size_hint_y = 0.9 if look.portrait else 0.7
    more = [_more(scene, language) for language in scene.languages]
    alike(more)
    aside = fixed(_side_by_side(look, more), _more_height(scene, more))
    seen, touched = _below_welcome(scene)
    if look.lowered:
        return framed(scene, buttons, aside, *touched, above=[greeting, *seen], back=False)
    return framed(scene, greeting, buttons, aside, *seen, *touched, back=False)


def _side_by_side(look: Look, buttons: list[BigButton]) -> Widget:
    """One below the other where the largest letters need the width."""
    if look.portrait and look.letters > LETTERS[1]:
        return Column(look, *buttons, gap=GAP)
    return Row(look, *buttons, gap=3)


def _more_height(scene: Scene, buttons: list[BigButton]) -> float:
    """As high as its words need, for all of `buttons`."""
    look = scene.look
    stacked = look.portrait and look.letters > LETTERS[1]
    width = look.width - 2 * look.unit(MARGIN)
    if not stacked:
        width = (width - look.unit(3) * (len(buttons) - 1)) / len(buttons)
    needs = []
    for button in buttons:
        detail = button.detail.text if button.detail is not None else ""
        needs.append(button_height(look, button.label.text, detail, width, beside=True))
    one = max([look.unit(12), look.target(), *needs])
    return one * len(buttons) + look.unit(GAP) * (len(buttons) - 1) if stacked else one


def _tight(look: Look) -> bool:
    """The largest letters in the lower half only: every button says the one thing that it must."""
    return look.lowered and look.letters > LETTERS[1]


def _more(scene: Scene, language: str) -> BigButton:
    """What can be done beside taking a number, in this language."""
    return BigButton(
        scene.look,
        scene.texts.say("welcome.more", language),
        scene.touch(f.ErrandAsked, language=language),
        name=f"more-{language}",
        icon="search",
        detail="" if _tight(scene.look) else scene.texts.say("welcome.more_hint", language),
        halign="center",
    )


def _start(scene: Scene, language: str) -> BigButton:
    return BigButton(
        scene.look,
        scene.texts.say("welcome.take", language),
        scene.touch(r.Started, language=language),
        name=f"start-{language}",
        kind="primary" if language == scene.languages[0] else "plain",
        detail=""
        if _tight(scene.look) and can_reprint(scene.state)
        else scene.texts.say("welcome.language", language),
        icon="ticket",
        role="lead" if _tight(scene.look) else "title",
        detail_role="body" if _tight(scene.look) else "lead",
        halign="center",
        pad=0.8 if _tight(scene.look) else 4 if scene.look.letters == LETTERS[0] else 2,
    )


def _way(scene: Scene) -> Widget:
    """The three things that will happen, as drawings with words."""
    look = scene.look
    stations = [("list", "welcome.one"), ("ticket", "welcome.two"), ("counter", "welcome.three")]
    row = Row(look, gap=1)
    for place, (icon, key) in enumerate(stations):
        if place:
            arrow = Icon(look, "next", look.palette.line, size_hint_x=None, width=look.unit(4))
            row.add_widget(arrow)
        words = Text(look, scene.say(key), "body", halign="center", valign="top")
        row.add_widget(Column(look, Icon(look, icon, size_hint_y=0.5), words, gap=1.2))
    return fixed(row, look.unit(17) * look.letters)


def _below_welcome(scene: Scene) -> tuple[list[Widget], list[Widget]]:
    """How it goes on, how busy it is, what is wrong with the printer; and the last ticket again."""
    look, state = scene.look, scene.state
    seen: list[Widget] = []
    touched: list[Widget] = []
    if not state.printer.prints:
        words = scene.say(f"printer.{state.printer.value}")
        absent = state.printer is PrinterCondition.ABSENT
        seen.append(_remark(scene, "printer", words, calm=absent))
    if can_reprint(state):
        act = scene.touch(r.ReprintAsked)
        words = scene.say("ticket.again")
        again = BigButton(look, words, act, name="reprint", kind="quiet", icon="printer")
        touched.append(fixed(again, max(look.target(), look.text("button") * 2)))
    roomy = look.letters == LETTERS[0] or (look.lowered and not _tight(look))
    if roomy and (look.portrait or not (seen or touched)):
        seen = [Widget(size_hint_y=0.12), _way(scene), *seen]
    if state.line is not None and not is_away(state):
        busy = Text(look, _how_busy(scene, state.line), "body", halign="center")
        seen.append(fixed(busy, look.unit(7) * look.letters))
    return seen, touched


def _how_busy(scene: Scene, line: m.LineState) -> str:
    waiting = sum(service.waiting for service in line.services)
    busy = scene.say("welcome.waiting", people=waiting) if waiting else scene.say("welcome.nobody")
    counters = sum(counter.state != "closed" for counter in line.counters)
    if not counters:
        return busy
    return f"{busy}  ·  {scene.say('welcome.open_counters', counters=counters)}"


def _remark(scene: Scene, icon: str, words: str, calm: bool = False) -> Widget:
    """A line that asks for attention, with a drawing, so that not only its colour says so."""
    look = scene.look
    p = look.palette
    fill, colour = (p.tint, p.primary) if calm else (p.accent_tint, p.accent)
    sign = Icon(look, icon, colour, size_hint_x=None, width=look.unit(5))
    card = Card(
        look,
        sign,
        Paragraph(look, words),
        fill=fill,
        border=colour,
        pad=2,
        orientation="horizontal",
    )
    width = look.width - look.unit(2 * MARGIN + 2 * 2 + 5 + 1.5)
    return fixed(card, max(look.unit(11), height_of(look, words, "body", width) + look.unit(5)))


# --- lists --------------------------------------------------------------------------------------


def service(scene: Scene) -> Widget:
    setup = scene.state.setup
    items = [_service_choice(scene, info) for info in (setup.services if setup else ())]
    title = scene.say("service.title")
    body = choices(scene, items, body_room(scene.look, title=title, steps=True), least=12, most=17)
    return framed(scene, *body, rest(), title=title)


def _service_choice(scene: Scene, info: m.ServiceInfo) -> Choice:
    condition = service_state(scene.state, info.id)
    kind = "chosen" if scene.state.service == info.id else "plain"
    return Choice(
        name=f"service-{info.id}",
        text=info.name.say(scene.state.language),
        on_act=scene.touch(r.ServiceChosen, service=info.id),
        detail=_queue_words(scene, info.id) if condition == "open" else _shut_words(scene, info.id),
        badge=info.letter,
        kind=kind if condition == "open" else "muted",
    )


def _queue_words(scene: Scene, service: str) -> str:
    line = service_line(scene.state, service)
    if is_away(scene.state):
        return scene.say("service.unknown")
    if line is None:
        return ""
    words = scene.say("service.waiting", people=line.waiting)
    if not line.waiting:
        words = scene.say("service.nobody")
    if line.estimate is None:
        return words
    words = f"{words}, {scene.say('service.minutes', minutes=whole_minutes(line.estimate))}"
    if line.quieter is None:
        return words
    later = max(1, round(line.quieter.minutes))
    return f"{words}; {scene.say('service.quieter', at=line.quieter.at, minutes=later)}"


def _shut_words(scene: Scene, service: str) -> str:
    words = scene.say(f"service.{service_state(scene.state, service)}")
    reason = service_reason(scene.state, service)
    return f"{words}: {reason}" if reason else words


def whole_minutes(estimate: Estimate) -> int:
    return max(1, round(estimate.minutes))


def procedure(scene: Scene) -> Widget:
    """The service's procedures; under them, on every page, the way for who does not know."""
    look, state = scene.look, scene.state
    none = BigButton(
        look,
        scene.say("procedure.none"),
        scene.touch(r.ProcedureChosen, code=None),
        name="procedure-none",
        kind="primary",
        icon="ticket",
    )
    title = scene.say("procedure.title")
    height = wide_height(look, scene.say("procedure.none"), 11)
    items = [
        Choice(
            name=f"procedure-{p.code}",
            text=p.name.say(state.language),
            on_act=scene.touch(r.ProcedureChosen, code=p.code),
            kind="chosen" if p.code == state.procedure else "plain",
        )
        for p in procedures_of(state, state.service)
    ]
    body = choices(
        scene, items, body_room(look, height, title=title, steps=True), least=12, most=14
    )
    return framed(scene, *body, rest(), fixed(none, height), title=title)


def priority(scene: Scene) -> Widget:
    """Most visitors have none: that button comes first and is the largest."""
    look, state = scene.look, scene.state
    none = BigButton(
        look,
        scene.say("priority.none"),
        scene.touch(r.PriorityChosen, group=None),
        name="priority-none",
        kind="primary",
    )
    title = scene.say("priority.title")
    height = wide_height(look, scene.say("priority.none"), 12)
    groups = state.setup.priorities if state.setup else ()
    items = [_priority_choice(scene, group) for group in groups]
    body = choices(
        scene, items, body_room(look, height, title=title, steps=True), least=11, most=15
    )
    return framed(scene, fixed(none, height), *body, rest(), title=title)


def _priority_choice(scene: Scene, group: PriorityGroup) -> Choice:
    language = scene.state.language
    proof = group.proof.say(language)
    return Choice(
        name=f"priority-{group.id}",
        text=group.name.say(language),
        on_act=scene.touch(r.PriorityChosen, group=group.id),
        detail=scene.say("priority.proof", proof=proof) if proof else "",
        kind="chosen" if group.id == scene.state.priority else "plain",
    )


def time(scene: Scene) -> Widget:
    """A number for now, which comes first, or one for the quieter time; each with its wait."""
    look, offer = scene.look, scene.state.offer
    assert offer is not None, "the journey asks for a time only where one is offered"
    now = _time_choice(scene, False, scene.say("time.now"), offer.now_minutes)
    later = _time_choice(scene, True, scene.say("time.later", at=offer.at), offer.minutes)
    alike([now, later])
    buttons = (Column if look.portrait else Row)(look, now, later, gap=3)
    buttons.size_hint_y = 1.8
    note = _remark(scene, "clock", scene.say("time.note"), calm=True)
    title = scene.say("time.title")
    if look.lowered:
        below = [] if _tight(look) else [rest()]
        return framed(scene, buttons, *below, title=title, above=[note])
    spare = [rest()] if look.portrait and look.letters == LETTERS[0] else []
    return framed(scene, buttons, note, *spare, title=title)


def _time_choice(scene: Scene, later: bool, words: str, minutes: float) -> BigButton:
    return BigButton(
        scene.look,
        words,
        scene.touch(r.TimeChosen, later=later),
        name="time-later" if later else "time-now",
        kind="plain" if later else "primary",
        detail=scene.say("time.wait", minutes=max(1, round(minutes))),
        icon="clock" if later else "ticket",
        role="title",
        detail_role="lead",
        halign="center",
        pad=3 if scene.look.letters == LETTERS[0] else 1.6,
    )


# --- the check ----------------------------------------------------------------------------------


def confirm(scene: Scene) -> Widget:
    look = scene.look
    take = BigButton(
        look,
        scene.say("confirm.take"),
        lambda: scene.tell(r.Confirmed),
        name="confirm",
        kind="primary",
        icon="ticket",
        role="title",
    )
    roomy = look.letters <= LETTERS[1]
    below = [] if look.letters == LETTERS[0] else [rest()]
    sheet = Card(look, *_chosen(scene), *below, gap=2 if roomy else 1, pad=4 if roomy else 2)
    sheet.size_hint_y = 1.6
    remarks = []
    group = priority_group(scene)
    if group is not None and group.proof.say(scene.state.language):
        proof = group.proof.say(scene.state.language)
        remarks.append(_remark(scene, "priority", scene.say("confirm.proof", proof=proof)))
    height = max(look.unit(20 if look.portrait else 16), look.target())
    spare = [rest()] if look.portrait and (look.lowered or look.letters == LETTERS[0]) else []
    title = scene.say("confirm.title")
    if _tight(look):
        return framed(scene, fixed(take, height), *remarks, *spare, title=title, above=[sheet])
    return framed(scene, fixed(take, height), *spare, title=title, above=[sheet, *remarks])


def priority_group(scene: Scene) -> PriorityGroup | None:
    groups = scene.state.setup.priorities if scene.state.setup else ()
    return next((g for g in groups if g.id == scene.state.priority), None)


def _chosen(scene: Scene) -> list[Widget]:
    """What she has chosen, a line each."""
    state = scene.state
    language = state.language
    info, chosen, group = (
        service_info(state, state.service),
        procedure_of(state),
        priority_group(scene),
    )
    lines = [("confirm.service", info.name.say(language) if info else "")]
    if procedures_of(state, state.service):
        words = chosen.name.say(language) if chosen else scene.say("confirm.procedure_none")
        lines.append(("confirm.procedure", words))
    if state.setup is not None and state.setup.priorities:
        words = group.name.say(language) if group else scene.say("confirm.priority_none")
        lines.append(("confirm.priority", words))
    offer = time_offer(state)
    if offer is not None:
        lines.append(("confirm.time", _time_words(scene, offer)))
    return [_line(scene, key, words) for key, words in lines]


def _time_words(scene: Scene, offer: TimeOffer) -> str:
    if not scene.state.later:
        return scene.say("confirm.now", minutes=max(1, round(offer.now_minutes)))
    return scene.say("confirm.later", at=offer.at, minutes=max(1, round(offer.minutes)))


def _line(scene: Scene, key: str, words: str) -> Widget:
    look = scene.look
    name = Text(look, scene.say(key), "body", colour=look.palette.quiet, size_hint_x=0.3)
    role = "body" if _tight(look) else "lead" if look.letters <= LETTERS[1] else "button"
    row = as_one(Row(look, name, Text(look, words, role, bold=True, size_hint_x=0.7)))
    if look.letters > LETTERS[0]:
        width = (look.width - look.unit(2 * MARGIN + 2 * 4 + GAP)) * 0.7
        fixed(row, height_of(look, words, role, width, bold=True) + look.unit(0.4))
    return row
