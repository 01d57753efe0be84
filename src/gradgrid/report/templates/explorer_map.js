// The map: every cell a square, by up to four factors; what else varies stays at the level of cell A.

const MAPS = {
  validation_accuracy: { title: "validation accuracy", format: ".0%", domain: [0, 1] },
  test_accuracy: { title: "test accuracy", format: ".0%", domain: [0, 1] },
  gradient_slope: { title: "gradient slope, decades per layer" },
  runs_diverged: { title: "runs diverged" },
  verdict: { title: "verdict" },
};
const ROLES = ["rows", "columns", "across", "down"];
const SQUARE = { least: 13, most: 22 }; // pixels

function mapped(data, state) {
  const roles = new Set(ROLES.map((role) => state[role]));
  const chosen = data.place.get(state.a);
  const held = data.varying.filter((factor) => !roles.has(factor.name));
  return data.ids.map((_, cell) => cell).filter((cell) => held.every((f) => f.codes[cell] === f.codes[chosen]));
}

function measureOf(data, state, cell) {
  if (state.map === "verdict") return data.verdict_of[cell];
  const value = numberOf(data, state.map === "runs_diverged" ? state.map : `${state.map}_mean`, cell);
  return Number.isFinite(value) && isThere(data, cell) ? value : null;
}

// What stands on a square without a value.
function signOf(data, cell, value) {
  if (!isThere(data, cell)) return "×";
  if (value !== null) return "";
  return numberOf(data, "runs_diverged", cell) === numberOf(data, "seeds", cell) ? "D" : "–";
}

function mapRows(data, state, shown) {
  const through = new Set(matching(data, state));
  return shown.map((cell) => {
    const value = measureOf(data, state, cell);
    const row = { id: data.ids[cell], name: cellInWords(data, cell), value, match: through.has(cell),
      sign: signOf(data, cell, value), verdict: data.verdict_of[cell] ?? "not there yet" };
    row.said = typeof value === "number" ? valueInWords(state.map, value) : value ?? "–";
    for (const role of ROLES) {
      const factor = data.factor[state[role]];
      row[role] = factor && labelIn(role, factor, levelOf(data, factor, cell));
    }
    return row;
  });
}

// Panels across say which factor their level is of; the others have a title for that.
const labelIn = (role, factor, level) => (role === "across" ? levelInWords(factor, level) : level);

const valueInWords = (measure, value) =>
  (measure.endsWith("accuracy") ? `${WRITERS.percent(value)} %`
    : measure === "runs_diverged" ? String(value) : WRITERS.decimal(value));

function colorOf(data, state, rows, colors) {
  const { title, format, domain } = MAPS[state.map];
  if (state.map === "verdict") {
    const range = data.verdicts.map((word) => colors[word]);
    return { field: "value", type: "nominal", scale: { domain: data.verdicts, range },
      legend: { title, orient: "top", columns: 4 } };
  }
  const values = rows.map((row) => row.value).filter((value) => value !== null);
  const legend = { title, format, orient: "top", direction: "horizontal", gradientLength: 220, titleLimit: 400 };
  if (state.map === "gradient_slope") {
    // A few constant initial weights are far out; they get the colour of the end.
    const sizes = values.map(Math.abs).sort((a, b) => a - b);
    const most = Math.max(0.1, sizes[Math.floor(0.9 * sizes.length)] ?? 0);
    return { field: "value", type: "quantitative", legend: { ...legend, title: `${title} (more: as at the end)` },
      scale: { domain: [-most, most], scheme: "redblue", clamp: true } };
  }
  const scheme = state.map === "runs_diverged" ? "oranges" : "viridis";
  return { field: "value", type: "quantitative", legend, scale: { domain: domain ?? [0, Math.max(1, ...values)], scheme } };
}

