// Runs the compiled firmware in real MicroPython. What the terminal hears, says and shows goes through
// standard input and output, one JSON object a line; its press log is a file of this machine.
//
//   node run.mjs BUILD SETTINGS LOG     a terminal, until standard input ends
//   node run.mjs BUILD SETTINGS LOG FLASH   the same, with the set of files that FLASH (a folder) says
//   node run.mjs BUILD check PROGRAM    PROGRAM (Python) once; it gets the line from standard input as `given`
//
// A terminal on Wi-Fi finds the modules of shim/ in place of those of an ESP32; the test carries its messages.
//
// In:  {"wifi": bool} {"broker": bool} {"message": [topic, hex]}
//      {"rx": hex} {"buttons": bits} {"battery": percent} {"log_fails": bool} {"cut_after": bytes} {"cut_at": changes}
// Out: {"ready": true} {"tx": hex} {"lamp": colour} {"buzz": bool} {"chips": hex} {"resting": true} {"restart": true}
//      {"mqtt": "connect" or "subscribe" or "publish", …} {"joined": network}
// "cut_after": the power goes when so many bytes of the next write to the log have reached the flash.
// "cut_at": the power goes at so many changes of the flash from now on, in the middle of it if it is a write.
// "restart": it starts anew; the process ends, and another one is to be started. So it does when a set on trial stops.
// "resting": said once after {"buttons": 0}, when a further press of the same button would be taken.

import fs from "node:fs";
import readline from "node:readline";
import { hostFlash } from "./flash.mjs";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

const [build, what, where, flash] = process.argv.slice(2);

function say(told) {
  fs.writeSync(1, JSON.stringify(told) + "\n");
}

const machine = { rx: "", buttons: 0, battery: 255, logFails: false, cutAfter: -1, cutAt: -1, log: -1, quiet: null };
const air = { wifi: false, reachable: process.env.BROKER === "1", connected: false, messages: [] };

function restart() {
  say({ restart: true });
  process.exit(0);
}

function changes(half = () => {}) {
  machine.cutAt -= 1;
  if (machine.cutAt !== 0) return;
  half();
  process.kill(process.pid, "SIGKILL");
}

const host = {
  settings: () => fs.readFileSync(what, "utf8"),
  now: () => Math.floor(performance.now()),
  take: () => {
    const taken = machine.rx;
    machine.rx = "";
    return taken;
  },
  tx: (hex) => say({ tx: hex }),
  lamp: (colour) => say({ lamp: colour }),
  buzz: (on) => say({ buzz: on }),
  chips: (hex) => say({ chips: hex }),
  restart,
  wifi_join: (network, password) => {
    air.wifi = true;
    say({ joined: network, password });
  },
  wifi_joined: () => air.wifi,
  mqtt_connect: (how) => {
    air.messages = [];
    air.connected = air.wifi && air.reachable;
    if (air.connected) say({ mqtt: "connect", ...JSON.parse(how) });
    return air.connected;
  },
  mqtt_say: (what, topic, hex, qos) => {
    if (air.connected) say({ mqtt: what, topic, hex, qos });
    return air.connected;
  },
  mqtt_heard: () => {
    if (!air.connected) return "gone";
    return air.messages.length ? JSON.stringify(air.messages.shift()) : "";
  },
  buttons: () => machine.buttons,
  battery: () => machine.battery,
  log_open: () => {
    machine.log = fs.openSync(where, fs.existsSync(where) ? "r+" : "w+");
  },
  log_read: (offset, size) => {
    const data = Buffer.alloc(size);
    return data.subarray(0, fs.readSync(machine.log, data, 0, size, offset)).toString("hex");
  },
  log_write: (offset, hex) => {
    if (machine.logFails) return false;
    const data = Buffer.from(hex, "hex");
    const whole = machine.cutAfter < 0;
    fs.writeSync(machine.log, data, 0, whole ? data.length : machine.cutAfter, offset);
    if (!whole) process.kill(process.pid, "SIGKILL");
    return true;
  },
};

function hear(told) {
  if ("wifi" in told) air.wifi = told.wifi;
  if ("broker" in told) air.reachable = told.broker;
  air.connected &&= air.wifi && air.reachable;
  if ("message" in told && air.connected) air.messages.push(told.message);
  if ("rx" in told) machine.rx += told.rx;
  if ("buttons" in told) {
    machine.buttons = told.buttons;
    machine.quiet = told.buttons ? null : host.now() + 500;
  }
  if ("battery" in told) machine.battery = told.battery;
  if ("log_fails" in told) machine.logFails = told.log_fails;
  if ("cut_after" in told) machine.cutAfter = told.cut_after;
  if ("cut_at" in told) machine.cutAt = told.cut_at;
}

function copy(python, from, to) {
  python.FS.mkdirTree(to);
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const { name } = entry;
    if (entry.isFile()) python.FS.writeFile(`${to}/${name}`, fs.readFileSync(`${from}/${name}`));
    else copy(python, `${from}/${name}`, `${to}/${name}`);
  }
}

async function micropython() {
  const python = await loadMicroPython({ heapsize: 512 * 1024, linebuffer: true, stdout: (line) => say({ said: line }) });
  python.registerJsModule("host", host);
  copy(python, build, "/lib/firmware");
  copy(python, new URL("shim", import.meta.url).pathname, "/shim");
  python.runPython("import sys; sys.path[:] = ['/lib', '/shim']");
  return python;
}

async function check() {
  const python = await micropython();
  python.registerJsModule("test", { given: fs.readFileSync(0, "utf8"), found: (text) => fs.writeSync(1, text) });
  python.runPython(fs.readFileSync(where, "utf8"));
}

function started(python) {
  python.runPython("from firmware.run import Machine\nfrom firmware.board import Board\nstep = Machine(Board()).step");
  return python.globals.get("step");
}

// What main.py does on a board, as far as it can be done step by step.
function fromFlash(python) {
  python.FS.mount(hostFlash(python.FS, flash, changes), {}, "/flash");
  python.runPython("import firmware.sets\nkept = firmware.sets.Sets('/flash/')\nsys.path[:] = [kept.start(), '/shim']");
  python.runPython("for name in list(sys.modules):\n    if name.startswith('firmware'):\n        del sys.modules[name]");
  return guarded(() => started(python));
}

function guarded(run) {
  try {
    return run();
  } catch (error) {
    say({ said: String(error) });
    restart();
  }
}

async function terminal() {
  const python = await micropython();
  python.FS.mkdir("/flash");
  const step = flash ? fromFlash(python) : started(python);
  readline
    .createInterface({ input: process.stdin })
    .on("line", (line) => hear(JSON.parse(line)))
    .on("close", () => process.exit(0));
  say({ ready: true });
  setInterval(() => {
    if (flash) guarded(step);
    else step();
    if (machine.quiet !== null && host.now() >= machine.quiet) {
      machine.quiet = null;
      say({ resting: true });
    }
  }, 1);
}

await (what === "check" ? check() : terminal());
