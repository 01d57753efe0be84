"use strict";
// The table of cells: sorts, filters, and adds rows as the reader scrolls, so that a large grid stays quick.
(() => {
  const CHUNK = 100; // rows added at a time
  const data = JSON.parse(document.getElementById("cells-data").textContent);
  const table = document.getElementById("cells-table");
  const scroller = document.getElementById("cells-scroll");
  const form = document.getElementById("cells-filters");
  const headers = [...table.tHead.rows[0].cells];
  const total = data.values[0].length;
  const start = data.columns.findIndex((column) => column.key === "validation_accuracy");
  const state = { column: start, descending: true, rows: [], shown: 0 };

  const WRITERS = {
    text: String,
    number: String,
    integer: (value) => value.toLocaleString("en"),
    percent: (value) => (100 * value).toFixed(1),
    decimal: (value) => (Math.abs(value) < 0.005 ? "0.00" : value.toFixed(2).replace("-", "−")),
    seconds: (value) => value.toFixed(1),
  };
  const searchable = Array.from({ length: total }, (_, row) =>
    data.columns
      .map((column, i) => (column.kind === "text" || column.kind === "integer" ? data.values[i][row] : ""))
      .join(" ")
      .toLowerCase());

  function matching() {
    const fields = new FormData(form);
    const words = fields.get("search").toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = data.columns
      .map((column, i) => [data.values[i], fields.get(column.key)])
      .filter(([, level]) => level);
    return [...Array(total).keys()].filter((row) =>
      words.every((word) => searchable[row].includes(word)) &&
      wanted.every(([values, level]) => String(values[row]) === level));
  }

  function compare(a, b) {
    if (a === null || b === null) return (a === null) - (b === null); // what has no value comes last
    const order = typeof a === "string" ? a.localeCompare(b, "en") : a - b;
    return state.descending ? -order : order;
  }

  function cell(column, i, row) {
    const td = document.createElement("td");
    const value = data.values[i][row];
    if (column.kind !== "text") td.className = "number";
    if (value === null) {
      td.textContent = "–";
    } else if (column.key === "verdict") {
      const chip = td.appendChild(document.createElement("span"));
      chip.className = `verdict ${value.replaceAll(" ", "-")}`;
      chip.textContent = value;
    } else {
      td.textContent = WRITERS[column.kind](value);
      if (i === start) td.style.setProperty("--share", `${100 * value}%`);
      const half = column.interval ? data.halfwidths[i][row] : null;
      if (half !== null) {
        const spread = td.appendChild(document.createElement("span"));
        spread.className = "spread";
        spread.textContent = ` ± ${WRITERS[column.kind](half)}`;
      }
    }
    return td;
  }

  function addRows() {
    const part = document.createDocumentFragment();
    const end = Math.min(state.shown + CHUNK, state.rows.length);
    for (; state.shown < end; state.shown += 1) {
      const tr = part.appendChild(document.createElement("tr"));
      tr.setAttribute("aria-rowindex", state.shown + 2);
      data.columns.forEach((column, i) => tr.append(cell(column, i, state.rows[state.shown])));
    }
    table.tBodies[0].append(part);
  }

  function fill() {
    while (state.shown < state.rows.length &&
           scroller.scrollTop + 2 * scroller.clientHeight >= scroller.scrollHeight) addRows();
  }

  function update() {
    const values = data.values[state.column];
    state.rows = matching().sort((a, b) => compare(values[a], values[b]) || a - b);
    state.shown = 0;
    table.tBodies[0].replaceChildren();
    table.setAttribute("aria-rowcount", state.rows.length + 1);
    scroller.scrollTop = 0;
    addRows();
    fill();
    const direction = state.descending ? "descending" : "ascending";
    headers.forEach((header, i) => header.setAttribute("aria-sort", i === state.column ? direction : "none"));
    document.getElementById("cells-status").textContent =
      `${state.rows.length.toLocaleString("en")} of ${total.toLocaleString("en")} cells, ` +
      `sorted by ${headers[state.column].textContent}, ${direction}`;
  }

  headers.forEach((header, i) => header.firstElementChild.addEventListener("click", () => {
    const factor = i < start;
    state.descending = i === state.column ? !state.descending : !factor && data.columns[i].kind !== "text";
    state.column = i;
    update();
  }));
  form.addEventListener("input", update);
  form.addEventListener("reset", () => setTimeout(update)); // the fields are empty only after the event
  form.addEventListener("submit", (event) => event.preventDefault());
  scroller.addEventListener("scroll", fill, { passive: true });
  update();
})();

// The contents follow the reading.
(() => {
  const links = new Map([...document.querySelectorAll(".toc a")].map((a) => [a.hash.slice(1), a]));
  const sections = [...document.querySelectorAll("main > section")];
  const follow = () => {
    const line = window.innerHeight / 3;
    const current = sections.findLast((section) => section.getBoundingClientRect().top <= line) ?? sections[0];
    links.forEach((link, id) => {
      if (id === current.id) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    });
  };
  document.addEventListener("scroll", () => requestAnimationFrame(follow), { passive: true });
  follow();
})();

// On paper nothing stays folded.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
