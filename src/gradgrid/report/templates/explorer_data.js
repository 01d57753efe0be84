// The explorer's data: unpacked once, then read by cell, seed and step.

const byId = (id) => document.getElementById(id);
const words = (name) => name.replaceAll("_", " ");

// The planes of the bytes of float32 numbers, put together again.
function numbersOf(planes) {
  const count = planes.length / 4;
  const bytes = new Uint8Array(planes.length);
  for (let plane = 0; plane < 4; plane += 1) {
    for (let i = 0; i < count; i += 1) bytes[4 * i + plane] = planes[plane * count + i];
  }
  return new Float32Array(bytes.buffer);
}

async function loadData() {
  const data = JSON.parse(byId("explorer-header").textContent);
  const numbers = numbersOf(await gunzipped(byId("explorer-numbers").textContent));
  let start = 0;
  data.arrays = {};
  for (const [name, shape] of data.shapes) {
    const size = shape.reduce((a, b) => a * b, 1);
    data.arrays[name] = { values: numbers.subarray(start, start + size), seeds: shape[1], steps: shape[2] };
    start += size;
  }
  data.place = new Map(data.ids.map((id, place) => [id, place]));
  data.varying = data.factors.filter((factor) => factor.levels.length > 1);
  data.factor = Object.fromEntries(data.factors.map((factor) => [factor.name, factor]));
  const depths = data.factor.depth;
  data.firstLayer = [0];
  data.ids.forEach((_, cell) => data.firstLayer.push(data.firstLayer[cell] + depths.levels[depths.codes[cell]] + 1));
  data.curveSeeds = data.by_seed ? data.seeds : ["mean"];
  return data;
}

const numberOf = (data, column, cell) => data.arrays[column].values[cell];
const levelOf = (data, factor, cell) => factor.levels[factor.codes[cell]];
const depthOf = (data, cell) => levelOf(data, data.factor.depth, cell);
const isThere = (data, cell) => numberOf(data, "seeds", cell) > 0;

// One row of a kind of curve over the measured steps; rows are numbered over all cells.
function curve(data, kind, row, seed) {
  const { values, seeds, steps } = data.arrays[kind];
  return values.subarray((row * seeds + seed) * steps, (row * seeds + seed + 1) * steps);
}

const runValue = (data, name, cell, seed) => curve(data, `run_${name}`, cell, seed)[0];

// The levels of the factors that vary, in one line.
const SAID = { depth: "depth ", width: "width ", learning_rate: "learning rate ", clipping: "clipping ",
  normalization: "normalization ", residual: "residual " };
const levelInWords = (factor, level) => `${SAID[factor.name] ?? ""}${level}`;
const cellInWords = (data, cell) =>
  data.varying.map((factor) => levelInWords(factor, levelOf(data, factor, cell))).join(" · ");

// The cell with these levels (a place among the levels for each factor that varies).
function cellWith(data, codes) {
  return data.ids.findIndex((_, cell) => data.varying.every((f) => f.codes[cell] === codes[f.name]));
}

// Rows of the tables in results/, as they stand there, of one cell: for charts and for saving.
function* gradientRows(data, cell) {
  const { steps, epochs } = data.times.gradients;
  for (const [s, seed] of data.curveSeeds.entries()) {
    for (let layer = 1; layer <= depthOf(data, cell) + 1; layer += 1) {
      const speeds = curve(data, "gradients", data.firstLayer[cell] + layer - 1, s);
      for (const [t, speed] of speeds.entries()) {
        yield { seed, step: steps[t], epoch: epochs[t], layer, bias_gradient_norm: speed };
      }
    }
  }
}

function* accuracyRows(data, cell) {
  const { steps, epochs } = data.times.accuracy;
  for (const [s, seed] of data.curveSeeds.entries()) {
    for (const [k, split] of data.splits.entries()) {
      for (const [t, accuracy] of curve(data, "accuracy", cell * data.splits.length + k, s).entries()) {
        // Test images are looked at once, at the end.
        if (split !== "test" || t === steps.length - 1) yield { seed, step: steps[t], epoch: epochs[t], split, accuracy };
      }
    }
  }
}

function* clippingRows(data, cell) {
  for (const [s, seed] of data.curveSeeds.entries()) {
    const measures = data.clipped.map((_, k) => curve(data, "clipping", cell * data.clipped.length + k, s));
    for (const [t, epoch] of data.times.clipping.steps.entries()) {
      yield { seed, epoch, ...Object.fromEntries(data.clipped.map((name, k) => [name, measures[k][t]])) };
    }
  }
}
