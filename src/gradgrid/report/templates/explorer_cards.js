// Two cells beside each other: their numbers, and charts on the same scales.

const MEAN = "mean over seeds";

// Values of one curve by seed as the reader asked for them, with their mean if that is of several.
// `write` says a value; `to` and `from` lead to the scale on which means are taken and back.
function linesOf(data, state, names, measure, keys) {
  const several = state.seed === "all" && data.curveSeeds.length > 1;
  const wanted = names.filter((row) => state.seed === "all" || !data.by_seed || String(row.seed) === state.seed);
  const lineOf = (row) => (data.by_seed ? `seed ${row.seed}` : MEAN);
  const rows = wanted.map((row) => ({ ...row, mean: false, line: lineOf(row), value: measure(row) }));
  if (!several) return { rows, several };
  const groups = Map.groupBy(rows, (row) => keys.map((key) => row[key]).join());
  for (const group of groups.values()) {
    const values = group.map((row) => row.value).filter(Number.isFinite);
    const value = values.length ? values.reduce((a, b) => a + b) / values.length : NaN;
    rows.push({ ...group[0], seed: "mean", mean: true, line: MEAN, value });
  }
  return { rows, several };
}

function power(log) {
  if (!Number.isFinite(log)) return "0";
  const [digits, exponent] = (10 ** log).toExponential(2).split("e").map(Number);
  return Math.abs(exponent) < 4 ? String(Number((10 ** log).toPrecision(3))) : `${digits} × 10${SUPERSCRIPT(exponent)}`;
}

const valid = (rows) => rows.filter((row) => Number.isFinite(row.value));

// What the charts of one cell show.
function shownOf(data, state, cell) {
  const log = (name) => (row) => Math.log10(row[name]);
  const speed = linesOf(data, state, [...gradientRows(data, cell)], log("bias_gradient_norm"), ["step", "layer"]);
  const accuracy = linesOf(data, state, [...accuracyRows(data, cell)].filter((row) => row.split !== "test"),
    (row) => row.accuracy, ["step", "split"]);
  const clipping = [...clippingRows(data, cell)].filter((row) => Number.isFinite(row.clipped_fraction));
  const share = linesOf(data, state, clipping, (row) => row.clipped_fraction, ["epoch"]);
  const long = clipping.flatMap((row) => data.clipped.slice(1).map((name) =>
    ({ seed: row.seed, epoch: row.epoch, size: words(name.replace("gradient_norm_", "")), value: row[name] })));
  const norm = linesOf(data, state, long, log("value"), ["epoch", "size"]);
  for (const row of [...speed.rows, ...norm.rows]) row.said = power(row.value);
  for (const row of [...accuracy.rows, ...share.rows]) row.said = `${WRITERS.percent(row.value)} %`;
  return { speed, accuracy, share, norm, clipped: clipping.length > 0 };
}

const percentAxis = (title) => ({ title, format: ".0%", tickCount: 5 });
const plain = (colors) => ({ value: colors.blue });
const byColor = (field, names) => (colors) => ({ field, type: "nominal",
  scale: { domain: Object.keys(names), range: Object.values(names).map((name) => colors[name]) },
  legend: { title: null, orient: "top", symbolOpacity: 1, symbolType: "stroke", symbolStrokeWidth: 2.5 } });
const epochs = (times) => ({ field: "epoch", type: "quantitative",
  scale: { domain: [times.epochs[0], times.epochs.at(-1)], nice: false },
  axis: { title: "epoch", tickMinStep: 1, grid: false } });

function speedSpec(shown, scale, steps, depth, width) {
  const layers = Array.from({ length: depth + 1 }, (_, i) => i + 1);
  const every = Math.ceil(layers.length / 12);
  return lines({
    rows: valid(shown.speed.rows), width, several: shown.speed.several,
    params: [{ name: "step", value: steps[0] }, ...labelsOf(scale)], transform: [{ filter: "datum.step === step" }],
    x: { field: "layer", type: "quantitative", scale: { domain: [1, depth + 1], nice: false, padding: 12 },
      axis: { title: "layer", values: layers.filter((_, i) => i % every === 0), format: "d", grid: false } },
    y: { field: "value", type: "quantitative", scale: { domain: scale.domain, clamp: true },
      axis: decadeAxis(scale, { title: "speed of learning" }) },
    color: plain,
    description: "Lines: speed of learning against layer at the chosen step, one for every seed.",
  });
}

