"""What holds for all tests: properties draw the same examples at each run of CI, other ones at each run here;
and what desks have opened is closed after each."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.desk_room import close_all

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()
