// A table of real inputs for positions. The browser holds what is typed; Python checks it and says what is wrong where.
const OPTIONS = { side: ["long", "short"], margin_mode: ["isolated", "cross"] };

function render({ model, el }) {
  const unique = Math.random().toString(36).slice(2);
  const columns = model.get("columns");
  let rows = [];
  let timer = null;

  const make = (kind, name, parent) => {
    const made = document.createElement(kind);
    if (name) made.className = name;
    parent?.append(made);
    return made;
  };
  const box = make("div", "hl-editor-box", el);
  const tools = make("div", "hl-editor-tools", box);
  const wrap = make("div", "hl-editor-wrap", box);
  const table = make("table", "hl-editor", wrap);
  table.setAttribute("aria-label", "Positions");
  const head = make("tr", "", make("thead", "", table));
  const body = make("tbody", "", table);
  const lists = make("div", "", box);
  const said = make("div", "hl-sr", box);
  said.setAttribute("role", "status");

  const button = (text, click) => {
    const made = make("button", "hl-button", tools);
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", click);
    return made;
  };
  const options = (id, values) => {
    const list = make("datalist", "", lists);
    list.id = id;
    for (const value of values) make("option", "", list).value = value;
  };
  const offer = () => {
    lists.replaceChildren();
    const markets = model.get("markets");
    options(`venues-${unique}`, Object.keys(markets));
    for (const [venue, symbols] of Object.entries(markets)) options(`symbols-${unique}-${venue}`, symbols);
    options(`symbols-${unique}-`, [...new Set(Object.values(markets).flat())]);
  };
  const symbolsOf = (venue) => {
    const id = `symbols-${unique}-${venue.trim().toLowerCase()}`;
    return lists.querySelector(`#${CSS.escape(id)}`) ? id : `symbols-${unique}-`;
  };

  const send = () => {
    clearTimeout(timer);
    timer = null;
    model.set("rows", rows.map((row) => ({ ...row })));
    model.save_changes();
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(send, 150);
  };
  const cell = (row, column) => body.querySelector(`[data-row="${row}"][data-column="${column}"]`);
  const go = (row, column) => {
    const found = cell(row, column);
    found?.focus();
    found?.select?.();
    return Boolean(found);
  };
  const blank = () => Object.fromEntries(columns.map((column) => [column.name, column.start ?? ""]));
  const add = () => {
    const last = rows[rows.length - 1];
    rows.push({ ...blank(), venue: last?.venue ?? Object.keys(model.get("markets"))[0] ?? "" });
    draw();
    go(rows.length - 1, "symbol");
    send();
  };
  const remove = (place) => {
    rows.splice(place, 1);
    draw();
    if (!go(Math.min(place, rows.length - 1), "symbol")) tools.querySelector("button").focus();
    said.textContent = `Row ${place + 1} removed`;
    send();
  };
  const key = (event, place, column) => {
    const up = event.key === "ArrowUp", down = event.key === "ArrowDown", enter = event.key === "Enter";
    const steps = (up || down) && column.kind === "number";
    if (!enter && !steps) return;
    event.preventDefault();
    if (enter && !event.shiftKey && place === rows.length - 1) add();
    else go(place + (up || (enter && event.shiftKey) ? -1 : 1), column.name);
  };
  const paste = (event, place, column) => {
    const text = event.clipboardData?.getData("text") ?? "";
    if (!/[\t\n]|,.*,/.test(text.trim())) return;
    event.preventDefault();
    send();
    model.send({ paste: text, row: place, column: column.name });
  };

  const field = (row, place, column, parent) => {
    const made = make(column.options ? "select" : "input", "", parent);
    if (column.options) {
      const values = column.options.includes(row[column.name]) ? column.options : [row[column.name], ...column.options];
      for (const value of values) {
        const option = make("option", "", made);
        option.value = value;
        option.textContent = value || "choose";
      }
    } else {
      made.type = "text";
      made.autocomplete = "off";
      made.spellcheck = false;
      if (column.kind === "number") made.inputMode = "decimal";
      if (column.name === "venue") made.setAttribute("list", `venues-${unique}`);
      if (column.name === "symbol") made.setAttribute("list", symbolsOf(row.venue));
      made.placeholder = column.required ? "" : column.hint;
    }
    made.value = row[column.name];
    made.dataset.row = place;
    made.dataset.column = column.name;
    made.style.minWidth = column.width;
    made.setAttribute("aria-label", `${column.label}, row ${place + 1}`);
    made.setAttribute("aria-describedby", `words-${unique}-${place}-${column.name}`);
    if (column.required) made.required = true;
    made.addEventListener("input", () => {
      row[column.name] = made.value;
      if (column.name === "venue") cell(place, "symbol")?.setAttribute("list", symbolsOf(made.value));
      later();
    });
    made.addEventListener("keydown", (event) => key(event, place, column));
    made.addEventListener("paste", (event) => paste(event, place, column));
  };
  const shown = () => {
    const extra = columns.filter((column) => column.extra);
    const used = (column) => rows.some((row) => row[column.name]) ||
      model.get("problems").some((problem) => problem.column === column.name);
    return columns.filter((column) => !column.extra || more.checked || used(column));
  };
  const draw = () => {
    const focus = body.contains(document.activeElement) ? { ...document.activeElement.dataset } : null;
    const visible = shown();
    head.replaceChildren();
    make("th", "", head).innerHTML = '<span class="hl-sr">Row</span>';
    for (const column of visible) {
      const title = make("th", "", head);
      title.scope = "col";
      title.textContent = column.label + (column.required ? " *" : "");
      title.title = column.hint;
    }
    make("th", "", head).innerHTML = '<span class="hl-sr">Remove</span>';
    body.replaceChildren();
    rows.forEach((row, place) => {
      const line = make("tr", "", body);
      const number = make("td", "", line);
      number.textContent = place + 1;
      for (const column of visible) {
        const parent = make("td", "", line);
        field(row, place, column, parent);
        make("span", "hl-cell-words", parent).id = `words-${unique}-${place}-${column.name}`;
      }
      const away = make("button", "hl-button", make("td", "", line));
      away.type = "button";
      away.textContent = "✕";
      away.setAttribute("aria-label", `Remove row ${place + 1}`);
      away.addEventListener("click", () => remove(place));
    });
    wrap.hidden = rows.length === 0;
    mark();
    if (focus) cell(focus.row, focus.column)?.focus();
  };
  const mark = () => {
    for (const input of body.querySelectorAll("[data-column]")) {
      input.removeAttribute("aria-invalid");
      input.classList.remove("hl-noted");
    }
    for (const words of body.querySelectorAll(".hl-cell-words")) {
      words.textContent = "";
      words.className = "hl-cell-words";
    }
    let missing = false;
    for (const problem of model.get("problems")) {
      const column = problem.column || "symbol";
      const input = cell(problem.row - 1, column);
      missing ||= !input && problem.row <= rows.length;
      const words = input?.nextElementSibling;
      if (!input || (problem.level === "note" && words.textContent)) continue;
      const bad = problem.level === "error";
      if (bad) input.setAttribute("aria-invalid", "true");
      else input.classList.add("hl-noted");
      words.textContent = problem.short;
      words.classList.add(bad ? "hl-cell-bad" : "hl-cell-note");
    }
    if (missing && !marking) {
      marking = true;
      draw();
      marking = false;
    }
  };
  let marking = false;

  button("Add a row", add);
  const file = make("input", "hl-sr", tools);
  file.type = "file";
  file.accept = ".csv,.tsv,.txt,text/csv";
  file.tabIndex = -1;
  file.setAttribute("aria-label", "Positions file");
  file.addEventListener("change", async () => {
    const chosen = file.files[0];
    file.value = "";
    if (!chosen) return;
    if (chosen.size > 2_000_000) model.send({ refused: chosen.name });
    else model.send({ file: await chosen.text(), name: chosen.name });
  });
  button("Import a file", () => file.click());
  button("Clear", () => model.send({ clear: true }));
  const label = make("label", "", tools);
  const more = make("input", "", label);
  more.type = "checkbox";
  label.append("More columns");
  more.addEventListener("change", draw);

  for (const column of columns) column.options = OPTIONS[column.name];
  const fresh = () => {
    rows = model.get("rows").map((row) => ({ ...blank(), ...row }));
    draw();
  };
  model.on("change:version", fresh);
  model.on("change:problems", mark);
  model.on("change:markets", offer);
  offer();
  fresh();
  return () => {
    if (timer) send();
    model.off("change:version", fresh);
    model.off("change:problems", mark);
    model.off("change:markets", offer);
  };
}

export default { render };
