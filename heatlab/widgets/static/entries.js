// A table whose rows can be chosen by click or keyboard. All text is set as text, so nothing in it can become markup.
function render({ model, el }) {
  const wrap = document.createElement("div");
  wrap.className = "hl-table-wrap hl-entries";

  const choose = (number) => {
    model.set("value", number);
    model.save_changes();
  };
  const cell = ([text, kind], head) => {
    const made = document.createElement(head ? "th" : "td");
    if (head) made.scope = "row";
    if (kind && kind.includes("hl-badge")) {
      const badge = document.createElement("span");
      badge.className = kind;
      badge.textContent = text;
      made.append(badge);
    } else {
      made.textContent = text;
      if (kind) made.className = kind;
    }
    return made;
  };
  const move = (row, step) => {
    const rows = [...wrap.querySelectorAll("tbody tr")];
    const next = rows[Math.min(Math.max(rows.indexOf(row) + step, 0), rows.length - 1)];
    next.focus();
    choose(Number(next.dataset.number));
  };
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 };
  const line = ({ number, cells }) => {
    const made = document.createElement("tr");
    made.dataset.number = number;
    made.append(...cells.map((each, place) => cell(each, place === 0)));
    made.addEventListener("click", () => choose(number));
    made.addEventListener("keydown", (event) => {
      if (event.key in steps) move(made, steps[event.key]);
      else if (event.key === "Enter" || event.key === " ") choose(number);
      else return;
      event.preventDefault();
    });
    return made;
  };
  const mark = () => {
    const rows = [...wrap.querySelectorAll("tbody tr")];
    const chosen = rows.find((row) => Number(row.dataset.number) === model.get("value"));
    for (const row of rows) {
      row.setAttribute("aria-selected", String(row === chosen));
      row.tabIndex = row === (chosen || rows[0]) ? 0 : -1;
    }
    if (!chosen) return;
    const head = wrap.querySelector("thead").offsetHeight;
    const top = chosen.offsetTop - head;
    const bottom = chosen.offsetTop + chosen.offsetHeight - wrap.clientHeight;
    if (wrap.scrollTop > top) wrap.scrollTop = top;
    else if (wrap.scrollTop < bottom) wrap.scrollTop = bottom;
  };
  const draw = () => {
    const rows = model.get("rows");
    const focused = wrap.contains(document.activeElement);
    wrap.replaceChildren();
    if (!rows.length) {
      const empty = document.createElement("div");
      empty.className = "hl-empty";
      empty.setAttribute("role", "status");
      empty.textContent = model.get("empty");
      wrap.append(empty);
      return;
    }
    const table = document.createElement("table");
    table.className = "hl-table";
    table.setAttribute("role", "grid");
    const caption = table.createCaption();
    caption.textContent = model.get("caption");
    const head = table.createTHead().insertRow();
    for (const name of model.get("heads")) {
      const made = document.createElement("th");
      made.scope = "col";
      made.textContent = name;
      head.append(made);
    }
    table.createTBody().append(...rows.map(line));
    wrap.append(table);
    mark();
    if (focused) wrap.querySelector('tbody tr[tabindex="0"]').focus();
  };
  model.on("change:rows change:empty change:caption change:heads", draw);
  model.on("change:value", mark);
  el.append(wrap);
  draw();
  const seen = new ResizeObserver(mark); // rows have no place while the list is hidden
  seen.observe(wrap);
  return () => {
    seen.disconnect();
    model.off("change:rows change:empty change:caption change:heads", draw);
    model.off("change:value", mark);
  };
}

export default { render };
