// What the staff's pages do in the browser: keys that work from any field, clocks that tick, the caller window.
(() => {
  const centre = { now: 0, loaded: 0, speed: 1, offset: 420, minutes: "{n}'" };
  const EDITABLE = "input, textarea, [contenteditable=true]";
  const FAR_MS = 3600000;

  const now = () => centre.now + (Date.now() - centre.loaded) * centre.speed;
  const two = (n) => String(n).padStart(2, "0");

  function written(element) {
    if (element.dataset.form === "clock") {
      const wall = new Date(now() + centre.offset * 60000);
      return `${two(wall.getUTCHours())}:${two(wall.getUTCMinutes())}`;
    }
    const spent = Math.max(0, now() - Number(element.dataset.since));
    if (element.dataset.form === "min") {
      return centre.minutes.replace("{n}", Math.floor(spent / 60000));
    }
    const seconds = Math.floor(spent / 1000);
    const short = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    return spent < FAR_MS ? short : `${Math.floor(spent / FAR_MS)}:${short}`;
  }

  function tick() {
    for (const element of document.querySelectorAll(".mc-clock")) {
      const text = written(element);
      if (element.textContent !== text) element.textContent = text;
      const late = element.dataset.late;
      if (late) {
        element.classList.toggle("mc-late", now() - Number(element.dataset.since) > late * 60000);
      }
    }
  }

  // --- keys ---

  const nameOf = (e) =>
    (e.ctrlKey ? "Ctrl+" : "") + (e.altKey ? "Alt+" : "") + (e.shiftKey ? "Shift+" : "") +
    (e.key.length === 1 ? e.key.toUpperCase() : e.key);

  function pressed(e) {
    const name = nameOf(e);
    const button = document.querySelector(`[data-key~="${CSS.escape(name)}"]`);
    if (!button) return;
    const writing = e.target.closest?.(EDITABLE);
    if (writing && !/F\d+$/.test(name)) return; // Ctrl+Z in a field undoes the typing
    e.preventDefault();
    e.stopPropagation();
    if (e.repeat || document.querySelector(".q-dialog")) return;
    button.click();
  }

  // --- the caller window ---

  async function openCaller(url) {
    const size = { width: 340, height: 232 };
    if ("documentPictureInPicture" in window) {
      try {
        const small = await documentPictureInPicture.requestWindow(size);
        const inside = small.document.createElement("iframe");
        inside.src = url;
        inside.style.cssText = "position:fixed;inset:0;width:100%;height:100%;border:0";
        small.document.body.append(inside);
        inside.addEventListener("load", () => inside.contentWindow.focus());
        return;
      } catch { /* not allowed here: an ordinary small window */ }
    }
    window.open(url, "motcua-caller", `popup,width=${size.width},height=${size.height}`);
  }

  // --- start ---

  function start([at, speed, offset, minutes]) {
    Object.assign(centre, { now: at, loaded: Date.now(), speed, offset, minutes });
    setInterval(tick, 1000);
    new MutationObserver(tick).observe(document.body, { childList: true, subtree: true });
    document.addEventListener("keydown", pressed, true);
    const words = document.getElementById("mc-words").dataset;
    const [lost, retry] = document.querySelectorAll("#popup span");
    if (retry) [lost.textContent, retry.textContent] = [words.lost, words.retry];
    tick();
  }

  const shown = () => document.querySelector("[data-shown]")?.dataset.shown ?? "";
  const field = () => document.querySelector(".mc-codes textarea")?.focus();

  window.motcua = { start, shown, field, openCaller };
})();
