"""In place of MicroPython's `umqtt.simple`: the same calls; the test carries the messages to a real broker."""

import binascii
import json

import host

GONE = 104


class Socket:
    def read(self, size):
        """All that is read is read by the test."""

    def write(self, data):
        """All that is written is written by the test."""

    def close(self):
        pass

    def settimeout(self, seconds):
        pass


class MQTTClient:
    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0, ssl=None):
        self.sock = None
        self.pid = 0
        self._how = {
            "client_id": client_id.decode(),
            "host": server,
            "port": port,
            "user": user and user.decode(),
            "password": password and password.decode(),
            "keepalive": keepalive,
        }

    def set_callback(self, heard):
        self._heard = heard

    def connect(self, clean_session=True, timeout=None):
        self.sock = Socket()
        self._how["clean_session"] = clean_session
        if not host.mqtt_connect(json.dumps(self._how)):
            raise OSError(GONE)

    def subscribe(self, topic, qos=0):
        self._say("subscribe", topic, b"", qos)

    def publish(self, topic, message, retain=False, qos=0):
        self._say("publish", topic, message, qos)

    def ping(self):
        self._say("ping", b"", b"", 0)

    def check_msg(self):
        self.sock.setblocking(False)
        told = host.mqtt_heard()
        self.sock.setblocking(True)
        if told == "gone":
            raise OSError(GONE)
        if told:
            topic, message = json.loads(told)
            self._heard(topic.encode(), binascii.unhexlify(message))

    def _say(self, what, topic, message, qos):
        if not host.mqtt_say(what, topic.decode(), binascii.hexlify(message).decode(), qos):
            raise OSError(GONE)
