"""The table of everyday words: what people say, and the procedures or the official words that they mean.

One TOML file ships with the product (`everyday.toml`); a centre may keep a second one of the same
shape in its data folder, which adds to it. Any civil servant can write one:

    usual = ["1.001193"]             # what most people come for
    filler = ["làm", "xin"]          # words that say nothing
    faint = ["con", "cháu"]          # words that say little

    [[word]]                         # other words for the same thing
    say = ["bìa đỏ", "sổ hồng"]
    means = ["sổ đỏ"]

    [[procedure]]                    # what people say when they need one of these
    codes = ["1.013978"]
    say = ["làm sổ đỏ", "đất chưa có sổ"]
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from ..wire.words import Frozen

FILE = "everyday.toml"
LARGEST = 1_000_000
"""Characters that a centre's own file may have."""


class BadEveryday(ValueError):
    """The text is one line for the technician: the file's name and what is wrong in it."""


class Word(Frozen, forbid_unknown_fields=True):
    """Whoever says one of `say` may mean each of `means`."""

    say: tuple[str, ...]
    means: tuple[str, ...]


class Said(Frozen, forbid_unknown_fields=True):
    """What people say who need one of the procedures `codes`."""

    codes: tuple[str, ...]
    say: tuple[str, ...]


class Everyday(Frozen, forbid_unknown_fields=True):
    """The whole table. `filler` words say nothing, `faint` ones little: neither finds much by itself.

    `usual`: codes of what people come for most, the most usual first, shown where nothing has been typed.
    """

    usual: tuple[str, ...] = ()
    filler: tuple[str, ...] = ()
    faint: tuple[str, ...] = ()
    word: tuple[Word, ...] = ()
    procedure: tuple[Said, ...] = ()

    def added(self, own: Everyday) -> Everyday:
        """Both tables as one; what is usual comes by `own` first."""
        return Everyday(
            usual=tuple(dict.fromkeys(own.usual + self.usual)),
            filler=self.filler + own.filler,
            faint=self.faint + own.faint,
            word=self.word + own.word,
            procedure=self.procedure + own.procedure,
        )


def read_everyday(text: str, name: str = FILE) -> Everyday:
    """Raises `BadEveryday`."""
    if len(text) > LARGEST:
        raise BadEveryday(f"{name}: longer than {LARGEST} signs")
    try:
        return msgspec.convert(tomllib.loads(text), Everyday)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadEveryday(f"{name}: {error}") from error


def shipped() -> Everyday:
    """The table that comes with the product."""
    return read_everyday(Path(__file__).with_name(FILE).read_text("utf-8"))
