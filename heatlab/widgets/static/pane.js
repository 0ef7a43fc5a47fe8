// A Bokeh document kept in step with the kernel: one binary message per update, nothing echoed back.
const shared = (globalThis.__heatlab_bokeh ??= { queue: Promise.resolve(), loaded: new Set() });
const WAIT = 20000; // milliseconds to wait for the kernel before saying so
const SEND_EVERY = 50; // milliseconds between two uploads of what the reader did (pan, zoom, selection)

const bokeh_of = (version) => {
  const page = globalThis.Bokeh;
  return page?.version === version ? page : page?.[version];
};

const ask = (model, request, accepts) =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      model.off("msg:custom", hear);
    };
    const hear = (message, buffers) => {
      if (!accepts(message)) return;
      stop();
      resolve(buffers);
    };
    const timer = setTimeout(() => {
      stop();
      reject(new Error("no answer from the kernel"));
    }, WAIT);
    model.on("msg:custom", hear);
    model.send(request);
  });

const text_of = (buffer) => new TextDecoder().decode(buffer);

// The page may hold BokehJS already (the Voila template brings it). Else the kernel sends its own copy: never a CDN.
async function bring(model) {
  const version = model.get("version");
  if (bokeh_of(version)) shared.loaded.add(`${version}/bokeh`);
  const missing = model.get("bundles").filter((name) => !shared.loaded.has(`${version}/${name}`));
  if (missing.length) {
    const sources = await ask(model, { need: "bundles", names: missing }, (message) => message.bundles);
    missing.forEach((name, index) => {
      const script = document.createElement("script");
      script.textContent = text_of(sources[index]);
      document.head.append(script);
      script.remove();
      shared.loaded.add(`${version}/${name}`);
    });
  }
  const bokeh = bokeh_of(version);
  if (!bokeh?.embed) throw new Error("BokehJS did not start");
  return bokeh;
}

const load = (model) => (shared.queue = shared.queue.catch(() => {}).then(() => bring(model)));

const array_buffer = (view) =>
  view instanceof ArrayBuffer ? view : view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);

// A layout made while its place is not displayed has no height and may keep none: wait for the place.
const displayed = async (place, over) => {
  while (!over() && !(place.isConnected && place.getClientRects().length && place.clientWidth)) {
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
};

// Keep only the last value of each property: a drag sends its end, not every step of it.
function latest(events) {
  const kept = new Map();
  events.forEach((event, index) => {
    const key = event.kind === "ModelChanged" ? `${event.model.id}/${event.attr}` : index;
    kept.delete(key);
    kept.set(key, event);
  });
  return [...kept.values()];
}

function render({ model, el }) {
  const view = Math.random().toString(36).slice(2);
  const box = document.createElement("div");
  const note = document.createElement("div");
  let bokeh, doc, views, timer;
  let gone = false;
  let opening = false;
  let waiting = [];
  let outgoing = [];

  el.classList.add("hl-pane");
  box.className = "hl-pane-box";
  note.className = "hl-skeleton";
  note.setAttribute("role", "status");
  note.textContent = model.get("waiting");
  el.append(note, box);

  const fail = (what, error) => {
    note.className = "hl-callout hl-error";
    note.setAttribute("role", "alert");
    note.textContent = `${what} (${error?.message ?? error}). Reload the page to try again.`;
    if (!note.isConnected) el.prepend(note);
  };
  const apply = (message, buffers) => {
    const named = new Map(message.ids.map((id, index) => [id, array_buffer(buffers[index])]));
    doc.apply_json_patch(JSON.parse(message.patch), named);
  };
  const hear = (message, buffers) => {
    if (message.failure) return fail("The kernel could not take a change", message.failure);
    if (!message.patch || !opening) return undefined;
    if (!doc) return waiting.push([message, buffers]);
    try {
      apply(message, buffers);
    } catch (error) {
      fail("The chart could not take an update", error);
    }
    return undefined;
  };
  const flush = () => {
    timer = undefined;
    const events = latest(outgoing);
    outgoing = [];
    if (doc && !gone && events.length) model.send({ patch: JSON.stringify(doc.create_json_patch(events)) });
  };
  const changed = (event) => {
    const own = (event.events ?? [event]).filter((one) => one.sync !== false); // false: it came from the kernel
    if (!own.length) return;
    outgoing.push(...own);
    timer ??= setTimeout(flush, SEND_EVERY);
  };
  const open = async () => {
    bokeh = await load(model);
    if (gone) return;
    model.on("msg:custom", hear);
    const accepts = (message) => message.document && message.view === view && (opening = true);
    const [buffer] = await ask(model, { need: "document", view }, accepts);
    await displayed(el, () => gone);
    if (gone) return;
    views = await bokeh.embed.embed_item({ ...JSON.parse(text_of(buffer)), target_id: null }, box);
    doc = (views.roots?.[0] ?? [...views][0]).model.document;
    if (gone) return close();
    note.remove();
    waiting.forEach(([message, buffers]) => apply(message, buffers));
    waiting = [];
    doc.on_change(changed);
    setTimeout(() => {
      if (!gone && el.clientWidth && box.clientHeight < 2) for (const one of [...(views.roots ?? views)]) one.invalidate_layout?.();
    }, 300);
  };
  const close = () => {
    gone = true;
    clearTimeout(timer);
    model.off("msg:custom", hear);
    if (!doc) return;
    doc.remove_on_change(changed);
    const place = bokeh.documents.indexOf(doc);
    if (place >= 0) bokeh.documents.splice(place, 1);
    for (const one of [...(views.roots ?? views)]) one.remove();
    doc.clear();
    doc = undefined;
  };
  globalThis.addEventListener("beforeunload", () => (gone = true), { once: true });
  open().catch((error) => gone || fail("The chart did not load", error));
  return close;
}

export default { render };
