// Tells the kernel that somebody is looking, and the reader when the kernel no longer answers.
function render({ model, el }) {
  const every = model.get("every") * 1000;
  let heard = performance.now();
  el.className = "hl-presence";
  el.setAttribute("role", "alert");
  const hear = (message) => {
    if (!message.pong) return;
    heard = performance.now();
    el.replaceChildren();
  };
  const ping = () => {
    try {
      model.send({ ping: 1, hidden: document.hidden });
    } catch {
      heard = Math.min(heard, performance.now() - 4 * every); // the line is closed: nobody will answer
    }
    const quiet = Math.floor((performance.now() - heard) / 1000);
    if (document.hidden || quiet * 1000 < 4 * every) return;
    const link = document.createElement("a");
    link.href = "";
    link.textContent = "Reload";
    const note = document.createElement("div");
    note.className = "hl-callout hl-error";
    note.append(`No answer from the kernel for ${quiet} s: it is busy, or the session has ended. `, link);
    el.replaceChildren(note);
  };
  const shown = () => {
    if (document.hidden) return;
    heard = performance.now();
    ping();
  };
  const timer = setInterval(ping, every);
  const stop = () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", shown);
    model.off("msg:custom", hear);
  };
  model.on("msg:custom", hear);
  document.addEventListener("visibilitychange", shown);
  globalThis.addEventListener("beforeunload", stop, { once: true }); // the kernel ends with the page
  ping();
  return stop;
}

export default { render };
