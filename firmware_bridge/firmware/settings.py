"""What makes this terminal itself: role, address, speed and key, in a file that the technician puts there."""

import binascii
import hashlib
import json

from .frame import KEY_BYTES

HIGHEST_ADDRESS = 247


class SettingsWrong(Exception):
    """One line for the technician who looks at the serial console."""


class Settings:
    """`role`: rating, keypad or display. `key_id` names the key without telling it."""

    def __init__(self, role: str, address: int, baud: int, key: bytes) -> None:
        self.role = role
        self.address = address
        self.baud = baud
        self.key = key
        self.key_id = binascii.hexlify(hashlib.sha256(b"terminal key id" + key).digest())[
            :16
        ].decode()


def read(text: str) -> Settings:
    """`{"role": "rating", "address": 1, "baud": 115200, "key": "64 hexadecimal digits"}`. Raises SettingsWrong."""
    try:
        told = json.loads(text)
        role, address, key = told["role"], told["address"], binascii.unhexlify(told["key"])
        baud = told.get("baud", 115200)
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
    return Settings(role, address, baud, key)