const accuracySpec = (shown, x, width) => lines({
  rows: valid(shown.accuracy.rows), width, several: shown.accuracy.several, x,
  y: { field: "value", type: "quantitative", scale: { domain: [0, 1] }, axis: percentAxis("accuracy") },
  color: byColor("split", { train: "orange", validation: "blue" }),
  description: "Lines: accuracy on training and validation images against epoch, one for every seed.",
});

const shareSpec = (shown, x, width) => lines({
  rows: valid(shown.share.rows), width, height: 110, several: shown.share.several, x, color: plain,
  y: { field: "value", type: "quantitative", scale: { domain: [0, 1] }, axis: percentAxis("steps clipped") },
  description: "Lines: share of steps in which clipping changed the gradient, against epoch.",
});

const normSpec = (shown, x, scale, width) => lines({
  rows: valid(shown.norm.rows), width, height: 130, several: shown.norm.several, x, params: labelsOf(scale),
  y: { field: "value", type: "quantitative", scale: { domain: scale.domain },
    axis: decadeAxis(scale, { title: "norm before clipping" }) },
  color: byColor("size", { median: "blue", p95: "pink", max: "orange" }),
  description: "Lines: norm of the whole gradient before clipping (median, 95th percentile and maximum) against epoch.",
});

async function drawCards(data, state, choose) {
  const cells = { a: data.place.get(state.a), b: data.place.get(state.b) };
  byId("card-b").hidden = cells.b === undefined;
  byId("explorer-compare").textContent = cells.b === undefined ? "Compare with another cell" : "Close cell B";
  byId("explorer-cards").classList.toggle("two", cells.b !== undefined);
  const open = Object.entries(cells).filter(([, cell]) => cell !== undefined);
  const shown = Object.fromEntries(open.map(([name, cell]) => [name, shownOf(data, state, cell)]));
  const all = (kind) => Object.values(shown).flatMap((s) => s[kind].rows.map((row) => row.value));
  const scales = { speed: decades(all("speed")), norm: decades(all("norm")) };
  for (const [name, cell] of open) fillCard(data, state, name, cell, choose);
  const drawOne = ([name, cell]) => drawCard(data, state, byId(`card-${name}`), cell, shown[name], scales, choose);
  await Promise.all(open.map(drawOne));
}

function drawCard(data, state, card, cell, shown, scales, choose) {
  const steps = data.times.gradients.steps;
  const figure = (name) => card.querySelector(`[data-chart="${name}"]`);
  const width = Math.floor(figure("speed").querySelector(".plot").clientWidth);
  const heat = shown.speed.rows.filter((row) => row.mean || !shown.speed.several);
  const raw = (rows) => () => [...rows(data, cell)].map((row) => ({ ...cellFields(data, cell), ...row }));
  const step = { step: state.step };
  const inClipping = epochs(data.times.clipping);
  const heatSpec = heatMap({ rows: heat, scale: scales.speed, steps, depth: depthOf(data, cell), width });
  for (const name of ["share", "norm"]) figure(name).hidden = !shown.clipped;
  card.querySelector(".unclipped").hidden = shown.clipped;
  return Promise.all([
    draw(figure("heat"), heatSpec, raw(gradientRows), step)
      .then((made) => made?.view.addEventListener("click", (_, item) => {
        if (item?.datum?.step !== undefined) choose({ step: item.datum.step });
      })),
    draw(figure("speed"), speedSpec(shown, scales.speed, steps, depthOf(data, cell), width), raw(gradientRows), step),
    draw(figure("accuracy"), accuracySpec(shown, epochs(data.times.accuracy), width), raw(accuracyRows)),
    ...(shown.clipped ? [draw(figure("share"), shareSpec(shown, inClipping, width), raw(clippingRows)),
      draw(figure("norm"), normSpec(shown, inClipping, scales.norm, width), raw(clippingRows))] : []),
  ]);
}

// The slider moves within the charts that are there.
function moveStep(data, state) {
  for (const figure of document.querySelectorAll('[data-chart="heat"], [data-chart="speed"]')) {
    figure.chart?.view.signal("step", state.step).runAsync();
  }
  const { steps, epochs } = data.times.gradients;
  const place = steps.indexOf(state.step);
  byId("explorer-step").value = place;
  const epoch = Number(epochs[place].toPrecision(3));
  const said = `after ${state.step.toLocaleString("en")} steps (epoch ${epoch})`;
  byId("explorer-step").setAttribute("aria-valuetext", said);
  byId("explorer-step-said").textContent = said;
}
