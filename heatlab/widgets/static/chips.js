// Small toggle buttons of which any number may be on.
function render({ model, el }) {
  const group = document.createElement("div");
  const name = document.createElement("span");
  const chips = document.createElement("div");
  name.className = "hl-chips-name";
  name.id = `hl-chips-${Math.random().toString(36).slice(2)}`;
  name.textContent = model.get("label");
  group.className = "hl-chips";
  chips.className = "hl-chips-row";
  chips.setAttribute("role", "group");
  chips.setAttribute("aria-labelledby", name.id);
  group.append(name, chips);

  const set = (value) => {
    model.set("value", value);
    model.save_changes();
  };
  const button = (text, click, parent) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", click);
    parent.append(made);
    return made;
  };
  const toggle = (value) => {
    const on = new Set(model.get("value"));
    if (!on.delete(value)) on.add(value);
    set(model.get("options").map(([, each]) => each).filter((each) => on.has(each)));
  };
  const buttons = model.get("options").map(([text, value]) => {
    const made = button(text, () => toggle(value), chips);
    made.className = "hl-chip";
    return [made, value];
  });
  const every = model.get("options").map(([, value]) => value);
  button("all", () => set(every), chips).className = "hl-link hl-download";
  button("none", () => set([]), chips).className = "hl-link hl-download";
  const draw = () => {
    const on = new Set(model.get("value"));
    for (const [made, value] of buttons) made.setAttribute("aria-pressed", String(on.has(value)));
  };
  model.on("change:value", draw);
  el.append(group);
  draw();
  return () => model.off("change:value", draw);
}

export default { render };
