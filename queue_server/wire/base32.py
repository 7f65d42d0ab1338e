"""Letters that people read out and type: Crockford's base32, for enrolment codes and keys on paper."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No I, L, O (read as 1, 1, 0) and no U."""
READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0", **dict.fromkeys(" \t\r\n-_.·", "")})
"""What is typed, as it was meant; capitals first."""


def base32(raw: bytes) -> str:
    """As many letters as the bytes' bits fill."""
    bits = "".join(f"{byte:08b}" for byte in raw)
    usable = len(bits) - len(bits) % 5
    return "".join(ALPHABET[int(bits[i : i + 5], 2)] for i in range(0, usable, 5))
