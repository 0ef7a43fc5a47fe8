// Player of a replay: slider, play, steps and read-out. It moves the cursor of a Bokeh figure on the same page, which
// holds every state already; the kernel is only told where it ended up.
const TELL = 200; // milliseconds between two reports to the kernel
const HOUR = 3600000;
const SPEEDS = [["6 hours a second", 6], ["1 day a second", 24], ["3 days a second", 72], ["1 week a second", 168]];

// Documents of the page that hold the figure, whichever BokehJS drew them.
function documents(id) {
  const page = globalThis.Bokeh;
  const libraries = page ? [page, ...Object.keys(page).filter((key) => /^\d/.test(key)).map((key) => page[key])] : [];
  const all = new Set(libraries.flatMap((one) => [...(one?.documents ?? [])]));
  return [...all].filter((one) => one.get_model_by_id(id));
}

const stamp = (time) => new Date(time).toISOString().slice(0, 16).replace("T", " ") + " UTC";
const known = (value) => value != null && Number.isFinite(value);
const fixed = (value, digits) => (known(value) ? value.toFixed(digits) : "\u2013");
const money = (value) => {
  if (!known(value)) return "\u2013";
  const size = Math.abs(value), sign = value < 0 ? "\u2212" : "";
  for (const [limit, unit] of [[1e9, "B"], [1e6, "M"], [1e3, "k"]]) if (size >= limit) return `${sign}$${(size / limit).toPrecision(3)}${unit}`;
  return `${sign}$${size.toFixed(0)}`;
};
const ZONES = { "1": ["\u25b2 green", "hl-good"], "0": ["\u25cf amber", "hl-amber"], "-1": ["\u25bc red", "hl-bad"] };

