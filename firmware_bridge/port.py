"""A serial port that may be pulled out at any time; the one place that names pyserial."""

from __future__ import annotations

import select
import termios
from types import TracebackType
from typing import Self

import serial

_GONE = (OSError, serial.SerialException, termios.error, TypeError)
"""pyserial raises TypeError when a descriptor is closed under a running read."""


class PortGone(Exception):
    """The port is not there, is taken, or has been unplugged."""


class Port:
    """An open serial port, 8N1, ours alone. Every method raises PortGone."""

    def __init__(self, path: str, baud: int) -> None:
        try:
            self._serial = serial.Serial(
                path,
                baud,
                timeout=0,
                write_timeout=2.0,
                exclusive=True,
                rtscts=False,
                xonxoff=False,
            )
        except (*_GONE, ValueError) as error:
            raise PortGone(str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        try:
            self._serial.close()
        except _GONE:
            pass

    def write(self, data: bytes) -> None:
        """Hand the bytes to the driver; the line may need `len(data) * 10 / baud` seconds for them."""
        try:
            self._serial.write(data)
        except _GONE as error:
            raise PortGone(str(error)) from error

    def read(self, seconds: float) -> bytes:
        """What has arrived, after waiting `seconds` at most for the first byte; b"" for silence."""
        try:
            ready, _, _ = select.select([self._serial.fileno()], [], [], max(0.0, seconds))
            return bytes(self._serial.read(512)) if ready else b""
        except (*_GONE, ValueError) as error:
            raise PortGone(str(error)) from error
