"""The people's ways in over HTTP: staff with their accounts, visitors with their phones."""

from __future__ import annotations

import asyncio
import html
import re
import ssl
import time
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import msgspec

from ...desk.verbs import path_of
from ...wire import messages as m
from ...wire.link import new_id
from ...wire.words import Frozen
from .day import Visit
from .tally import Tally

WITHIN_S = 20.0
TRIES = 8
PASSING = frozenset({"server_away", "not_saved", "internal"})
EXPECTED = frozenset({"nobody_waits"})
"""Refusals that are no more than an answer."""
NOT_FOUND = 404


class OrderRefused(Exception):
    """The server said no; `code` is the refusal's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoPage(Exception):
    """The page for it is not there, or not for this phone now."""


@dataclass(frozen=True)
class Site:
    """Where the pages are; `ca` is the centre's own authority, empty on loopback."""

    base: str
    ca: str = ""

    def client(self, address: str | None = None) -> httpx.AsyncClient:
        """A browser's connection, from an address of its own where one is given."""
        trust = ssl.create_default_context(cadata=self.ca or None) if self.ca else False
        transport = httpx.AsyncHTTPTransport(verify=trust, local_address=address)
        return httpx.AsyncClient(
            base_url=self.base, transport=transport, timeout=WITHIN_S, trust_env=False
        )


@dataclass
class Person:
    """One of the staff, logged in. Every order has an id, so that it may be sent again."""

    http: httpx.AsyncClient
    account: str
    tally: Tally

    @classmethod
    async def log_in(
        cls, site: Site, account: str, first: str, password: str, tally: Tally
    ) -> Person:
        """With the first password, which she changes at once. Raises httpx.HTTPError."""
        http = site.client()
        body = {"account": account, "password": first}
        said = (await http.post("/api/session", json=body)).raise_for_status().json()
        http.headers["Authorization"] = f"Bearer {said['token']}"
        if said["must_change"]:
            change = {"old": first, "new": password}
            (await http.post("/api/me/password", json=change)).raise_for_status()
        return cls(http, account, tally)

    async def give(self, order: Frozen, order_id: str = "") -> dict[str, Any]:
        """The reply. Raises OrderRefused, and httpx.HTTPError when the pages are away for good."""
        body = msgspec.to_builtins(order)
        body.pop("order", None)
        path = f"/api/orders/{path_of(type(order).__name__)}"
        return await self.post(path, body, order_id)

    async def get(self, path: str) -> Any:
        """What the API tells. Raises httpx.HTTPError."""
        return (await self.http.get(path)).raise_for_status().json()

    async def post(self, path: str, body: dict[str, Any], order_id: str = "") -> dict[str, Any]:
        """As `give`."""
        key = order_id or new_id()
        for attempt in range(1, TRIES + 1):
            code = "server_away"
            try:
                began = time.perf_counter()
                answer = await self.http.post(path, json=body, headers={"Idempotency-Key": key})
                self.tally.http.append((time.perf_counter() - began) * 1000)
                if answer.status_code == httpx.codes.OK:
                    reply: dict[str, Any] = answer.json()
                    return reply
                code = _refusal(answer)
            except httpx.TransportError:
                if attempt == TRIES:
                    raise
            if code not in PASSING:
                break
            await asyncio.sleep(0.5 * attempt)
        if code not in EXPECTED:
            self.tally.refused[code] += 1
        raise OrderRefused(code)

    async def log_out(self) -> None:
        await self.http.aclose()


def _refusal(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["refusal"]["code"])
    except (ValueError, KeyError, TypeError):
        return f"http_{answer.status_code}"


@dataclass
class Phones:
    """Visitors' phones: each its own address (127.x.y.z) where the centre is on loopback."""

    site: Site
    tally: Tally
    _addresses: count[int]

    @classmethod
    def of(cls, site: Site, tally: Tally) -> Phones:
        return cls(site, tally, count(1))

    def _client(self) -> httpx.AsyncClient:
        n = next(self._addresses)
        local = f"127.1.{n // 250 % 250}.{n % 250 + 1}"
        return self.site.client(local if "//127." in self.site.base else None)

    async def take(self, visit: Visit, day: str) -> m.TicketTaken:
        """A number by `/take`, with the code of the board where it is asked for. Raises NoPage."""
        async with self._client() as phone:
            page = await phone.get("/take")
            if 'name="code"' in page.text:
                code = await self._board_code(phone)
                entered = await phone.post("/take/code", data={"code": code})
                if entered.status_code != httpx.codes.SEE_OTHER:
                    raise NoPage("/take/code")
            wanted = {"service": visit.asks, "priority": visit.priority or ""}
            form = _hidden(await self._confirm(phone, wanted, visit.accepts_later))
            taken = await phone.post("/take", data=form)
            if visit.double_tap:
                self.tally.happened["double_tap"] += 1
                taken = await phone.post("/take", data=form)
            if taken.status_code != httpx.codes.SEE_OTHER:
                raise NoPage("/take")
            found = await self._own_ticket(phone, taken.headers["location"], visit.asks, day)
            booked = int(form["booked"]) if "booked" in form else None
            return msgspec.structs.replace(found, booked=booked)

    async def _confirm(
        self, phone: httpx.AsyncClient, wanted: dict[str, str], accepts_later: bool
    ) -> httpx.Response:
        """The page with the form; past the question of the time, where that is asked."""
        page = await phone.get("/take", params=wanted)
        ways = re.findall(r'href="(/take\?[^"]*at=[^"]*)"', page.text)
        if not ways:
            return page
        return await phone.get(html.unescape(ways[-1 if accepts_later else 0]))

    async def _own_ticket(
        self, phone: httpx.AsyncClient, path: str, service: str, day: str
    ) -> m.TicketTaken:
        for _ in range(20):
            found = re.search(r'data-number="([^"]+)"', (await phone.get(path)).text)
            if found is not None:
                number, token = found.group(1), path.rsplit("/", 1)[1]
                ticket = f"{day.replace('-', '')}-{number}"
                return m.TicketTaken(
                    ticket=ticket, number=number, service=service, issued_at=0, ahead=0, token=token
                )
            await asyncio.sleep(0.1)  # the pages follow the server a moment later
        raise NoPage(path.split("/")[1])

    async def _board_code(self, phone: httpx.AsyncClient) -> str:
        """What everybody in the hall can read on the board."""
        async with phone.stream("GET", "/board/events") as board:
            async for line in board.aiter_lines():
                if line.startswith("data: ") and '"take"' in line:
                    return str(msgspec.json.decode(line[6:])["take"]["code"])
        raise NoPage("/board/events")

    async def step(self, token: str, step: str) -> bool:
        """`out`, `back` or `cancel` on her own ticket's page; False when it says no."""
        async with self._client() as phone:
            answer = await phone.post(f"/t/{token}/{step}")
            return answer.status_code == httpx.codes.SEE_OTHER

    async def rate(self, token: str, score: int) -> bool:
        """The survey behind her token; False when it is not to be had."""
        async with self._client() as phone:
            page = await phone.get(f"/survey/{token}")
            if 'name="score"' not in page.text:
                return False
            form = {**_hidden(page), "score": str(score)}
            return (await phone.post(f"/survey/{token}", data=form)).status_code == httpx.codes.OK


def _hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a form. Raises NoPage when it has none."""
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    if not found:
        raise NoPage(page.url.path)
    return dict(found)