function render({ model, el }) {
  const make = (tag, kind, parent, text = "") => {
    const node = document.createElement(tag);
    node.className = kind;
    node.textContent = text;
    parent.append(node);
    return node;
  };
  el.classList.add("hl-replay");
  const bar = make("div", "hl-replay-bar", el);
  const button = (text, label, act) => {
    const made = make("button", "hl-button", bar, text);
    made.type = "button";
    made.title = label;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  };
  let row = 0, time = [], playing = 0, timer, poll;
  button("\u2212 1 d", "One day back (Page Down)", () => seek(-24 * HOUR));
  button("\u2212 1 h", "One hour back (Left arrow)", () => step(-1));
  const play = button("\u25b6 Play", "Play or pause (Space)", () => toggle());
  play.classList.add("hl-replay-play");
  button("+ 1 h", "One hour on (Right arrow)", () => step(1));
  button("+ 1 d", "One day on (Page Up)", () => seek(24 * HOUR));
  const speed = make("select", "hl-replay-speed", bar);
  speed.setAttribute("aria-label", "Speed");
  for (const [text, value] of SPEEDS) Object.assign(make("option", "", speed, text), { value });
  speed.value = "24";
  const clock = make("output", "hl-replay-clock", bar);
  const track = make("div", "hl-replay-track", el);
  const slider = make("input", "hl-replay-slider", track);
  Object.assign(slider, { type: "range", min: 0, step: 1 });
  slider.setAttribute("aria-label", "Hour of the replay");
  const facts = make("div", "hl-figures hl-replay-facts", el);
  const fact = (name) => {
    const box = make("div", "hl-figure", facts);
    make("div", "hl-figure-name", box, name);
    return make("div", "hl-figure-value", box);
  };
  const shown = {
    heat: fact("Book heat"), zones: fact("\u25b2 / \u25cf / \u25bc readings"), bets: fact("Effective bets"),
    volatility: fact("Volatility, 1 d"), value: fact("Profit so far"), drawdown: fact("Below its high"),
  };
  const badge = make("span", "hl-badge", shown.heat);

  const read = () => {
    const at = (name) => hours()?.data[name]?.[row];
    const zone = ZONES[at("zone")];
    clock.textContent = time.length ? stamp(time[row]) : "";
    slider.value = row;
    slider.setAttribute("aria-valuetext", clock.textContent);
    badge.className = `hl-badge ${zone?.[1] ?? ""}`;
    badge.textContent = known(at("book_heat")) ? `${fixed(at("book_heat"), 1)} ${zone?.[0] ?? ""}` : "unknown";
    shown.zones.textContent = ["green", "amber", "red"].map((name) => fixed(at(name), 0)).join(" / ");
    shown.bets.textContent = fixed(at("bets"), 1);
    shown.volatility.textContent = money(at("volatility"));
    shown.value.textContent = money(at("value"));
    shown.drawdown.textContent = money(at("drawdown"));
  };
  const cursors = () => documents(model.get("cursor")).map((one) => one.get_model_by_id(model.get("cursor")));
  const hours = () => documents(model.get("hours"))[0]?.get_model_by_id(model.get("hours"));
  const tell = () => {
    timer = undefined;
    if (model.get("frame") === row) return;
    model.set("frame", row);
    model.save_changes();
  };
  const go = (next, quiet = false) => {
    if (!time.length) return;
    row = Math.min(Math.max(Math.round(next), 0), time.length - 1);
    for (const one of cursors()) one.setv({ location: time[row] }, { sync: false });
    read();
    if (!quiet) timer ??= setTimeout(tell, TELL);
  };
  const nearest = (moment) => {
    let low = 0, high = time.length;
    while (low < high) { const half = (low + high) >> 1; if (time[half] <= moment) low = half + 1; else high = half; }
    return Math.max(low - 1, 0);
  };
  const step = (by) => (pause(), go(row + by));
  const seek = (by) => {
    pause();
    const there = nearest(time[row] + by);
    go(by > 0 ? Math.max(there, row + 1) : Math.min(there, row - 1));
  };
  const pause = () => {
    cancelAnimationFrame(playing);
    playing = 0;
    play.textContent = "\u25b6 Play";
  };
  const toggle = () => {
    if (playing) return pause();
    if (row >= time.length - 1) go(0);
    let last = performance.now(), moment = time[row];
    play.textContent = "\u275a\u275a Pause";
    const tick = (now) => {
      moment += ((now - last) / 1000) * Number(speed.value) * HOUR;
      last = now;
      const next = nearest(moment);
      if (next !== row) go(next);
      if (row >= time.length - 1) return pause();
      playing = requestAnimationFrame(tick);
    };
    playing = requestAnimationFrame(tick);
    return undefined;
  };
  // The slider is as wide as the timelines: a thumb (16 px) stands over its hour.
  const fit = () => {
    const plot = documents(model.get("plot"))[0]?.get_model_by_id(model.get("plot"));
    if (!(plot?.inner_width > 0)) return;
    track.style.marginLeft = `${Math.max(plot.outer_width - plot.inner_width - model.get("right") - 8, 0)}px`;
    track.style.marginRight = `${model.get("right") - 8}px`;
  };
  // A click in the figure moves its cursor: follow it.
  const followed = new Set();
  const follow = () => {
    for (const one of cursors()) {
      if (followed.has(one)) continue;
      followed.add(one);
      one.document.get_model_by_id(model.get("plot"))?.properties.inner_width.change.connect(fit);
      one.properties.location.change.connect(() => {
        const there = nearest(one.location);
        if (there === row || !one.document) return;
        pause();
        row = there;
        read();
        timer ??= setTimeout(tell, TELL);
      });
    }
  };
  const ready = () => {
    const data = hours()?.data.time;
    const first = data?.length ? data[0] : 0;
    if (data?.length !== model.get("count") || first !== model.get("first")) return (poll ??= setInterval(ready, 100));
    clearInterval(poll);
    poll = undefined;
    time = Array.from(data);
    slider.max = Math.max(time.length - 1, 0);
    for (const control of el.querySelectorAll("button, select, input")) control.disabled = time.length < 2;
    follow();
    fit();
    return go(model.get("frame"), true);
  };
  slider.addEventListener("input", () => (pause(), go(Number(slider.value))));
  el.addEventListener("keydown", (event) => {
    const move = { PageUp: () => seek(24 * HOUR), PageDown: () => seek(-24 * HOUR) }[event.key];
    const space = event.key === " " && event.target === slider ? toggle : undefined;
    if (!(move ?? space) || event.target === speed) return;
    event.preventDefault();
    (move ?? space)();
  });
  const framed = () => model.get("frame") !== row && (pause(), follow(), go(model.get("frame"), true));
  const renewed = () => {
    pause();
    clearInterval(poll);
    poll = undefined;
    time = [];
    ready();
  };
  model.on("change:frame", framed);
  model.on("change:generation", renewed);
  ready();
  return () => {
    pause();
    clearInterval(poll);
    clearTimeout(timer);
    model.off("change:frame", framed);
    model.off("change:generation", renewed);
  };
}

export default { render };
