// A visitor's own ticket keeps itself up to date; without this script the page asks again by itself.
"use strict";

const place = document.getElementById("ticket");
const status = () => place.querySelector("[data-status]")?.dataset.status;
let source = null;

function draw(html) {
  const before = status();
  place.innerHTML = html; // made by our own server from the page's own template
  if (before !== "called" && status() === "called") navigator.vibrate?.([400, 200, 400, 200, 400]);
}

function connect() {
  source?.close();
  source = new EventSource(place.dataset.events);
  source.addEventListener("ticket", (message) => draw(message.data));
  source.addEventListener("gone", () => location.reload());
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 15_000);
  };
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && source.readyState !== EventSource.OPEN) connect();
});
connect();
