"""What every page and route shares: the replica, the sessions, the way to give an order."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException, Request
from prometheus_client import Counter

from ... import said
from ...desk import public
from ...desk.clock import Clock
from ...doors.replica import Replica
from ...doors.speech.voice import Voice
from ...folder import Folder
from ...line import events as e
from ...line.state import State
from ...settings import CentreFile
from ...store.catalogue import Catalogue
from ...store.devices import Devices
from ...store.forms import CentreForms
from ...store.vault import Vault, master_key
from ...wire import messages as m
from ...wire.link import new_id
from ...wire.sealed import private_key, public_text
from ...wire.surveys import Survey, offered
from ...wire.words import Estimate, Frozen, Role
from .satisfaction import Reports
from .sessions import COOKIE, Session, Sessions, Throttle

if TYPE_CHECKING:
    from .dossiers import Shelf
    from .feedback import FeedbackBox

ORDERS = Counter("motcua_orders", "Orders given by people", ["verb", "outcome"])


@dataclass
class Web:
    """The web process. Pages read `state` (a replica) and change it by `give` alone."""

    folder: Folder
    file: CentreFile
    replica: Replica
    sessions: Sessions
    devices: Devices
    clock: Clock
    database: sqlite3.Connection
    """Read-only, for accounts, ratings and the log."""
    vault: Vault
    voice: Voice
    ca: str = ""
    broker_port: int = 0
    throttle: Throttle = field(default_factory=Throttle)

    def close(self) -> None:
        """Let its files go; nothing is asked of it after."""
        self.sessions.close()
        self.devices.close()
        self.database.close()

    @property
    def state(self) -> State:
        return self.replica.state

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.folder.root)

    @cached_property
    def forms(self) -> CentreForms:
        return CentreForms(self.folder.root, self.file.forms.sample)

    @cached_property
    def reports(self) -> Reports:
        """Of satisfaction, for every page, file and poster that is drawn from them."""
        return Reports(self)

    @cached_property
    def surveys(self) -> dict[str, Survey]:
        """What can be asked, by id: as the server read it at its start."""
        return offered(self.folder.surveys)

    @cached_property
    def master(self) -> bytes:
        """The vault's master key."""
        return master_key(self.folder.master_key(self.file.vault.key_file))

    @cached_property
    def shelf(self) -> Shelf:
        """Dossiers, read through the seal."""
        from .dossiers import Shelf

        return Shelf(self)

    @cached_property
    def feedback_box(self) -> FeedbackBox:
        """Feedback of kiosks and phones; its limits count for all routes together."""
        from .feedback import FeedbackBox

        return FeedbackBox(self)

    @cached_property
    def filing_key(self) -> str:
        """To which kiosks seal what they file."""
        return public_text(private_key(self.master))

    def now(self) -> int:
        """The centre's time (ms)."""
        return max(self.clock.now(), self.state.at)

    def session(self, request: Request) -> Session | None:
        """Who asks, by bearer token or cookie."""
        token = request.cookies.get(COOKIE, "")
        bearer = request.headers.get("authorization", "")
        if bearer.lower().startswith("bearer "):
            token = bearer[7:].strip()
        return self.sessions.find(token, time.time()) if token else None

    def still(self, session: Session, *roles: Role) -> Session | None:
        """The session if it is still good, and (when roles are given) of one of them."""
        alive = self.sessions.alive(session.key, time.time())
        if alive is None or (roles and alive.role not in roles):
            return None
        return alive

    async def give(
        self,
        verb: str,
        body: Frozen,
        session: Session | None,
        order_id: str = "",
        device: str = "web",
    ) -> m.Answer:
        """The server's answer to an order; a refusal `server_away` when it is not there.

        A person's `order_id` counts for her alone: nobody gets another's answer by its key.
        """
        account = session.account if session else ""
        order_id = f"{account}:{order_id}" if order_id and account else order_id
        role = session.role if session else None
        actor = e.Actor(device=device, account=account)
        try:
            answer = await self.replica.line.give(order_id or new_id(), verb, body, actor, role)
        except (ConnectionError, TimeoutError):
            answer = m.Answer(
                id=order_id,
                verb=verb,
                at=0,
                refusal=m.Refusal(
                    code="server_away",
                    vi=said.refusal("server_away", "vi", {}),
                    en=said.refusal("server_away", "en", {}),
                ),
            )
        outcome = answer.refusal.code if answer.refusal else "ok"
        ORDERS.labels(verb, outcome).inc()
        return answer

    def reason(self, why: e.Reason | None, language: str = "vi") -> str:
        return said.reason(why, self.state.setup, language)

    def newcomer(self, service: str, priority: str | None = None) -> Estimate | None:
        return public.newcomer(self.state, self.replica.estimates, service, priority)


def needs(web: Web, *roles: Role) -> Callable[[Request], Coroutine[Any, Any, Session]]:
    """A dependency: the session of one of these roles (none named: any), else 401 or 403."""

    async def check(request: Request) -> Session:
        session = web.session(request)
        if session is None:
            raise HTTPException(401, "log in first")
        if session.must_change and not request.url.path.startswith(("/api/session", "/api/me")):
            raise HTTPException(403, "change the first password")
        if roles and session.role not in roles:
            raise HTTPException(403, "not for this role")
        return session

    return check
