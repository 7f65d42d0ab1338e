"""The kiosk's pictures: each draws a state and reports touches; `draw` picks the right one."""

from __future__ import annotations

from collections.abc import Callable

from kivy.uix.widget import Widget

from kiosk.visit import View, view

from . import access, booking, choose, finding, notices, ticket
from .scene import Scene

_PICTURES: dict[View, Callable[[Scene], Widget]] = {
    View.STARTING: notices.starting,
    View.AWAY: notices.away,
    View.CLOSED: notices.closed,
    View.STOPPED: notices.stopped,
    View.IDLE: notices.idle,
    View.HELP: notices.helping,
    View.OPENING: notices.opening,
    View.LOST: notices.lost,
    View.ACCESS: access.access,
    View.WELCOME: choose.welcome,
    View.ERRAND: finding.errand,
    View.SEARCH: finding.search,
    View.FIELDS: finding.fields,
    View.FIELD: finding.field,
    View.ADVICE: finding.advice,
    View.BOOK_SERVICE: booking.service,
    View.BOOK_DAY: booking.day,
    View.BOOK_TIME: booking.time,
    View.BOOKING: booking.booking,
    View.BOOKED: booking.booked,
    View.CHECK_IN: booking.check_in,
    View.SERVICE: choose.service,
    View.PROCEDURE: choose.procedure,
    View.PRIORITY: choose.priority,
    View.TIME: choose.time,
    View.CONFIRM: choose.confirm,
    View.WAITING: ticket.waiting,
    View.TICKET: ticket.ticket,
    View.REFUSED: ticket.refused,
    View.NO_ANSWER: ticket.no_answer,
}


def draw(scene: Scene) -> tuple[str, Widget]:
    """The name of the picture and the picture."""
    seen = view(scene.state)
    return seen.value, _PICTURES[seen](scene)
