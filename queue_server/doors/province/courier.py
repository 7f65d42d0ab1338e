"""Carries filed dossiers to the province, each exactly once: it asks before it sends, and writes before and after.

Where it may be killed, nothing is lost: what was begun stands as `sending`, and is asked about before anything else
happens to it. The province is believed only where it says clearly what it has (`port.py`).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import ssl
import stat
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import structlog

from ...desk import commands as c
from ...desk.filing import SealedDossier, decode_sealed
from ...dossiers.passing import PassedOn
from ...line import orders as o
from ...settings import CentreFile, ProvinceSettings
from ...store import dossiers, papers, passing
from ...store.dossiers import Dossier
from ...store.papers import Papers
from ...store.passing import Passing
from ...store.vault import CannotUnseal, Vault
from ...wire import messages as m
from ...wire.filing import FiledPaper
from ...wire.words import SECOND, Frozen
from . import port

log = structlog.get_logger()
IN_A_ROW = 3
"""After so many failures one after the other the rest of a pass is left for later."""
SHORTEST_KEY = 32
POLL_S = 5.0
HIGHEST_POWER = 16
SLOWEST_BYTES_S = 50_000
"""So slow a line still carries a dossier: 48 MB in a quarter of an hour."""

Tell = Callable[[str, Frozen], Awaitable[m.Answer]]
"""Give an order to the server. Raises ConnectionError, TimeoutError."""


class NoKey(Exception):
    """The key file is not there, readable by others, or too short."""


def read_key(path: Path) -> bytes:
    """Raises NoKey."""
    try:
        if os.stat(path).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise NoKey("others may read it")
        key = path.read_bytes().strip()
    except OSError as error:
        raise NoKey(error.strerror or "") from error
    if len(key) < SHORTEST_KEY:
        raise NoKey("too short")
    return key


def client_for(settings: ProvinceSettings) -> httpx.AsyncClient:
    """Raises OSError (the CA file)."""
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    timeout = httpx.Timeout(settings.timeout, write=None)  # the whole body is one write
    return httpx.AsyncClient(
        verify=context, timeout=timeout, follow_redirects=False, trust_env=False
    )


@dataclass
class Courier:
    """`once` makes one pass. `now`: the centre's clock (ms)."""

    file: CentreFile
    conn: sqlite3.Connection
    """Read-only."""
    vault: Vault
    papers: Papers
    tell: Tell
    now: Callable[[], int]
    client: httpx.AsyncClient
    _not_before: dict[str, int] = field(default_factory=dict)
    _asked: dict[str, int] = field(default_factory=dict)
    """How often in a row asking after a dossier brought nothing."""
    _away: str | None = None
    _rest_until: int = 0

    @property
    def _own(self) -> ProvinceSettings:
        return self.file.province

    async def once(self) -> float:
        """Settle what is due now; returns seconds until there may be more to do."""
        try:
            return await self._once()
        except (ConnectionError, TimeoutError) as error:
            log.warning("server_away", kind=type(error).__name__)
            return POLL_S

    async def _once(self) -> float:
        try:
            key = read_key(Path(self._own.key_file))
        except NoKey as error:
            log.error("province_key_unusable", cause=str(error))
            await self._say("key_file")
            return POLL_S
        await self._pass(key)
        return self._next()

    async def _pass(self, key: bytes) -> None:
        failed, reached, cause = 0, False, ""
        for known in self._waiting():
            if self._due_at(known) > self.now():
                continue
            trouble = await self._settle(known, key)
            if trouble:
                failed, cause = failed + 1, trouble
            else:
                failed, reached = 0, True
            if failed >= IN_A_ROW:
                self._rest_until = self.now() + int(self._own.retry * SECOND)
                break
        if reached:
            await self._say("")
        elif cause:
            await self._say(cause)

    def _waiting(self) -> list[Passing]:
        start = port.start_of(self._own.since, self.file.rules.utc_offset_minutes)
        return passing.waiting(self.conn, self._own.samples, start)

    # --- when ---

    def _due_at(self, known: Passing) -> int:
        due = known.at
        if known.passed is PassedOn.WAITING and (not known.tries or known.cause == "again"):
            due = 0
        elif known.passed is PassedOn.WAITING:
            due += self._delay(known.tries)
        else:
            due += max(int(self._own.settle * SECOND), self._delay(known.tries))
        return max(due, self._not_before.get(known.dossier, 0), self._rest_until)

    def _delay(self, times: int) -> int:
        """ms; doubled with each time."""
        doubled = self._own.retry * 2 ** min(max(times - 1, 0), HIGHEST_POWER)
        return int(min(doubled, self._own.longest_retry) * SECOND)

    def _next(self) -> float:
        dues = [self._due_at(x) for x in self._waiting()]
        if not dues:
            return POLL_S
        return min(max((min(dues) - self.now()) / SECOND, 0.02), POLL_S)

    # --- one dossier ---

    async def _settle(self, known: Passing, key: bytes) -> str:
        """One step on; returns why the province could not be spoken to, or an empty text."""
        line = dossiers.get(self.conn, known.dossier)
        if line is None:
            return ""
        path = f"{urlsplit(self._own.url).path.rstrip('/')}/dossiers/{known.dossier}"
        asked = await self._ask(known, path, key)
        if asked.passed is not None:
            return "" if await self._note(known, asked) else self._put_off(known, "")
        if not asked.unknown:
            return self._put_off(known, asked.cause)
        self._asked.pop(known.dossier, None)
        try:
            body, kind = await asyncio.to_thread(self._body, line, known.round)
        except (FileNotFoundError, CannotUnseal) as error:
            log.error("dossier_cannot_be_opened", dossier=known.dossier, kind=type(error).__name__)
            lost = port.Outcome(passed=PassedOn.REJECTED, cause="cannot_open")
            return "" if await self._note(known, lost) else self._put_off(known, "")
        if not await self._note(known, port.Outcome(passed=PassedOn.SENDING)):
            return self._put_off(known, "")
        sent = await self._send(known, path, key, body, kind)
        await self._note(known, sent)
        clear = sent.passed in (PassedOn.ACCEPTED, PassedOn.REJECTED) or sent.cause == "checking"
        return "" if clear else sent.cause

    def _put_off(self, known: Passing, cause: str) -> str:
        times = self._asked[known.dossier] = self._asked.get(known.dossier, 0) + 1
        self._not_before[known.dossier] = self.now() + self._delay(times)
        return "" if cause == "checking" else cause

    async def _note(self, known: Passing, outcome: port.Outcome) -> bool:
        """Into the log; False when the line does not take it (somebody was quicker)."""
        assert outcome.passed is not None
        order = c.NotePassing(
            dossier=known.dossier,
            passed=outcome.passed,
            cause=outcome.cause,
            code=outcome.code,
            due_at=outcome.due_at,
            words=outcome.words,
        )
        answer = await self.tell("NotePassing", order)
        refused = answer.refusal.code if answer.refusal else ""
        log.info(
            "passing",
            dossier=known.dossier,
            passed=str(outcome.passed),
            cause=outcome.cause,
            refused=refused,
        )
        return not refused

    async def _say(self, away: str) -> None:
        if away != self._away:
            answer = await self.tell("SayProvince", o.SayProvince(away=away))
            self._away = away if answer.refusal is None else None

    # --- what is sent ---

    def _body(self, line: Dossier, round_: int) -> tuple[bytes, str]:
        """In a thread. Raises FileNotFoundError, CannotUnseal."""
        found = self.vault.find(line.dossier, "filing")
        if not found:
            raise FileNotFoundError(line.dossier)
        sealed = decode_sealed(found[0])
        count = len(sealed.filing.papers)
        files = [self.papers.read(line.sealed, sealed.key, n) for n in range(1, count + 1)]
        return port.body(self._manifest(line, sealed, files, round_), files)

    def _manifest(
        self, line: Dossier, sealed: SealedDossier, files: list[bytes], round_: int
    ) -> port.Manifest:
        filing, offset = sealed.filing, self.file.rules.utc_offset_minutes
        types = {x.n: x.type for x in papers.of_dossier(self.conn, line.dossier)}
        return port.Manifest(
            port=port.VERSION,
            id=line.dossier,
            round=round_,
            centre=port.CentreNamed(
                id=self.file.centre.id,
                agency=self.file.centre.agency,
                name=self.file.centre.name,
            ),
            procedure=line.procedure,
            service=line.service,
            received_at=port.iso(line.received_at, offset),
            owner=port.Owner(
                name=filing.owner_name,
                number=filing.owner_number,
                phone=filing.phone,
                notify=filing.notify,
            ),
            code=line.code,
            provisional=line.provisional,
            due_at=port.iso(line.due_at, offset) if line.due_at is not None else None,
            language=str(filing.language),
            form=line.form,
            form_version=line.form_version,
            answers=filing.answers,
            papers=tuple(
                _paper(n, paper, content, types.get(n, ""))
                for n, (paper, content) in enumerate(zip(filing.papers, files, strict=True), 1)
            ),
            sample=line.sample,
        )

    # --- speaking ---

    async def _ask(self, known: Passing, path: str, key: bytes) -> port.Outcome:
        try:
            status, content = await self._request("GET", path, key, b"", "")
        except (httpx.HTTPError, TimeoutError) as error:
            return port.Outcome(passed=None, cause=_cause(error))
        return port.of_asking(status, content, known.dossier, known.round)

    async def _send(
        self, known: Passing, path: str, key: bytes, body: bytes, kind: str
    ) -> port.Outcome:
        try:
            status, content = await self._request("PUT", path, key, body, kind)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:  # no byte of it has left
            return port.Outcome(passed=PassedOn.WAITING, cause=_cause(error))
        except (httpx.HTTPError, TimeoutError) as error:
            return port.Outcome(passed=PassedOn.UNCLEAR, cause=_cause(error))
        return port.of_sending(status, content, known.dossier, known.round)

    async def _request(
        self, method: str, path: str, key: bytes, body: bytes, kind: str
    ) -> tuple[int, bytes]:
        """Status and the first bytes of the answer. Raises httpx.HTTPError, TimeoutError."""
        url = httpx.URL(self._own.url).copy_with(raw_path=path.encode())
        headers = port.signed(key, self._own.key_id, method, path, body, int(time.time()))
        if kind:
            headers["Content-Type"] = kind
        async with asyncio.timeout(2 * self._own.timeout + len(body) / SLOWEST_BYTES_S):
            async with self.client.stream(method, url, content=body, headers=headers) as answer:
                content = b""
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > port.LARGEST_ANSWER:
                        return answer.status_code, b""
                return answer.status_code, content


def _paper(n: int, paper: FiledPaper, content: bytes, kind: str) -> port.PaperSent:
    return port.PaperSent(
        n=n,
        name=paper.name,
        kind=paper.kind,
        type=kind,
        number=paper.number,
        component=paper.component,
        pages=paper.pages,
        bytes=len(content),
        sha256=sha256(content).hexdigest(),
        part=f"paper-{n}",
        reused=bool(paper.held),
    )


def _cause(error: Exception) -> str:
    """A word for it; never the error's own text, which holds addresses."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.ConnectError):
        return "no_connection"
    return "cut_off"
