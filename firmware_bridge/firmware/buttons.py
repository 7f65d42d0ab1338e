"""Buttons by sampling: interrupts come late while the flash is being written, and each bounce would be one."""

STABLE_MS = 25
STABLE_SAMPLES = 3
QUIET_MS = 400
"""After its release the same button is deaf for so long: a second press of an eager finger is one press."""
HELD_MS = 1000

PRESSED = 0
HELD = 1


class _Button:
    def __init__(self) -> None:
        self.down = False
        self.raw = False
        self.raw_since = 0
        self.samples = 0
        self.down_since = 0
        self.deaf_until = 0
        self.taken = False
        self.told_held = False


class Buttons:
    """`sample` with the buttons that are down as bits (bit 0 is button 1), every few ms."""

    def __init__(self, how_many: int) -> None:
        self._buttons = [_Button() for _ in range(how_many)]

    def sample(self, bits: int, now: int) -> list[tuple[int, int]]:
        """What has happened: (PRESSED or HELD, button from 1 on). A stuck button is pressed once."""
        found = []
        for place, button in enumerate(self._buttons):
            happened = _look(button, bool(bits >> place & 1), now)
            if happened is not None:
                found.append((happened, place + 1))
        return found


def _look(button: _Button, raw: bool, now: int) -> "int | None":
    if raw != button.raw:
        button.raw, button.raw_since, button.samples = raw, now, 0
    button.samples += 1
    stable = now - button.raw_since >= STABLE_MS and button.samples >= STABLE_SAMPLES
    if stable and raw != button.down:
        return _turn(button, now)
    if button.taken and not button.told_held and now - button.down_since >= HELD_MS:
        button.told_held = True
        return HELD
    return None


def _turn(button: _Button, now: int) -> "int | None":
    button.down = button.raw
    if not button.down:
        button.deaf_until, button.taken = now + QUIET_MS, False
        return None
    button.down_since, button.told_held = now, False
    button.taken = now >= button.deaf_until
    return PRESSED if button.taken else None
