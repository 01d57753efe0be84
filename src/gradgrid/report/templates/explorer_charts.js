// Charts: Vega-Lite draws them, here stands what they show.

// The style sheet's colours by name, as saved charts have them in any theme: on white.
const PAPER = { ink: "#1c1e21", muted: "#595e65", rule: "#dcd9d1", card: "#ffffff",
  blue: "#0072b2", orange: "#c04e00", pink: "#a8507f" };

function screenColors() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(Object.keys(PAPER).map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

function configOf(colors) {
  const text = { labelColor: colors.muted, titleColor: colors.ink, labelFontSize: 11, titleFontSize: 11,
    titleFontWeight: 600 };
  return {
    font: "system-ui, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif",
    background: colors.card, view: { stroke: colors.rule },
    axis: { ...text, gridColor: colors.rule, domainColor: colors.muted, tickColor: colors.muted, labelLimit: 260 },
    legend: { ...text, gradientThickness: 10 }, header: { ...text, labelColor: colors.ink, labelFontWeight: 600 },
    text: { color: colors.ink },
  };
}

// Draws a chart into a figure's .plot and remembers how to save it. `spec` is a function of colours.
async function draw(figure, spec, rows, signals = {}) {
  const plot = figure.querySelector(".plot");
  const turn = (figure.turn = (figure.turn ?? 0) + 1);
  const options = { mode: "vega-lite", ast: true, actions: false, defaultStyle: false, renderer: "svg",
    tooltip: { disableDefaultStyle: true } };
  const holder = document.createElement("div");
  const colors = screenColors();
  const made = await vegaEmbed(holder, { ...spec(colors), config: configOf(colors) }, options);
  if (figure.turn !== turn) return made.finalize(); // a later one overtook it
  figure.chart?.finalize();
  figure.chart = made;
  for (const [name, value] of Object.entries(signals)) made.view.signal(name, value);
  await made.view.runAsync();
  plot.replaceChildren(holder);
  figure.save = { spec, rows, signals: () => Object.fromEntries(Object.keys(signals).map((n) => [n, made.view.signal(n)])) };
  return made;
}

// The same chart once more, on white paper.
async function onPaper(figure) {
  const { spec, signals } = figure.save;
  const options = { mode: "vega-lite", ast: true, actions: false, defaultStyle: false, tooltip: false, renderer: "none" };
  const made = await vegaEmbed(document.createElement("div"), { ...spec(PAPER), config: configOf(PAPER) }, options);
  for (const [name, value] of Object.entries(signals())) made.view.signal(name, value);
  await made.view.runAsync();
  return made.view;
}

const SUPERSCRIPT = (n) => String(n).replace(/./g, (sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]);

// An axis of decades for log10 of a quantity, over whole decades, the same for both cells.
function decades(values) {
  const finite = values.filter(Number.isFinite);
  const low = Math.floor(Math.min(...finite)), high = Math.ceil(Math.max(...finite));
  if (!finite.length) return { domain: [-1, 0], ticks: [-1, 0], labels: {} };
  const every = Math.max(1, Math.ceil((high - low) / 8));
  const ticks = [];
  for (let tick = low; tick <= Math.max(high, low + 1); tick += every) ticks.push(tick);
  const labels = Object.fromEntries(ticks.map((tick) => [tick, `10${SUPERSCRIPT(tick)}`]));
  return { domain: [low, Math.max(high, low + 1)], ticks, labels };
}

const decadeAxis = (scale, extra) => ({ values: scale.ticks, labelExpr: "decadeLabels[datum.value]", ...extra });
const labelsOf = (scale) => [{ name: "decadeLabels", value: scale.labels }];

const FIT = { type: "fit-x", contains: "padding" };

// Layer × measured step; the step chosen is framed. Rows: {step, layer, value}, the latter log10.
function heatMap({ rows, scale, steps, depth, width }) {
  const x = { field: "step", type: "ordinal", sort: steps, axis: { title: "measured after … steps", labelAngle: -45 } };
  const y = { field: "layer", type: "ordinal", sort: "descending", axis: { title: "layer" } };
  return (colors) => ({
    width, height: Math.max(60, Math.min(24 * (depth + 1), 260)), autosize: FIT,
    description: "Heat map: speed of learning of every layer at every measured step.",
    params: [{ name: "step", value: steps[0] }, ...labelsOf(scale)],
    data: { values: rows },
    encoding: { x },
    layer: [
      { mark: { type: "rect", aria: false, color: colors.rule, invalid: null }, encoding: { y } },
      { transform: [{ filter: "isValid(datum.value) && isFinite(datum.value)" }], mark: { type: "rect", aria: false },
        encoding: {
          y, color: { field: "value", type: "quantitative", scale: { domain: scale.domain, scheme: "viridis", clamp: true },
            legend: { title: "speed of learning", orient: "top", direction: "horizontal", gradientLength: 160,
              ...decadeAxis(scale) } },
          tooltip: [{ field: "layer" }, { field: "step" }, { field: "said", title: "speed of learning" }],
        } },
      { transform: [{ filter: "datum.step === step" }, { aggregate: [{ op: "count", as: "layers" }], groupby: ["step"] }],
        mark: { type: "rect", filled: false, stroke: colors.ink, strokeWidth: 2.5, aria: false } },
    ],
  });
}

// A line for every seed, thin, and their mean, thick. `x` and `y` are encodings, `color` one by the colours; rows have
// seed and mean.
function lines({ rows, x, y, color, width, height = 190, params = [], transform = [], description, several }) {
  const chosen = { filter: several ? "datum.mean" : "!datum.mean" };
  return (colors) => ({
    width, height, autosize: FIT, description, params, data: { values: rows }, transform,
    encoding: { x, y, color: color(colors) },
    layer: [
      { transform: [{ filter: several ? "!datum.mean" : "false" }],
        mark: { type: "line", strokeWidth: 1, opacity: 0.4, aria: false }, encoding: { detail: { field: "seed" } } },
      { transform: [chosen], mark: { type: "line", strokeWidth: 2.5, aria: false } },
      { transform: [chosen], mark: { type: "point", filled: true, size: 28, opacity: 1, aria: false },
        encoding: { tooltip: [{ field: "line", title: "shown" }, { field: x.field, title: x.axis.title },
          { field: "said", title: "value" }] } },
    ],
  });
}
