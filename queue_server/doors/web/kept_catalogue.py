"""What kiosks keep for times without a network: whole records, the centre's everyday words, what is asked for most."""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from ...dossiers.everyday import FILE, BadEveryday, read_everyday
from ...store.catalogue import Catalogue
from ...wire.words import Frozen

LEVEL = 6
COUNTED_FOR_S = 6 * 3600.0
"""So long the order of what is asked for stands before it is counted again."""

log = structlog.get_logger()


class Copy(Frozen):
    """An answer's body, plain and gzipped, and the tag that names it."""

    tag: str
    plain: bytes
    packed: bytes


class KeptCatalogue:
    """Makes the copy anew where the catalogue or the centre's words have changed; any thread may ask."""

    def __init__(
        self, folder: Path, most_asked: Callable[[], tuple[str, ...]] = lambda: ()
    ) -> None:
        self._folder, self._most_asked = folder, most_asked
        self._asked: tuple[str, ...] = ()
        self._counted_at: float | None = None
        self._lock = threading.Lock()
        self._copy: Copy | None = None

    def tag(self) -> str:
        words = hashlib.sha256(self._words().encode()).hexdigest()[:16]
        asked = hashlib.sha256(" ".join(self._counted()).encode()).hexdigest()[:8]
        return f'"{Catalogue(self._folder).version()}-{words}-{asked}"'

    def copy(self) -> Copy:
        with self._lock:
            tag = self.tag()
            if self._copy is None or self._copy.tag != tag:
                words = msgspec.json.encode(self._readable_words())
                records = Catalogue(self._folder).served()
                asked = msgspec.json.encode(self._asked)
                plain = (
                    b'{"everyday":'
                    + words
                    + b',"asked":'
                    + asked
                    + b',"procedures":'
                    + records
                    + b"}"
                )
                self._copy = Copy(tag=tag, plain=plain, packed=gzip.compress(plain, LEVEL))
            return self._copy

    def _counted(self) -> tuple[str, ...]:
        now = time.monotonic()
        if self._counted_at is None or now - self._counted_at >= COUNTED_FOR_S:
            self._asked, self._counted_at = self._most_asked(), now
        return self._asked

    def _words(self) -> str:
        try:
            return (self._folder / FILE).read_text("utf-8", "replace")
        except OSError:
            return ""

    def _readable_words(self) -> str:
        """The centre's own table; nothing, and a word in the log, where it is damaged."""
        text = self._words()
        try:
            read_everyday(text)
        except BadEveryday as error:
            log.warning("everyday_words_unreadable", error=str(error))
            return ""
        return text
