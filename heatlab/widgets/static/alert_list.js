// Alerts in force with buttons of their own. All text is set as text; Python decides what a click means.
function render({ model, el }) {
  const list = document.createElement("ul");
  const alarm = document.createElement("div");
  list.className = "hl-list hl-alert-list";
  alarm.className = "hl-sr";
  alarm.setAttribute("role", "alert");
  const line = (text, name, parent, kind = "span") => {
    const made = document.createElement(kind);
    if (name) made.className = name;
    made.textContent = text;
    parent.append(made);
    return made;
  };
  const button = (text, act, row, parent) => {
    const made = line(text, "hl-button", parent, "button");
    made.type = "button";
    made.setAttribute("aria-label", `${text}: ${row.title}`);
    made.dataset.act = act;
    made.dataset.key = row.id;
    made.addEventListener("click", () => model.send({ act, id: row.id }));
  };
  const draw = () => {
    const focus = list.contains(document.activeElement) ? document.activeElement.dataset : null;
    list.replaceChildren();
    for (const row of model.get("rows")) {
      const item = line("", row.quiet ? "hl-quiet" : "", list, "li");
      line(row.badge, `hl-badge ${row.kind}`, item);
      const words = line("", "hl-alert-words", item, "div");
      line(row.title, "", words, "strong");
      line(` ${row.detail}`, "", words);
      line(row.since, "hl-muted hl-alert-since", words);
      const acts = line("", "hl-alert-acts", item, "div");
      for (const [act, text] of row.acts) button(text, act, row, acts);
    }
    if (focus) list.querySelector(`[data-key="${CSS.escape(focus.key)}"][data-act="${CSS.escape(focus.act)}"]`)?.focus();
  };
  const announce = () => { alarm.textContent = model.get("news"); };
  model.on("change:rows", draw);
  model.on("change:news", announce);
  el.append(alarm, list);
  draw();
  return () => {
    model.off("change:rows", draw);
    model.off("change:news", announce);
  };
}

export default { render };
