// The hall's board: draws each frame that the server sends, and speaks calls one after another.
"use strict";

const FLASH_MS = 10_000; // hardware: a new call stands out for at least 8 s
const STALE_MS = 60_000; // an older call is shown, but not spoken
const GAP_MS = 1_000;
const LONGEST_MS = 45_000;
const FETCH_MS = 7_000;
const SILENCE_MS = 12_000; // no word for so long: the line is dead, whatever the browser thinks
const ROWS = 10;
const TURN_MS = 8_000;

const byId = (id) => document.getElementById(id);
const say = document.body.dataset;
const lang = say.lang;
const second = lang === "vi" ? "en" : "vi";
const text = (node, value) => {
  if (node.textContent !== value) node.textContent = value;
};
const show = (node, visible) => {
  node.hidden = !visible;
};

// --- the centre's clock ---------------------------------------------------------------------------

const clock = { at: 0, heard: 0, speed: 1, offset: 420 };

const now = () => (clock.at ? clock.at + (performance.now() - clock.heard) * clock.speed : Date.now());

function setClock(beat) {
  Object.assign(clock, beat, { heard: performance.now() });
}

function drawClock() {
  const local = new Date(now() + clock.offset * 60_000);
  const part = (options) =>
    new Intl.DateTimeFormat(lang === "vi" ? "vi-VN" : "en-GB", { timeZone: "UTC", ...options }).format(local);
  text(byId("time"), part({ hour: "2-digit", minute: "2-digit", hour12: false }));
  text(byId("date"), part({ weekday: "long", day: "2-digit", month: "2-digit", year: "numeric" }));
}

// --- calls ----------------------------------------------------------------------------------------

const flashUntil = new Map(); // call id → performance.now() at which it has flashed enough
let known = null; // ids of calls that this page has seen; null before the first frame

function row(call) {
  const node = byId("call").content.firstElementChild.cloneNode(true);
  node.dataset.callId = call.id;
  node.dataset.number = call.number;
  node.dataset.counter = call.counter;
  if (call.number.length > 4) node.classList.add("long");
  text(node.querySelector(".number"), call.number);
  text(node.querySelector(".counter"), String(call.counter));
  show(node.querySelector(".again"), call.times > 1);
  return node;
}

function drawCalls(calls) {
  const list = byId("calls");
  const have = new Map([...list.children].map((node) => [node.dataset.callId, node]));
  const wanted = calls.map((call) => have.get(call.id) || row(call));
  for (const [id, node] of have) if (!calls.some((call) => call.id === id)) node.remove();
  wanted.forEach((node, place) => {
    if (list.children[place] !== node) list.insertBefore(node, list.children[place] || null);
  });
  show(byId("none"), calls.length === 0);
  for (const call of calls) flash(call, have.get(call.id) ? null : list);
}

function flash(call, isNew) {
  const left = FLASH_MS - (now() - call.at);
  if (!isNew || left <= 0 || flashUntil.has(call.id)) return;
  const node = byId("calls").querySelector(`[data-call-id="${call.id}"]`);
  node.classList.add("fresh");
  flashUntil.set(call.id, performance.now() + FLASH_MS);
  setTimeout(() => {
    node.classList.remove("fresh");
    flashUntil.delete(call.id);
  }, FLASH_MS);
}

// --- services -------------------------------------------------------------------------------------

let services = [];
let turn = 0;

function about(estimate) {
  if (!estimate) return "";
  const minutes = Math.round(estimate.minutes);
  return minutes < 2 ? say.saySoon : say.sayAbout.replace("#", String(minutes));
}

function below(service) {
  if (service.state === "suspended") return `${say.saySuspended}: ${service.reason}`;
  if (service.state === "closed") return say.sayClosed;
  return about(service.estimate);
}

function drawServices() {
  const list = byId("services");
  const from = services.length > ROWS ? (turn % Math.ceil(services.length / ROWS)) * ROWS : 0;
  const shown = services.slice(from, from + ROWS);
  while (list.children.length > shown.length) list.lastElementChild.remove();
  while (list.children.length < shown.length)
    list.append(byId("service").content.firstElementChild.cloneNode(true));
  shown.forEach((service, place) => {
    const node = list.children[place];
    node.dataset.service = service.id;
    node.dataset.state = service.state;
    text(node.querySelector(".letter"), service.letter);
    text(node.querySelector(".name b"), service.name[lang]);
    text(node.querySelector(".also"), service.name[second]);
    text(node.querySelector(".state"), below(service));
    text(node.querySelector(".waiting"), service.state === "open" || service.waiting ? String(service.waiting) : "–");
  });
}

