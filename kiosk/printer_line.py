"""The line to a printer by its address: TCP, serial, a kernel printer node, a bare USB device, or a file.

A write that the printer holds back returns 0 instead of waiting for ever, and answers are read as
bytes, so that silence stays silence.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import struct
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import serial

CONNECT_S = 2.0
FAREWELL_S = 0.3
SEND_BUFFER = 16_384
"""Small, so that a printer which has stopped reading is noticed before the whole ticket is 'sent'."""
USB_PRINTER_CLASS, USB_VENDOR_CLASS = 7, 255


class BadAddress(ValueError):
    """A printer address in the settings that cannot be understood."""


class NoPrinter(Exception):
    """Nothing answers at the address; the text says why, for the technician."""


class Line(Protocol):
    def send(self, data: bytes, seconds: float) -> int:
        """How many bytes went out within `seconds`, 0 when held back; raises OSError when it is gone."""

    def hear(self, seconds: float) -> bytes:
        """What the printer said within `seconds`, b"" for silence; raises OSError when it is gone."""

    def close(self, drop: bool) -> None:
        """`drop` throws away what has not reached the printer yet."""


def line_opener(address: str) -> Callable[[], Line]:
    """Understands `tcp://host[:9100]`, `serial:/dev/…[?baud=…&flow=rtscts|xonxoff|none]`, `file:path`
    (also a node such as /dev/usb/lp0, which answers), `usb:vid:pid[:port]` (port as in 1-1.4), `none`.

    Raises BadAddress; what it returns opens the line and raises NoPrinter.
    """
    kind, _, rest = address.partition(":")
    kinds = {"tcp": _tcp, "serial": _serial, "file": _file, "usb": _usb, "none": _none}
    if kind not in kinds or bool(rest) is (kind == "none"):
        raise BadAddress(f"printer address {address!r}: use tcp:, serial:, usb:, file: or none")
    opener = kinds[kind](rest)

    def open_line() -> Line:
        try:
            return opener()
        except OSError as error:
            raise NoPrinter(f"{address}: {error.strerror or error}") from error

    return open_line


def _none(_: str) -> Callable[[], Line]:
    def refuse() -> Line:
        raise NoPrinter("this kiosk has no printer")

    return refuse


def line_baud(address: str) -> int | None:
    """The baud of a serial address; none for lines that are faster than any printer."""
    if not address.startswith("serial:"):
        return None
    return _serial_options(address.partition("?")[2])[0]


class _Descriptor:
    """Any line that the kernel shows as a non-blocking file descriptor."""

    def __init__(self, fd: int, farewell: Callable[[bool], None], answers: bool = True) -> None:
        self._fd, self._farewell, self._answers = fd, farewell, answers

    def send(self, data: bytes, seconds: float) -> int:
        if not _ready(self._fd, select.POLLOUT, seconds):
            return 0
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0

    def hear(self, seconds: float) -> bytes:
        if not self._answers or not _ready(self._fd, select.POLLIN, seconds):
            return b""
        try:
            data = os.read(self._fd, 64)
        except BlockingIOError:
            return b""
        if not data:
            raise ConnectionResetError("the printer closed the line")
        return data

    def close(self, drop: bool) -> None:
        self._farewell(drop)


def _ready(fd: int, event: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(fd, event)
    return bool(poll.poll(max(0.0, seconds) * 1000))


# --- TCP ---


def _tcp(rest: str) -> Callable[[], Line]:
    try:
        parts = urlsplit(f"tcp:{rest}")
        host, port = parts.hostname, parts.port or 9100
    except ValueError as error:
        raise BadAddress(f"printer address tcp:{rest}: {error}") from error
    if not host:
        raise BadAddress(f"printer address tcp:{rest}: no host")
    return partial(_open_tcp, host, port)


def _open_tcp(host: str, port: int) -> Line:
    peer = socket.create_connection((host, port), CONNECT_S)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.setblocking(False)
    return _Descriptor(peer.fileno(), lambda drop: _leave(peer, drop))


def _leave(peer: socket.socket, drop: bool) -> None:
    """Says good-bye so that a late answer does not reset the connection under the end of the ticket."""
    try:
        if drop:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            peer.shutdown(socket.SHUT_WR)
            peer.settimeout(FAREWELL_S)
            until = time.monotonic() + FAREWELL_S
            while time.monotonic() < until and peer.recv(64):
                pass
    except OSError:
        pass
    finally:
        peer.close()


# --- serial ---


def _serial_options(query: str) -> tuple[int, str]:
    options = parse_qs(query)
    try:
        baud = int(options.get("baud", ["115200"])[0])
    except ValueError as error:
        raise BadAddress(f"serial printer: baud is not a number in {query!r}") from error
    flow = options.get("flow", ["rtscts"])[0]
    if flow not in ("rtscts", "xonxoff", "none"):
        raise BadAddress(f"serial printer: flow={flow} is none of rtscts, xonxoff, none")
    return baud, flow


def _serial(rest: str) -> Callable[[], Line]:
    path, _, query = rest.partition("?")
    baud, flow = _serial_options(query)
    return partial(_open_serial, path, baud, flow)


def _open_serial(path: str, baud: int, flow: str) -> Line:
    port = serial.Serial(
        path,
        baud,
        timeout=0,
        write_timeout=0,
        rtscts=flow == "rtscts",
        xonxoff=flow == "xonxoff",
    )

    def farewell(drop: bool) -> None:
        if drop:  # else the kernel waits up to 30 s for a printer that holds back
            port.reset_output_buffer()
        port.close()

    return _Descriptor(port.fileno(), farewell)


# --- files and kernel printer nodes ---


def _file(rest: str) -> Callable[[], Line]:
    return partial(_open_file, Path(rest))


def _open_file(path: Path) -> Line:
    node = path.exists() and stat.S_ISCHR(path.stat().st_mode)
    if node:
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
    else:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    return _Descriptor(fd, lambda drop: os.close(fd), answers=node)


# --- USB ---


def _usb(rest: str) -> Callable[[], Line]:
    vendor, _, more = rest.partition(":")
    product, _, port = more.partition(":")
    try:
        return partial(_open_usb, int(vendor, 16), int(product, 16), port)
    except ValueError as error:
        raise BadAddress(f"printer address usb:{rest}: ids are hexadecimal, 04b8:0e28") from error


def _open_usb(vendor: int, product: int, port: str) -> Line:
    node = kernel_node(vendor, product, port)
    return _open_file(node) if node else _UsbLine(vendor, product, port)


def kernel_node(
    vendor: int, product: int, port: str, classes: Path = Path("/sys/class/usbmisc")
) -> Path | None:
    """The /dev/usb/lp… of a USB printer that the kernel's own driver has taken, if it has."""
    for entry in sorted(classes.glob("lp*")):
        device = (entry / "device").resolve().parent
        try:
            ids = [int((device / name).read_text(), 16) for name in ("idVendor", "idProduct")]
        except (OSError, ValueError):
            continue
        if ids == [vendor, product] and port in ("", device.name):
            return Path("/dev/usb") / entry.name
    return None


