"""`/devices`: which devices there are, whether they live, and how new ones come in."""

from __future__ import annotations

import time
from typing import Any

from fastapi import Request, Response
from markupsafe import Markup
from nicegui import ui

from ....doors.local import DevicesChanged
from ....line import orders as o
from ....store.devices import NameTaken, UnknownDevice
from ....wire.words import DeviceKind, Role, local
from ..api import device_view
from ..context import Web
from .ask import Field, ask, confirm, show_once
from .html import act, row, table, tag
from .layout import PAGES, button, frame
from .manager_view import health_chips, presence_chip
from .page import Page, open_page

MAY_CHANGE = (Role.TECHNICIAN, Role.ADMINISTRATOR)


def device_pages(web: Web) -> None:
    @ui.page("/devices")
    async def devices(request: Request) -> Response | None:
        page = open_page(web, request, *PAGES["devices"])
        if isinstance(page, Response):
            return page
        if page.session.role is Role.AUDITOR:
            await page.give("Note", o.Note(what="read", subject="devices"), tell=False)
        DevicesPage(page).build()
        return None


class DevicesPage:
    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def _may(self) -> bool:
        return self.page.session.role in MAY_CHANGE

    def build(self) -> None:
        page = self.page
        frame(page, page.say("page.devices"))
        with ui.element("section").classes("mc-card mc-stack"):
            if self._may:
                with ui.element("div").classes("mc-line mc-small"):
                    button(page, page.say("devices.add"), self.add, look="unelevated color=primary")
            page.part(self._list, acts={"reissue": self.reissue, "revoke": self.revoke})
        page.follow()

    def _list(self) -> Markup:
        page = self.page
        known = [device_view(page.web, d.name) for d in page.web.devices.list()]
        if not known:
            return tag("div", page.say("devices.none"), cls="mc-empty")
        names = ("device", "kind", "counter", "state", "health", "last_seen", "version")
        head = tuple(page.say(f"table.{name}") for name in names)
        return table((*head, ""), [self._row(d) for d in known])

    def _row(self, device: dict[str, Any]) -> Markup:
        page = self.page
        can = page.fresh and not device["revoked"]
        acts = (
            act("reissue", page.say("act.reissue"), device["name"], can),
            act("revoke", page.say("act.revoke"), device["name"], can, "mc-danger"),
        )
        return row(
            tag("b", device["name"]),
            page.say(f"device.{device['kind']}"),
            device["counter"] or "",
            presence_chip(page, device),
            health_chips(page, device["health"]),
            self._when(device["last_seen"]),
            device["version"],
            tag("td", *(acts if self._may else ()), cls="mc-acts"),
            data_device=device["name"],
        )

    def _when(self, at: int | None) -> str:
        if not at:
            return "–"
        offset = self.page.state.setup.rules.utc_offset_minutes
        return local(at, offset).strftime("%d/%m %H:%M")

    # --- changes ---

    async def add(self, _: str) -> None:
        page = self.page
        kinds = {kind.value: page.say(f"device.{kind}") for kind in DeviceKind}
        counters = {c.id: c.name.say(page.language) for c in page.state.setup.counters}
        answers = await ask(
            page,
            page.say("devices.add"),
            Field("kind", page.say("table.kind"), kinds, value="kiosk"),
            Field("name", page.say("devices.name"), most=40),
            Field("counter", page.say("devices.counter"), counters, needed=False),
        )
        if answers is None or not self._still_may():
            return
        name = answers["name"]
        try:
            code = page.web.devices.add(
                DeviceKind(answers["kind"]), name, answers["counter"], _now()
            )
        except NameTaken:
            page.tell(page.say("devices.taken", name=name), "negative")
        except ValueError:
            page.tell(page.say("devices.bad_name"), "negative")
        else:
            await self._changed("device_added", name)
            await self._show(name, code)

    async def reissue(self, name: str) -> None:
        page = self.page
        if not await confirm(
            page, page.say("devices.reissue", name=name), page.say("devices.reissue_text")
        ):
            return
        if not self._still_may():
            return
        try:
            code = page.web.devices.reissue(name, _now())
        except UnknownDevice:
            page.tell(page.say("devices.unknown", name=name), "negative")
            return
        await self._changed("device_code_reissued", name)
        await self._show(name, code)

    async def revoke(self, name: str) -> None:
        page = self.page
        if not await confirm(
            page, page.say("devices.revoke", name=name), page.say("devices.revoke_text")
        ):
            return
        if not self._still_may():
            return
        try:
            page.web.devices.revoke(name, _now())
        except UnknownDevice:
            page.tell(page.say("devices.unknown", name=name), "negative")
            return
        await self._changed("device_revoked", name)

    def _still_may(self) -> bool:
        """Asked again after a dialog: devices are no orders, so nobody else would ask."""
        session = self.page.still()
        return session is not None and session.role in MAY_CHANGE

    async def _changed(self, what: str, name: str) -> None:
        page = self.page
        page.web.replica.line.send(DevicesChanged())
        await page.give("Note", o.Note(what=what, subject=name))
        page.draw()

    async def _show(self, name: str, code: str) -> None:
        page = self.page
        await show_once(
            page, page.say("devices.code", name=name), code, page.say("devices.code_text")
        )


def _now() -> int:
    """Codes are timed by the machine's clock, as at their redeeming."""
    return int(time.time() * 1000)
