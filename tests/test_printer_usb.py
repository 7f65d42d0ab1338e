"""A bare USB printer (vendor class, no kernel node): found endpoints, whole packets, confirmed prints."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from kiosk.pretend_printer import Engine, State
from kiosk.printer import Printer, PrinterSettings, PrintState

pytest.importorskip("usb.core", reason="pyusb is not installed")

import usb.backend
import usb.core

BULK_OUT, BULK_IN = 0x03, 0x84
PACKET = 64


class PretendBus(usb.backend.IBackend):  # type: ignore[misc]
    """One printer on a bus, with the endpoints that its maker happened to choose."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.tickets: list[Image.Image] = []
        self.answers = bytearray()
        self.longest = 0
        self.engine = Engine(state, self.answers.extend, self.tickets.append)

    def enumerate_devices(self) -> Any:
        return iter([1])

    def get_parent(self, dev: Any) -> None:
        return None

    def get_device_descriptor(self, dev: Any) -> Any:
        return SimpleNamespace(
            bLength=18, bDescriptorType=1, bcdUSB=0x200, bDeviceClass=0, bDeviceSubClass=0,
            bDeviceProtocol=0, bMaxPacketSize0=64, idVendor=0x04B8, idProduct=0x0202,
            bcdDevice=1, iManufacturer=0, iProduct=0, iSerialNumber=0, bNumConfigurations=1,
            bus=1, address=5, port_number=4, port_numbers=(1, 4), speed=2,
        )  # fmt: skip

    def get_configuration_descriptor(self, dev: Any, config: int) -> Any:
        if config:
            raise IndexError
        return SimpleNamespace(
            bLength=9, bDescriptorType=2, wTotalLength=32, bNumInterfaces=1,
            bConfigurationValue=1, iConfiguration=0, bmAttributes=0xC0, bMaxPower=1,
            extra_descriptors=[],
        )  # fmt: skip

    def get_interface_descriptor(self, dev: Any, intf: int, alt: int, config: int) -> Any:
        if intf or alt:
            raise IndexError
        return SimpleNamespace(
            bLength=9, bDescriptorType=4, bInterfaceNumber=0, bAlternateSetting=0,
            bNumEndpoints=2, bInterfaceClass=255, bInterfaceSubClass=0,
            bInterfaceProtocol=0, iInterface=0, extra_descriptors=[],
        )  # fmt: skip

    def get_endpoint_descriptor(self, dev: Any, ep: int, intf: int, alt: int, config: int) -> Any:
        return SimpleNamespace(
            bLength=7, bDescriptorType=5, bEndpointAddress=(BULK_OUT, BULK_IN)[ep],
            bmAttributes=2, wMaxPacketSize=PACKET, bInterval=0, bRefresh=0,
            bSynchAddress=0, extra_descriptors=[],
        )  # fmt: skip

    def open_device(self, dev: Any) -> Any:
        return dev

    def get_configuration(self, handle: Any) -> int:
        return 1

    def bulk_write(self, handle: Any, ep: int, intf: int, data: Any, timeout: int) -> int:
        assert ep == BULK_OUT
        self.longest = max(self.longest, len(data))
        self.engine.feed(bytes(data))
        return len(data)

    def bulk_read(self, handle: Any, ep: int, intf: int, buff: Any, timeout: int) -> int:
        if not self.answers:
            raise usb.core.USBTimeoutError("nothing said", -7, 110)
        said = bytes(self.answers[: len(buff)])
        del self.answers[: len(said)]
        buff[: len(said)] = type(buff)("B", said)
        return len(said)

    def close_device(self, handle: Any) -> None: ...
    def set_configuration(self, handle: Any, value: int) -> None: ...
    def claim_interface(self, handle: Any, intf: int) -> None: ...
    def release_interface(self, handle: Any, intf: int) -> None: ...
    def reset_device(self, handle: Any) -> None: ...


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> PretendBus:
    bus = PretendBus(State())
    monkeypatch.setattr("usb.backend.libusb1.get_backend", lambda: bus)
    return bus


def test_a_vendor_class_printer_prints_and_confirms_in_whole_packets(bus: PretendBus) -> None:
    image = Image.linear_gradient("L").resize((576, 400)).convert("1")

    outcome = Printer(PrinterSettings(address="usb:04b8:0202:1-1.4")).print_ticket(image)

    assert outcome.state is PrintState.CONFIRMED
    assert bus.tickets[0].tobytes() == image.tobytes()
    assert bus.longest <= PACKET


def test_a_device_at_another_port_is_not_this_printer(bus: PretendBus) -> None:
    status = Printer(PrinterSettings(address="usb:04b8:0202:1-1.7")).status()

    assert status.word == "no_printer"
