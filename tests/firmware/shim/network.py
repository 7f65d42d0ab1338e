"""In place of MicroPython's `network`: a station whose network the test takes away and brings back."""

import host

STA_IF = 0


class WLAN:
    def __init__(self, interface):
        self._active = False

    def active(self, wanted):
        self._active = wanted

    def connect(self, name, password):
        if not self._active:
            raise OSError("not active")
        host.wifi_join(name, password)

    def isconnected(self):
        return host.wifi_joined()
