"""How every program logs: one event a line; a failure names its kind and place, never the values in it."""

from __future__ import annotations

import contextlib
import sys
import traceback
from types import TracebackType

import structlog
from structlog.typing import EventDict, WrappedLogger

PLACES = 4
Failure = tuple[type[BaseException], BaseException, TracebackType | None]


def begin() -> None:
    """Once, at the start of a program. structlog's own way shows local variables, and so visitors' data."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            place_of_failure,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty()),
        ],
        logger_factory=lambda *_: Unbroken(),
    )


class Unbroken(structlog.PrintLogger):
    """A line that cannot be written, since the disk is full or nobody reads any more, is lost: the work is not."""

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def place_of_failure(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """In place of a traceback: `failure=KeyError where=desk.py:120<server.py:88`, innermost first."""
    given = event.pop("exc_info", None)
    failure = _failure(given)
    if failure is not None:
        event["failure"] = failure[0].__name__
        event["where"] = _where(failure[2])
    return event


def _failure(given: object) -> Failure | None:
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    kind, error, trace = given if isinstance(given, tuple) else sys.exc_info()
    if not given or kind is None or error is None:
        return None
    return kind, error, trace


def _where(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)[-PLACES:]
    return "<".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in reversed(frames))
