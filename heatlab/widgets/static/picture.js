// A link that saves the figures around it as one PNG: every visible canvas at device pixels, on the page's ground.
const GAP = 12; // CSS pixels around figures and between them
const LINE = 30; // CSS pixels of the line above them

// Every canvas below a node, those in shadow roots included, in the order they are painted.
function* canvases(node) {
  for (const child of node.children ?? []) {
    if (child instanceof HTMLCanvasElement) yield child;
    else yield* canvases(child);
  }
  if (node.shadowRoot) yield* canvases(node.shadowRoot);
}

const visible = (canvas) => {
  const box = canvas.getBoundingClientRect();
  const style = getComputedStyle(canvas);
  return canvas.width > 0 && canvas.height > 0 && box.width > 0 && box.height > 0 && style.visibility !== "hidden" && style.display !== "none";
};

const frame_of = (boxes) => {
  const left = Math.min(...boxes.map((box) => box.left));
  const top = Math.min(...boxes.map((box) => box.top));
  const width = Math.max(...boxes.map((box) => box.right)) - left;
  return { left, top, width, height: Math.max(...boxes.map((box) => box.bottom)) - top };
};

const figures_in = (root) =>
  [...root.querySelectorAll(".hl-pane")]
    .map((pane) => [...canvases(pane)].filter(visible).map((canvas) => ({ canvas, box: canvas.getBoundingClientRect() })))
    .filter((layers) => layers.length)
    .map((layers) => ({ layers, frame: frame_of(layers.map((layer) => layer.box)) }));

const words_above = (root) => {
  const line = root.querySelector("h1")?.closest(".hl-toolbar");
  return line ? [...line.children].map((part) => part.textContent.trim()).filter(Boolean).join("  ·  ") : document.title;
};

function paint(root) {
  const figures = figures_in(root);
  if (!figures.length) return null;
  const ratio = globalThis.devicePixelRatio || 1;
  const style = getComputedStyle(document.documentElement);
  const picture = document.createElement("canvas");
  const width = Math.max(...figures.map(({ frame }) => frame.width)) + 2 * GAP;
  const height = figures.reduce((sum, { frame }) => sum + frame.height + GAP, LINE + GAP);
  picture.width = Math.round(width * ratio);
  picture.height = Math.round(height * ratio);
  const pen = picture.getContext("2d");
  pen.scale(ratio, ratio);
  pen.fillStyle = style.getPropertyValue("--hl-bg").trim() || "#ffffff";
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = style.getPropertyValue("--hl-fg").trim() || "#000000";
  pen.font = "600 13px system-ui, sans-serif";
  pen.fillText(words_above(root), GAP, LINE - GAP / 2, width - 2 * GAP);
  let top = LINE + GAP / 2;
  for (const { layers, frame } of figures) {
    for (const { canvas, box } of layers)
      pen.drawImage(canvas, GAP + box.left - frame.left, top + box.top - frame.top, box.width, box.height);
    top += frame.height + GAP;
  }
  return picture;
}

function render({ model, el }) {
  const link = document.createElement("button");
  link.type = "button";
  link.className = "hl-link hl-download";
  link.textContent = model.get("label");
  link.title = model.get("name");
  const say = (text) => {
    link.textContent = text;
    setTimeout(() => (link.textContent = model.get("label")), 4000);
  };
  const save = (blob) => {
    if (!blob) return say("The browser could not make the picture");
    const anchor = document.createElement("a");
    anchor.href = URL.createObjectURL(blob);
    anchor.download = model.get("name");
    anchor.click();
    return setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
  };
  const click = () => {
    const picture = paint(el.closest(`.${model.get("target")}`) ?? document);
    if (picture) picture.toBlob(save, "image/png");
    else say("No figure to save yet");
  };
  link.addEventListener("click", click);
  el.append(link);
}

export default { render };
