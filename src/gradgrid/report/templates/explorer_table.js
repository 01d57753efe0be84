// The table of cells: sorted, filtered, with the columns that the reader picks; rows are added on scrolling.

const CHUNK = 100; // rows added at a time
const TABLE = { rows: [], shown: 0, columns: [] };

const pickedColumns = (data, state) => {
  const picked = new Set(state.picked.split(","));
  return data.columns.filter((column) => picked.has(column.source));
};

// What a column holds of a cell: a text, a number, or null.
function cellValue(data, column, cell) {
  if (column.source === "verdict") return data.verdict_of[cell];
  if (column.source in data.factor) return levelOf(data, data.factor[column.source], cell);
  const value = numberOf(data, column.interval ? `${column.source}_mean` : column.source, cell);
  return Number.isFinite(value) ? value : null;
}

function halfWidth(data, column, cell) {
  if (!column.interval) return null;
  const half = (numberOf(data, `${column.source}_high`, cell) - numberOf(data, `${column.source}_low`, cell)) / 2;
  return Number.isFinite(half) ? half : null;
}

function sortedRows(data, state) {
  const descending = state.sort.startsWith("-");
  const column = data.columns.find((c) => c.source === state.sort.replace("-", "")) ?? data.columns[0];
  const codes = data.factor[column.source]?.codes; // factors in the order of the grid
  const value = (cell) => (codes ? codes[cell] : cellValue(data, column, cell));
  return matching(data, state).map((cell) => [value(cell), cell]).sort(([a, i], [b, j]) => {
    if (a === null || b === null) return (a === null) - (b === null) || i - j; // what has no value comes last
    const order = typeof a === "string" ? a.localeCompare(b, "en") : a - b;
    return (descending ? -order : order) || i - j;
  }).map(([, cell]) => cell);
}

function tableCell(data, column, cell) {
  const td = document.createElement("td");
  const value = cellValue(data, column, cell);
  if (column.kind !== "text") td.className = "number";
  if (value === null) td.textContent = "–";
  else if (column.source === "verdict") td.append(verdictChip(value));
  else {
    td.textContent = WRITERS[column.kind](value);
    if (column.source === "validation_accuracy") td.style.setProperty("--share", `${100 * value}%`);
    const half = halfWidth(data, column, cell);
    if (half !== null) {
      const spread = td.appendChild(document.createElement("span"));
      spread.className = "spread";
      spread.textContent = ` ± ${WRITERS[column.kind](half)}`;
    }
  }
  return td;
}

function addRows(data) {
  const part = document.createDocumentFragment();
  const end = Math.min(TABLE.shown + CHUNK, TABLE.rows.length);
  for (; TABLE.shown < end; TABLE.shown += 1) {
    const cell = TABLE.rows[TABLE.shown];
    const tr = part.appendChild(document.createElement("tr"));
    tr.setAttribute("aria-rowindex", TABLE.shown + 2);
    const open = tr.insertCell().appendChild(document.createElement("button"));
    Object.assign(open, { type: "button", textContent: "open", className: "open" });
    open.setAttribute("aria-label", `Open the cell ${cellInWords(data, cell)}`);
    open.dataset.cell = data.ids[cell];
    for (const column of TABLE.columns) tr.append(tableCell(data, column, cell));
  }
  byId("cells-table").tBodies[0].append(part);
}

function fillTable(data) {
  const scroller = byId("cells-scroll");
  while (TABLE.shown < TABLE.rows.length &&
         scroller.scrollTop + 2 * scroller.clientHeight >= scroller.scrollHeight) addRows(data);
}

function headings(data, state, choose) {
  const [name, descending] = [state.sort.replace("-", ""), state.sort.startsWith("-")];
  const row = byId("cells-table").tHead.rows[0];
  const first = row.cells[0];
  row.replaceChildren(first, ...TABLE.columns.map((column) => {
    const th = document.createElement("th");
    th.scope = "col";
    if (column.kind !== "text") th.className = "number";
    th.setAttribute("aria-sort", column.source !== name ? "none" : descending ? "descending" : "ascending");
    const button = th.appendChild(document.createElement("button"));
    Object.assign(button, { type: "button", title: column.description, textContent: column.title });
    button.dataset.column = column.source;
    button.addEventListener("click", () => choose({ sort: nextSort(data, state, column) }));
    return th;
  }));
}

// A measure starts with the largest, a factor and a text with the first; a second click turns round.
function nextSort(data, state, column) {
  if (state.sort.replace("-", "") === column.source) return state.sort.startsWith("-") ? column.source : `-${column.source}`;
  return column.source in data.factor || column.kind === "text" ? column.source : `-${column.source}`;
}

function drawTable(data, state, choose) {
  const focused = document.activeElement?.dataset?.column;
  Object.assign(TABLE, { rows: sortedRows(data, state), shown: 0, columns: pickedColumns(data, state) });
  headings(data, state, choose);
  if (focused) byId("cells-table").querySelector(`[data-column="${CSS.escape(focused)}"]`)?.focus();
  byId("cells-table").tBodies[0].replaceChildren();
  byId("cells-table").setAttribute("aria-rowcount", TABLE.rows.length + 1);
  byId("cells-scroll").scrollTop = 0;
  addRows(data);
  fillTable(data);
  const column = data.columns.find((c) => c.source === state.sort.replace("-", ""));
  const count = (things) => things.length.toLocaleString("en");
  byId("cells-status").textContent = `${count(TABLE.rows)} of ${count(data.ids)} cells, ` +
    `sorted by ${column?.title}, ${state.sort.startsWith("-") ? "descending" : "ascending"}`;
}

// The rows and columns shown, numbers whole: a mean with both ends of its interval.
function tableRows(data) {
  return TABLE.rows.map((cell) => {
    const row = { cell_id: data.ids[cell] };
    for (const column of TABLE.columns) {
      if (!column.interval) row[column.source] = cellValue(data, column, cell) ?? "";
      const parts = column.interval ? ["mean", "low", "high"].map((end) => `${column.source}_${end}`) : [];
      for (const name of parts) row[name] = numberOf(data, name, cell);
    }
    return row;
  });
}

function tableLatex(data) {
  const body = TABLE.rows.map((cell) => TABLE.columns.map((column) => {
    const value = cellValue(data, column, cell), half = halfWidth(data, column, cell);
    const write = WRITERS[column.kind];
    return value === null ? "–" : write(value) + (half === null ? "" : ` ± ${write(half)}`);
  }));
  return latexOf(TABLE.columns.map((column) => column.title), body, TABLE.columns.map((column) => column.kind !== "text"));
}
