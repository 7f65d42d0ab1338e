"""A centre's own guides to a procedure, as `GET /api/guides/{code}` lists them."""

from __future__ import annotations

from .words import Frozen

MOST_GUIDES = 30


class Guide(Frozen):
    """One file of a centre's own guide. `kind`: picture, sample (PDF, under the word MẪU), film.

    `size` in bytes. `stamp` is another one when the file has changed.
    """

    file: str
    kind: str
    caption: str
    size: int = 0
    stamp: str = ""
