// Brings heatlab's style sheet where the page lacks it, and tells the kernel whether the page is dark.
const NAME = "heatlab-stylesheet";

const styled = () => getComputedStyle(document.documentElement).getPropertyValue("--hl-css").trim() !== "";

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
  tell();
  return () => watch.disconnect();
}

export default { initialize, render() {} };
