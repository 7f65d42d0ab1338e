"""HTTP to the centre: one way for all that a kiosk asks of it, with the centre's own certificate."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from dataclasses import dataclass, field
from email.message import Message

from queue_server.wire.link import Credentials


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Message = field(default_factory=Message)


class Centre:
    """Asks the centre's web door; from any thread."""

    def __init__(self, own: Credentials) -> None:
        self._own = own
        self._context = ssl.create_default_context(cadata=own.ca) if own.ca else None

    def ask(
        self,
        path: str,
        body: bytes | None = None,
        *,
        within: float,
        largest: int,
        as_device: bool = False,
        headers: dict[str, str] | None = None,
        method: str | None = None,
    ) -> Answer:
        """What it answers, whatever the status: at most `largest` bytes. Raises OSError when it does not."""
        asked = dict(headers or {})
        if as_device:
            given = f"{self._own.username}:{self._own.password}".encode()
            asked["Authorization"] = f"Basic {b64encode(given).decode()}"
        if body is not None:
            asked["Content-Type"] = "application/octet-stream"
        try:
            request = urllib.request.Request(
                f"{self._own.web.rstrip('/')}{path}", data=body, headers=asked, method=method
            )
            with urllib.request.urlopen(request, timeout=within, context=self._context) as answer:
                return Answer(answer.status, answer.read(largest), answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read(largest), error.headers)
        except ValueError as error:
            raise OSError("no address of the centre") from error
        except http.client.HTTPException as error:
            raise OSError(f"no answer that can be read: {type(error).__name__}") from error
