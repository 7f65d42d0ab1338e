"""Words as a search compares them: without case, marks or the stroke of đ."""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[a-z0-9]+(?:[.\-][a-z0-9]+)*")


def fold(text: str) -> str:
    """`text` in small letters without diacritics, đ as d, and blanks in a row as one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Cf"))
    return " ".join(bare.replace("đ", "d").split())


def terms(text: str) -> tuple[str, ...]:
    """The folded words of `text` in their order, each once; a code such as `1.001193` is one word."""
    return tuple(dict.fromkeys(WORD.findall(fold(text))))
