// A button that shows the nearest ancestor of a class over the whole screen, and back.
function render({ model, el }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "hl-button";
  const name = () => { button.textContent = document.fullscreenElement ? "Leave full screen" : "Full screen"; };
  const toggle = () => {
    if (document.fullscreenElement) return document.exitFullscreen();
    const target = el.closest("." + model.get("target")) ?? el.parentElement;
    target.style.background = "var(--hl-bg)";
    target.style.overflow = "auto";
    return target.requestFullscreen().catch((error) => { button.textContent = "Full screen is not allowed here"; console.info(error.message); });
  };
  button.addEventListener("click", toggle);
  document.addEventListener("fullscreenchange", name);
  name();
  el.append(button);
  return () => document.removeEventListener("fullscreenchange", name);
}
export default { render };
