"""A visit to be opened in the child, sealed to the pretend centre."""

from __future__ import annotations

import msgspec

from kiosk.filing import talk

from .child_room import PUBLIC, small_form
from .filing_pictures import opened


def visit(name: str, errand: str = "file") -> talk.Open:
    return msgspec.structs.replace(
        opened(errand),
        visit=name,
        forms=small_form(),
        filing_key=PUBLIC,
        devices=talk.Devices(printer=True),
    )