class _UsbLine:
    """A printer of the vendor class (Epson PID 0202 …), which no kernel driver serves; needs pyusb.

    One packet at a time: a packet goes whole or not at all, so a time-out never loses half a chunk.
    """

    def __init__(self, vendor: int, product: int, port: str) -> None:
        try:
            import usb.core
            import usb.util
            from escpos.printer import Usb
        except ImportError as error:
            raise NoPrinter(
                f"no /dev/usb/lp… for {vendor:04x}:{product:04x}; without one it needs pyusb"
            ) from error
        self._usb = usb.core

        def same_port(device: Any) -> bool:
            numbers = ".".join(map(str, device.port_numbers or ()))
            return port in ("", f"{device.bus}-{numbers}")

        wanted: dict[str, Any] = {"idVendor": vendor, "idProduct": product}
        try:
            found = usb.core.find(custom_match=same_port, **wanted)
            if found is None:
                raise NoPrinter(f"no USB device {vendor:04x}:{product:04x} at {port or 'any port'}")
            self._out, self._in = _endpoints(found, usb.util)
            self._printer = Usb(usb_args={"custom_match": same_port, **wanted})
            self._printer.open()
        except (usb.core.NoBackendError, usb.core.USBError) as error:
            raise NoPrinter(f"USB: {error}") from error

    def send(self, data: bytes, seconds: float) -> int:
        device, end = self._printer.device, self._out
        sent = 0
        while sent < len(data):
            packet = data[sent : sent + end.wMaxPacketSize]
            try:
                sent += device.write(end.bEndpointAddress, packet, _ms(seconds))
            except self._usb.USBTimeoutError:
                break
        return sent

    def hear(self, seconds: float) -> bytes:
        if self._in is None:
            return b""
        try:
            device = self._printer.device
            return bytes(
                device.read(self._in.bEndpointAddress, self._in.wMaxPacketSize, _ms(seconds))
            )
        except self._usb.USBTimeoutError:
            return b""

    def close(self, drop: bool) -> None:
        self._printer.close()


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _endpoints(device: Any, util: Any) -> tuple[Any, Any]:
    """The bulk endpoints of the printer's interface: their numbers differ from maker to maker."""
    for interface in device.get_active_configuration():
        if interface.bInterfaceClass not in (USB_PRINTER_CLASS, USB_VENDOR_CLASS):
            continue
        by_way = {
            util.endpoint_direction(end.bEndpointAddress): end
            for end in interface
            if util.endpoint_type(end.bmAttributes) == util.ENDPOINT_TYPE_BULK
        }
        if util.ENDPOINT_OUT in by_way:
            return by_way[util.ENDPOINT_OUT], by_way.get(util.ENDPOINT_IN)
    raise NoPrinter("this USB device has no printer interface")
