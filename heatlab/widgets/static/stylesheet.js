// Brings heatlab's style sheet where the page lacks it, and tells the kernel whether the page is dark.
const NAME = "heatlab-stylesheet";

const styled = () => getComputedStyle(document.documentElement).getPropertyValue("--hl-css").trim() !== "";

// Sliders of the page's widgets do not tell their handle what they are called.
const call = () => {
  for (const handle of document.querySelectorAll(".noUi-handle:not([aria-label])")) {
    const words = handle.closest(".widget-inline-hbox, .widget-inline-vbox")?.querySelector("label")?.textContent;
    if (words) handle.setAttribute("aria-label", words);
  }
};

const theme = () => {
  const own = document.documentElement.dataset.hlTheme;
  if (own) return own;
  const light = document.body.dataset.jpThemeLight;
  if (light) return light === "false" ? "dark" : "light";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
};

function initialize({ model }) {
  if (!styled() && !document.getElementById(NAME)) {
    const sheet = document.createElement("style");
    sheet.id = NAME;
    sheet.textContent = model.get("css");
    document.head.append(sheet);
  }
  const tell = () => {
    if (theme() === model.get("theme")) return;
    model.set("theme", theme());
    model.save_changes();
  };
  const watch = new MutationObserver(tell);
  watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-hl-theme"] });
  watch.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  const born = new MutationObserver(call);
  born.observe(document.body, { childList: true, subtree: true });
  tell();
  call();
  return () => {
    watch.disconnect();
    born.disconnect();
  };
}

export default { initialize, render() {} };
