"""Devices over HTTP: how each is, its terminals, what it was wanted to run with and what it says to that."""

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ...doors.local import DevicesChanged
from ...line import orders as o
from ...store.devices import UnknownDevice, Wanted
from ...store.packages import NoPackage, Packages
from ...wire import messages as m
from ...wire.remote import unknown_key
from ...wire.words import Role
from .context import Web, needs
from .device_login import DeviceLogin, DeviceUnknown
from .sessions import Session, TooManyTries

MAY_CHANGE = (Role.TECHNICIAN, Role.ADMINISTRATOR)
MOST_KEYS = 40


class ConfigWanted(BaseModel):
    """Keys of the device's settings table; all that was wanted before is replaced."""

    model_config = ConfigDict(extra="forbid")
    values: dict[str, Any] = Field(max_length=MOST_KEYS)


class FirmwareWanted(BaseModel):
    """A package's name, such as `rating5-1.2`; empty: none is wanted any more."""

    model_config = ConfigDict(extra="forbid")
    package: str = Field(max_length=60)


class KeyNotRemote(ValueError):
    """This kind of device does not take that key from afar."""


def device_view(web: Web, name: str, wanted: dict[str, Wanted] | None = None) -> dict[str, Any]:
    """As pages and API show it. `wanted`: of all devices, when many are shown."""
    device = web.devices.get(name)
    seen = web.replica.presence.get(name)
    alive = seen is not None and seen.state == "online" and seen.until >= web.now()
    wishes = (web.devices.wanted() if wanted is None else wanted).get(name)
    return {
        "name": device.name,
        "kind": device.kind,
        "counter": device.counter,
        "enrolled": device.enrolled_at is not None,
        "enrolled_at": device.enrolled_at,
        "revoked": device.revoked_at is not None,
        "online": alive,
        "last_seen": seen.at if seen else None,
        "version": seen.version if seen else "",
        "health": seen.health if seen else {},
        "terminals": seen.terminals if seen else (),
        "config": config_view(wishes, seen.config if seen else None),
    }


def config_view(wanted: Wanted | None, run: m.ConfigRun | None) -> dict[str, Any]:
    """`state`: none, waiting (no answer to this version yet), applied, restart or refused (`reason`, `key`)."""
    if wanted is None:
        return {"state": "none", "version": 0, "values": {}, "firmware": {}}
    said: dict[str, Any] = {"version": wanted.config.version, "values": wanted.config.values}
    said["firmware"] = wanted.config.firmware
    said |= {"at": wanted.at, "by": wanted.by}
    if run is None or run.version != wanted.config.version:
        return {**said, "state": "waiting"}
    return {**said, "state": run.state, "reason": run.reason, "key": run.key}


async def configure(
    web: Web, session: Session, name: str, values: dict[str, Any]
) -> m.DeviceConfig:
    """Want it, tell the server, note it in the log. Raises UnknownDevice, KeyNotRemote."""
    stranger = unknown_key(web.devices.get(name).kind, values)
    if stranger:
        raise KeyNotRemote(stranger)
    config = web.devices.configure(name, values, int(time.time() * 1000), session.account)
    web.replica.line.send(DevicesChanged())
    detail = {"version": str(config.version), "keys": ", ".join(sorted(values))}
    await web.give("Note", o.Note(what="device_configured", subject=name, detail=detail), session)
    return config


async def want_firmware(
    web: Web, session: Session, bridge: str, terminal: str, package: str
) -> None:
    """Have a terminal run a package that is kept here ("": none). Raises UnknownDevice, NoPackage."""
    if package:
        Packages(web.folder.firmware).content(package)
    web.devices.want_firmware(bridge, terminal, package, int(time.time() * 1000), session.account)
    web.replica.line.send(DevicesChanged())
    detail = {"terminal": terminal, "package": package}
    await web.give("Note", o.Note(what="firmware_wanted", subject=bridge, detail=detail), session)


def config_routes(web: Web) -> APIRouter:
    router = APIRouter(prefix="/api/devices", tags=["devices"])

    @router.put("/{name}/config")
    async def want(
        name: str,
        body: ConfigWanted,
        session: Annotated[Session, Depends(needs(web, *MAY_CHANGE))],
    ) -> dict[str, Any]:
        """Want a device to run with these settings; its answer stands in `GET /api/devices`."""
        try:
            config = await configure(web, session, name, body.values)
        except UnknownDevice as error:
            raise HTTPException(404, "no such device") from error
        except KeyNotRemote as error:
            raise HTTPException(422, f"{error} cannot be set from afar") from error
        return {"version": config.version}

    @router.put("/{name}/terminals/{terminal}/firmware")
    async def firmware(
        name: str,
        terminal: str,
        body: FirmwareWanted,
        session: Annotated[Session, Depends(needs(web, *MAY_CHANGE))],
    ) -> dict[str, Any]:
        """Have a terminal of a bridge run a package that is kept here; `update` in `GET /api/devices` tells on."""
        try:
            await want_firmware(web, session, name, terminal, body.package)
        except (UnknownDevice, NoPackage) as error:
            raise HTTPException(404, "no such bridge or package") from error
        return {"done": True}

    return router


def firmware_routes(web: Web) -> APIRouter:
    router = APIRouter(prefix="/api/firmware", tags=["devices"])

    login, kept = DeviceLogin(web.devices), Packages(web.folder.firmware)

    @router.get("/{package}")
    async def fetch(package: str, request: Request) -> Response:
        """A signed package for a terminal, for devices (HTTP Basic); who fetches it checks it anew."""
        try:
            login.device(request)
            content = await asyncio.to_thread(kept.content, package)
        except NoPackage as error:
            raise HTTPException(404, "no such package") from error
        except TooManyTries as error:
            raise HTTPException(429, "too many tries") from error
        except DeviceUnknown as error:
            raise HTTPException(401, "device log-in", {"WWW-Authenticate": "Basic"}) from error
        return Response(content, media_type="application/zip")

    return router
