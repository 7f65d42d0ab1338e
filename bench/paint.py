"""Call pressed → painted on the board, in a real browser."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from playwright.sync_api import sync_playwright

from queue_server.up import Centre
from queue_server.wire.link import Credentials, Link
from tests.house import take, taken

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WATCH = """
new Promise((done, failed) => {
  const ids = () => [...document.querySelectorAll('[data-call-id]')].map(x => x.dataset.callId);
  const known = new Set(ids()), until = Date.now() + 15000;
  const look = () => {
    if (ids().some(id => !known.has(id)))
      requestAnimationFrame(() => requestAnimationFrame(() => done(Date.now())));
    else if (Date.now() > until) failed(new Error('no new call on the board'));
    else requestAnimationFrame(look);
  };
  look();
})
"""


class Officer:
    """An officer's own session, over the API."""

    def __init__(self, running: Centre, account: str = "canbo03") -> None:
        self._web = running.web
        self._token = ""
        first = json.loads(running.folder.first_login.read_text())[account]["password"]
        self._token = self.post("/api/session", account=account, password=first)["token"]
        self.post("/api/me/password", old=first, new="một mật khẩu dài")

    def post(self, path: str, **body: Any) -> Any:
        request = urllib.request.Request(
            self._web + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())


def measure_paint(running: Centre, kiosk: Credentials, calls: int) -> list[float]:
    """Seconds from the press (the API's request) to two frames after the number stands on the board."""
    link = Link(kiosk, "bench")
    link.start()
    link.wait_connected(10)
    officer = Officer(running)
    officer.post("/api/orders/open-counter", counter=3)
    times = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        board = browser.new_page(viewport={"width": 1920, "height": 1080})
        board.goto(f"{running.web}/board")
        board.wait_for_timeout(1500)
        for _ in range(calls):
            taken(link.ask("take_ticket", take("ho_tich")).result(20))
            board.evaluate(f"void (window.painted = {WATCH})")
            pressed = board.evaluate("Date.now()")
            ticket = officer.post("/api/orders/call-next", counter=3)["ticket"]
            times.append((board.evaluate("window.painted") - pressed) / 1000)
            officer.post("/api/orders/finish-service", counter=3, ticket=ticket)
        browser.close()
    link.stop()
    return times
