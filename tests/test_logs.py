"""Logs: one event a line, and no value of a visitor in it even when something fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

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
