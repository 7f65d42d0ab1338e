"""A device logs in over HTTP by the name and password that it has from enrolment (HTTP Basic)."""

from __future__ import annotations

import time
from base64 import b64decode

import bcrypt
from fastapi import Request

from ...store.devices import Device, Devices, UnknownDevice
from .sessions import Throttle


class DeviceUnknown(Exception):
    """No such device, or not its password, or revoked; which of them is nobody's business."""


class DeviceLogin:
    """Wrong passwords are throttled by device and by address."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._throttle = Throttle()

    def device(self, request: Request) -> Device:
        """Who asks. Raises DeviceUnknown, TooManyTries."""
        name, password = _basic(request.headers.get("authorization", ""))
        now = time.time()
        keys = (f"device:{name}", f"from:{request.client.host if request.client else ''}")
        self._throttle.check(keys, now)
        try:
            device = self._devices.get(name)
        except UnknownDevice:
            device = None
        if device is None or device.revoked_at is not None or not _fits(device, password):
            self._throttle.failed(keys, now)
            raise DeviceUnknown()
        self._throttle.passed(keys)
        return device


def _basic(header: str) -> tuple[str, str]:
    kind, _, given = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, password = b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return name[:80], password[:200]


def _fits(device: Device, password: str) -> bool:
    if device.passwords is None or not password:
        return False
    try:
        return bcrypt.checkpw(password.encode()[:72], device.passwords.bcrypt.encode())
    except ValueError:
        return False
