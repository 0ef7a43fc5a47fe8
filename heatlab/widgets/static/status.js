// One line that says what the app is doing. Two standing live regions, so that screen readers hear every change.
function render({ model, el }) {
  const line = document.createElement("div");
  const alarm = document.createElement("div");
  line.className = "hl-status";
  line.setAttribute("role", "status");
  alarm.setAttribute("role", "alert");
  const draw = () => {
    const state = model.get("state");
    const failed = state === "error";
    line.dataset.state = state;
    line.hidden = failed;
    line.textContent = failed ? "" : model.get("text");
    alarm.className = failed ? "hl-callout hl-error" : "";
    alarm.hidden = !failed;
    alarm.textContent = failed ? model.get("text") : "";
  };
  model.on("change", draw);
  el.append(line, alarm);
  draw();
  return () => model.off("change", draw);
}

export default { render };
