"""Logs: one event a line, and no value of a visitor in it even when something fails."""

from __future__ import annotations

import asyncio
import logging as stdlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from queue_server.doors.web.main import CutAtTheEnd
from queue_server.wire import logs


@pytest.fixture(autouse=True)
def logging() -> Iterator[None]:
    logs.begin()
    yield
    structlog.reset_defaults()


def seal(phone: str) -> None:
    raise KeyError(f"no place for {phone}")


def test_a_failure_is_one_line_that_says_where_and_holds_no_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = structlog.get_logger()
    phone = "09" + "12345678"
    try:
        seal(phone)
    except KeyError as error:
        log.exception("request_failed", kind=type(error).__name__)
        log.error("request_failed", exc_info=error)
    said = capsys.readouterr().out
    assert phone not in said
    assert said.count("\n") == 2
    assert said.count("failure=KeyError") == 2
    assert "where=test_logs.py:" in said


def test_an_event_without_failure_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger().info("ticket_issued", ticket="20261125-A001")
    said = capsys.readouterr().out
    assert "ticket_issued" in said
    assert "ticket=20261125-A001" in said
    assert "failure" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_takes_the_lines_and_not_the_work() -> None:
    program = (
        "import structlog; from queue_server.wire import logs; logs.begin()\n"
        "log = structlog.get_logger()\n"
        "for n in range(500): log.warning('press_kept', count=n)\n"
        "import os; os.write(2, b'all done'); os._exit(0)"
    )
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert (ran.returncode, ran.stderr) == (0, b"all done")


@pytest.mark.parametrize(("error", "told"), [(asyncio.CancelledError(), False), (KeyError(), True)])
def test_a_request_that_our_own_end_cuts_is_no_failure(error: BaseException, told: bool) -> None:
    known = (type(error), error, None)
    words = ("uvicorn.error", stdlib.ERROR, __file__, 1, "Exception in ASGI application", (), known)
    assert CutAtTheEnd().filter(stdlib.LogRecord(*words)) is told