function mapSpec(data, state, rows, width) {
  const order = (role) => {
    const factor = data.factor[state[role]];
    return factor?.levels.map((level) => labelIn(role, factor, level)) ?? [];
  };
  const by = ROLES.map((role) => words(state[role])).filter(Boolean).join(", ");
  const axis = (role, extra) => (state[role]
    ? { field: role, type: "ordinal", sort: order(role), axis: { title: words(state[role]), ...extra } } : undefined);
  const panel = (place, role) => (state[role] ? { [place]: { field: role, type: "ordinal", sort: order(role),
    header: { title: role === "down" ? words(state[role]) : null, labelFontSize: 12 } } } : {});
  const facet = { ...panel("column", "across"), ...panel("row", "down") };
  const panels = Math.max(1, order("across").length);
  const room = (width - 170 - 12 * panels) / (panels * Math.max(1, order("columns").length));
  const square = Math.max(SQUARE.least, Math.min(SQUARE.most, Math.floor(room)));
  return (colors) => {
    const verdictColors = Object.fromEntries(data.verdicts.map((word) => [word, colorOfVerdict(word)]));
    const one = {
      width: state.columns ? { step: square } : square, height: state.rows ? { step: square } : square,
      encoding: { x: axis("columns", { labelAngle: -90 }), y: axis("rows") },
      layer: layersOf(data, state, rows, colors, verdictColors),
    };
    return {
      description: `Map of ${rows.length} cells: ${MAPS[state.map].title} by ${by}.`,
      params: [{ name: "cellA", value: state.a }, { name: "cellB", value: state.b }],
      data: { values: rows },
      ...(Object.keys(facet).length ? { facet, spacing: 12, spec: one } : one),
    };
  };
}

function layersOf(data, state, rows, colors, verdictColors) {
  const outline = (param, stroke, strokeWidth) => ({ transform: [{ filter: `datum.id === ${param}` }],
    mark: { type: "rect", filled: false, stroke, strokeWidth, aria: false } });
  const framed = (param, color) => [outline(param, colors.card, 6), outline(param, color, 3)]; // seen on any colour
  return [
    { mark: { type: "rect", aria: false, cursor: "pointer", invalid: null, stroke: colors.card, strokeWidth: 1 },
      encoding: {
        color: { condition: { test: "datum.value === null", value: colors.rule },
          ...colorOf(data, state, rows, verdictColors) },
        opacity: { condition: { test: "datum.match", value: 1 }, value: 0.15 },
        tooltip: [{ field: "name", title: "cell" }, { field: "said", title: MAPS[state.map].title }, { field: "verdict" }],
      } },
    { transform: [{ filter: "datum.sign !== ''" }], mark: { type: "text", fontSize: 10, aria: false, cursor: "pointer" },
      encoding: { text: { field: "sign" }, color: { value: colors.muted } } },
    ...framed("cellB", colors.orange), ...framed("cellA", colors.ink),
  ];
}

function colorOfVerdict(word) {
  const sample = document.body.appendChild(document.createElement("span"));
  sample.className = `verdict ${word.replaceAll(" ", "-")}`;
  const color = getComputedStyle(sample).getPropertyValue("--mark").trim() || PAPER.muted;
  sample.remove();
  return color;
}

async function drawMap(data, state, choose) {
  const figure = byId("explorer-map");
  const shown = mapped(data, state);
  const rows = mapRows(data, state, shown);
  const spec = mapSpec(data, state, rows, figure.clientWidth);
  const frames = { cellA: state.a, cellB: state.b };
  const made = await draw(figure, spec, () => mapTable(data, state, shown), frames);
  made?.view.addEventListener("click", (_, item) => { if (item?.datum?.id) choose(item.datum.id); });
  const held = data.varying.filter((factor) => !ROLES.some((role) => state[role] === factor.name));
  const cell = data.place.get(state.a);
  byId("explorer-held").textContent = held.length
    ? `As in cell A: ${held.map((f) => levelInWords(f, levelOf(data, f, cell))).join(", ")}.` : "";
}

// The chosen squares are framed without drawing the map anew.
function frameOnMap(state) {
  byId("explorer-map").chart?.view.signal("cellA", state.a).signal("cellB", state.b).runAsync();
}

function mapTable(data, state, shown) {
  return shown.map((cell) => ({ ...cellFields(data, cell), [state.map]: measureOf(data, state, cell) ?? "" }));
}

const cellFields = (data, cell) => ({ cell_id: data.ids[cell],
  ...Object.fromEntries(data.factors.map((f) => [f.name, levelOf(data, f, cell)])) });

// Arrow keys move cell A to the neighbouring level of the factor of the rows or columns.
const MOVES = { ArrowLeft: ["columns", -1], ArrowRight: ["columns", 1], ArrowUp: ["rows", -1], ArrowDown: ["rows", 1] };

function neighbour(data, state, key) {
  const [role, by] = MOVES[key] ?? [];
  const factor = data.varying.find((f) => f.name === state[role]);
  if (!factor) return null;
  const cell = data.place.get(state.a);
  const code = factor.codes[cell] + by;
  const codes = Object.fromEntries(data.varying.map((f) => [f.name, f.codes[cell]]));
  const found = cellWith(data, { ...codes, [factor.name]: code });
  return found < 0 ? null : data.ids[found];
}