function drawTake(take) {
  show(byId("take"), take.mode !== "off");
  text(byId("address"), take.address);
  show(byId("code-line"), take.code !== "");
  text(byId("code"), take.code.replace(/^(..)(...)$/, "$1 $2"));
  const qr = byId("qr");
  show(qr, take.qr !== "");
  if (take.qr && qr.getAttribute("src") !== take.qr) qr.src = take.qr;
}

// --- the voice: the rules of CallQueue (queue_server/doors/speech/call_queue.py) -------------------

const speaker = new Audio();
const voice = { on: false, clicked: false, queue: [], busy: false };

function enqueue(call) {
  const waiting = voice.queue.findIndex((other) => other.number === call.number);
  if (waiting < 0) voice.queue.push(call);
  else voice.queue[waiting] = call; // a recall of a number that still waits takes over its place
}

async function speakAll() {
  if (voice.busy) return;
  voice.busy = true;
  while (voice.on && voice.queue.length) {
    const call = voice.queue.shift();
    if (now() - call.at > STALE_MS) continue;
    await speak(call, voice.queue.length > 0);
    await pause(GAP_MS);
  }
  voice.busy = false;
}

async function speak(call, brief) {
  const node = byId("calls").querySelector(`[data-call-id="${call.id}"]`);
  node?.classList.add("spoken");
  try {
    await play(await sound(`/speech/${call.id}.wav${brief ? "?said=1" : ""}`));
    mark("voice-mark", "");
  } catch {
    mark("voice-mark", say.sayVoiceFailed);
    await play(await sound("/speech/chime.wav")).catch(() => {});
  }
  node?.classList.remove("spoken");
}

async function sound(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.blob();
}

async function play(blob) {
  const url = URL.createObjectURL(blob);
  let patience = 0;
  const ended = new Promise((done, failed) => {
    speaker.onended = done;
    speaker.onerror = () => failed(new Error("sound"));
    patience = setTimeout(done, LONGEST_MS);
  });
  speaker.src = url;
  try {
    await Promise.all([speaker.play(), ended]);
  } finally {
    clearTimeout(patience);
    speaker.onended = speaker.onerror = null;
    speaker.removeAttribute("src");
    URL.revokeObjectURL(url);
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function turnVoiceOn(clicked) {
  voice.on = true;
  voice.clicked ||= clicked;
  try {
    await play(await sound("/speech/chime.wav"));
    byId("voice").classList.add("on");
    text(byId("voice"), say.sayVoiceIsOn);
    speakAll();
  } catch (error) {
    // a browser that wants a click first leaves the button as it is; else there is no sound to be had
    if (error.name !== "NotAllowedError") mark("voice-mark", say.sayVoiceFailed);
    voice.on = error.name !== "NotAllowedError";
    if (!voice.on) voice.queue.length = 0;
  }
}

// --- frames ---------------------------------------------------------------------------------------

function mark(id, words) {
  text(byId(id), words);
  show(byId(id), words !== "");
}

function draw(frame) {
  if (frame.version !== say.version && !voice.clicked) return location.reload();
  drawCalls(frame.calls);
  services = frame.services;
  drawServices();
  drawTake(frame.take);
  show(byId("day-over"), frame.day_over);
  mark("connection", frame.fresh ? "" : say.sayAway);
  hear(frame.calls);
}

function hear(calls) {
  const fresh = known ? calls.filter((call) => !known.has(call.id)).reverse() : [];
  known = new Set([...(known || []), ...calls.map((call) => call.id)].slice(-500));
  if (!voice.on) return;
  const gone = new Set(calls.filter((call) => call.over).map((call) => call.number));
  voice.queue = voice.queue.filter((call) => !gone.has(call.number)); // she has come already
  for (const call of fresh) if (!call.over) enqueue(call);
  speakAll();
}

let source = null;
let lastHeard = performance.now();

function connect() {
  source?.close();
  source = new EventSource("/board/events");
  lastHeard = performance.now();
  const on = (name, then) =>
    source.addEventListener(name, (message) => {
      lastHeard = performance.now();
      then(JSON.parse(message.data));
    });
  on("beat", setClock);
  on("board", draw);
  source.onerror = () => {
    mark("connection", say.sayReconnecting);
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2_000);
  };
}

function watch() {
  if (performance.now() - lastHeard < SILENCE_MS) return;
  mark("connection", say.sayReconnecting);
  connect();
}

connect();
drawClock();
setInterval(drawClock, 1_000);
setInterval(watch, 2_000);
setInterval(() => {
  turn += 1;
  if (services.length > ROWS) drawServices();
}, TURN_MS);
if (say.voice === "yes") {
  byId("voice").addEventListener("click", () => turnVoiceOn(true));
  if (new URLSearchParams(location.search).get("voice") === "1") turnVoiceOn(false);
}
