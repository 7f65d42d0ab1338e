"""What kiosks keep for times without a network: whole records, and the centre's own everyday words."""

from __future__ import annotations

import gzip
import hashlib
import threading
from pathlib import Path

import msgspec
import structlog

from ...dossiers.everyday import FILE, BadEveryday, read_everyday
from ...store.catalogue import Catalogue
from ...wire.words import Frozen

LEVEL = 6

log = structlog.get_logger()


class Copy(Frozen):
    """An answer's body, plain and gzipped, and the tag that names it."""

    tag: str
    plain: bytes
    packed: bytes


class KeptCatalogue:
    """Makes the copy anew where the catalogue or the centre's words have changed; any thread may ask."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._copy: Copy | None = None

    def tag(self) -> str:
        words = hashlib.sha256(self._words().encode()).hexdigest()[:16]
        return f'"{Catalogue(self._folder).version()}-{words}"'

    def copy(self) -> Copy:
        with self._lock:
            tag = self.tag()
            if self._copy is None or self._copy.tag != tag:
                words = msgspec.json.encode(self._readable_words())
                records = Catalogue(self._folder).served()
                plain = b'{"everyday":' + words + b',"procedures":' + records + b"}"
                self._copy = Copy(tag=tag, plain=plain, packed=gzip.compress(plain, LEVEL))
            return self._copy

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
