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
from ....store.packages import NoPackage, Packages
from ....wire import messages as m
from ....wire.health import LOW_BATTERY
from ....wire.remote import KEYS, NotUnderstood, parse, written
from ....wire.words import DeviceKind, Role, local
from ..context import Web
from ..devices import MAY_CHANGE, KeyNotRemote, configure, device_view, want_firmware
from .ask import Field, ask, confirm, show_once
from .html import act, chip, join, row, table, tag
from .layout import PAGES, button, frame
from .manager_view import health_chips, health_colour, presence_chip
from .page import Page, open_page

UPDATE_COLOURS = {"done": "mc-good", "refused": "mc-bad", "went_back": "mc-bad", "bad": "mc-bad"}
CONFIG_COLOURS = {"applied": "mc-good", "refused": "mc-bad", "waiting": "mc-first"}


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
            acts = {
                "configure": self.configure,
                "reissue": self.reissue,
                "revoke": self.revoke,
                "firmware": self.firmware,
            }
            page.part(self._list, acts=acts)
        page.follow()

    def _list(self) -> Markup:
        page = self.page
        wanted = page.web.devices.wanted()
        known = [device_view(page.web, d.name, wanted) for d in page.web.devices.list()]
        if not known:
            return tag("div", page.say("devices.none"), cls="mc-empty")
        names = ("device", "kind", "counter", "state", "health", "last_seen", "version", "config")
        head = tuple(page.say(f"table.{name}") for name in names)
        rows = [
            line
            for d in known
            for line in (self._row(d), *(self._terminal(d["name"], t) for t in d["terminals"]))
        ]
        return table((*head, ""), rows)

    def _row(self, device: dict[str, Any]) -> Markup:
        page = self.page
        can = page.fresh and not device["revoked"]
        set_from_afar = can and bool(KEYS[device["kind"]])
        acts = (
            act("configure", page.say("act.configure"), device["name"], set_from_afar),
            act("reissue", page.say("act.reissue"), device["name"], can),
            act("revoke", page.say("act.revoke"), device["name"], can, "mc-danger"),
        )
        return row(
            tag("b", device["name"]),
            page.say(f"device.{device['kind']}"),
            device["counter"] or "",
            presence_chip(page, device),
            health_chips(page, device),
            self._when(device["last_seen"]),
            device["version"],
            self._config(device["config"]),
            tag("td", *(acts if self._may else ()), cls="mc-acts"),
            data_device=device["name"],
        )

    def _terminal(self, bridge: str, one: m.TerminalSeen) -> Markup:
        page = self.page
        said = page.say(f"terminal.{one.state}")
        words = one.state if said.startswith("terminal.") else said  # a newer bridge's word
        state = chip(words, health_colour("terminal:", one.state))
        return row(
            join("↳ ", tag("b", one.name)),
            join(page.say(f"device.{one.kind}"), " ", tag("small", one.make)),
            one.counter,
            state,
            self._figures(one),
            self._when(one.seen),
            one.version,
            tag("small", page.say("devices.key", name=one.key[:8])) if one.key else "",
            tag("td", self._firmware(bridge, one) if self._may else None, cls="mc-acts"),
            data_terminal=one.name,
        )

    def _firmware(self, bridge: str, one: m.TerminalSeen) -> Markup | None:
        """Only terminals of our own make, which have a key, take firmware of ours."""
        if not one.key:
            return None
        words = self.page.say("act.firmware")
        return act("firmware", words, f"{bridge} {one.name}", self.page.fresh)

    def _figures(self, one: m.TerminalSeen) -> Markup:
        say = self.page.say
        battery = None
        if one.battery is not None:
            low = one.battery <= LOW_BATTERY
            words = say("devices.battery", percent=one.battery)
            battery = chip(words, "mc-bad" if low else "mc-dull")
        waiting = chip(say("devices.waiting", count=one.waiting)) if one.waiting else None
        lost = chip(say("devices.lost", count=one.lost), "mc-bad") if one.lost else None
        return join(battery, waiting, lost, self._update(one.update))

    def _update(self, update: str) -> Markup | None:
        """`sending 40`: a word and what it is about."""
        if not update:
            return None
        word, _, detail = update.partition(" ")
        said = self.page.say(f"update.{word}", detail=detail)
        return chip(said, UPDATE_COLOURS.get(word, "mc-dull"))

    def _config(self, config: dict[str, Any]) -> Markup:
        state = config["state"]
        if state == "none":
            return Markup("")
        words = self.page.say(f"config.{state}", version=config["version"])
        if state == "refused":
            why = self.page.say(f"config.{config['reason']}", name=config["key"])
            words = f"{words}: {why}"
        return chip(words, CONFIG_COLOURS.get(state, "mc-dull"))

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

    async def configure(self, name: str) -> None:
        page = self.page
        view = device_view(page.web, name)
        keys = ", ".join(KEYS[view["kind"]])
        field = Field(
            "lines",
            page.say("devices.lines"),
            value=written(view["config"]["values"]),
            needed=False,
            most=4_000,
            long=True,
        )
        title = page.say("devices.configure", name=name)
        answers = await ask(page, title, field, text=page.say("devices.lines_text", keys=keys))
        session = self.page.still()
        if answers is None or session is None or session.role not in MAY_CHANGE:
            return
        try:
            await configure(page.web, session, name, parse(answers["lines"]))
        except NotUnderstood as error:
            page.tell(page.say("devices.not_understood", detail=error), "negative")
        except KeyNotRemote as error:
            page.tell(page.say("config.not_remote", name=str(error)), "negative")
        except UnknownDevice:
            page.tell(page.say("devices.unknown", name=name), "negative")
        page.draw()

    async def firmware(self, subject: str) -> None:
        page = self.page
        bridge, _, terminal = subject.partition(" ")
        names = Packages(page.web.folder.firmware).names()
        options = {"": page.say("devices.no_firmware"), **{name: name for name in names}}
        wanted = device_view(page.web, bridge)["config"]["firmware"].get(terminal, "")
        field = Field("package", page.say("devices.package"), options, value=wanted, needed=False)
        answers = await ask(
            page,
            page.say("devices.firmware", name=terminal),
            field,
            text=page.say("devices.firmware_text"),
        )
        session = self.page.still()
        if answers is None or session is None or session.role not in MAY_CHANGE:
            return
        try:
            await want_firmware(page.web, session, bridge, terminal, answers["package"] or "")
        except (NoPackage, UnknownDevice):
            page.tell(page.say("devices.unknown", name=terminal), "negative")
        page.draw()

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
