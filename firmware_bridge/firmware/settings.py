"""What makes this terminal itself, in a file that the technician puts there: role, key, and its line or its Wi-Fi."""

import binascii
import hashlib
import json

from .frame import KEY_BYTES

HIGHEST_ADDRESS = 247

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class SettingsWrong(Exception):
    """One line for the technician who looks at the serial console."""


class Wireless:
    """`ca`: a file beside terminal.json; with it the connection is encrypted, and `clock` names an NTP server."""

    def __init__(self, wifi: "dict[str, Any]", broker: "dict[str, Any]") -> None:
        self.network: str = wifi["network"]
        self.network_password: str = wifi.get("password", "")
        self.host: str = broker["host"]
        self.ca: str = broker.get("ca", "")
        self.clock: str = broker.get("clock", "")
        self.port: int = broker.get("port", 8883 if self.ca else 1883)
        self.user: str = broker.get("user", "")
        self.password: str = broker.get("password", "")
        self.prefix: str = broker.get("prefix", "motcua-terminals")
        self.name: str = broker["name"]


class Settings:
    """`role`: rating, keypad or display. `wireless` is None on a line. `key_id` names the key without telling it."""

    def __init__(
        self, role: str, address: int, baud: int, key: bytes, wireless: "Wireless | None" = None
    ) -> None:
        self.role = role
        self.address = address
        self.baud = baud
        self.key = key
        self.wireless = wireless
        self.key_id = binascii.hexlify(hashlib.sha256(b"terminal key id" + key).digest())[
            :16
        ].decode()


def read(text: str) -> Settings:
    """The settings in terminal.json, as docs/terminals.md shows it. Raises SettingsWrong."""
    try:
        told = json.loads(text)
        role, address, key = told["role"], told["address"], binascii.unhexlify(told["key"])
        baud, wifi = told.get("baud", 115200), told.get("wifi")
    except (ValueError, KeyError, TypeError, AttributeError):
        told = None
    if told is None:
        raise SettingsWrong("terminal.json: role, address and key are needed")
    if role not in ("rating", "keypad", "display"):
        raise SettingsWrong("terminal.json: role is rating, keypad or display")
    if not isinstance(address, int) or not 1 <= address <= HIGHEST_ADDRESS:
        raise SettingsWrong("terminal.json: address is 1 to 247")
    if not isinstance(baud, int) or not 1200 <= baud <= 1000000:
        raise SettingsWrong("terminal.json: baud is 1200 to 1000000")
    if len(key) != KEY_BYTES:
        raise SettingsWrong("terminal.json: key has 64 hexadecimal digits")
    wireless = None if wifi is None else _wireless(wifi, told.get("broker"))
    return Settings(role, address, baud, key, wireless)


def _wireless(wifi: "Any", broker: "Any") -> Wireless:
    try:
        own = Wireless(wifi, broker)
    except (KeyError, TypeError, AttributeError):
        own = None
    if own is None:
        raise SettingsWrong("terminal.json: wifi needs network; broker needs host and name")
    names = (own.network, own.host, own.name, own.prefix)
    others = (own.network_password, own.user, own.password, own.ca, own.clock)
    if not all(isinstance(text, str) for text in names + others):
        raise SettingsWrong("terminal.json: all of wifi and broker but port is text")
    if not all(names):
        raise SettingsWrong("terminal.json: network, host, name and prefix are not empty")
    if not isinstance(own.port, int) or not 1 <= own.port <= 65535:
        raise SettingsWrong("terminal.json: broker: port is 1 to 65535")
    if own.ca and not own.clock:
        raise SettingsWrong("terminal.json: broker: ca needs clock, an NTP server")
    return own
