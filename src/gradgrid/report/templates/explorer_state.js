// What the reader has chosen, and the address that holds it: #explorer?a=…&b=…&seed=…

const STATE = {}; // see `defaults`
const HASH = "#explorer?";

function defaults(data) {
  const names = data.varying.map((factor) => factor.name);
  const roles = { rows: "activation", columns: "initializer", across: "depth", down: "clipping" };
  const free = names.filter((name) => !Object.values(roles).includes(name));
  for (const role of Object.keys(roles)) {
    if (!names.includes(roles[role])) roles[role] = free.shift() ?? "";
  }
  const means = data.arrays.validation_accuracy_mean.values;
  const best = means.reduce((a, value, cell) => (value > (means[a] || -1) ? cell : a), 0);
  return { a: data.ids[best], b: "", seed: "all", step: 0, map: "validation_accuracy", ...roles, search: "",
    filters: {}, sort: "-validation_accuracy", picked: data.columns.filter((c) => c.picked).map((c) => c.source).join(",") };
}

// The state as an address; what is as at the start is left out, but for cell A.
function addressOf(state, start) {
  const fields = new URLSearchParams({ a: state.a });
  for (const name of Object.keys(start)) {
    if (name !== "filters" && name !== "a" && String(state[name]) !== String(start[name])) fields.set(name, state[name]);
  }
  for (const [name, level] of Object.entries(state.filters)) fields.set(`f.${name}`, level);
  return HASH + fields;
}

// The state of an address; what it does not know stays as at the start.
function stateOf(address, start, data) {
  const fields = new URLSearchParams(address.slice(HASH.length));
  const state = { ...start, filters: {} };
  for (const [name, value] of fields) {
    if (name.startsWith("f.")) state.filters[name.slice(2)] = value;
    else if (name in start && name !== "filters") state[name] = value;
  }
  if (!data.place.has(state.a)) state.a = start.a;
  if (!data.place.has(state.b)) state.b = "";
  if (!data.seeds.map(String).includes(state.seed)) state.seed = "all";
  state.step = data.times.gradients.steps.includes(Number(state.step)) ? Number(state.step) : start.step;
  const known = new Set(["", ...data.varying.map((factor) => factor.name)]);
  for (const role of ["rows", "columns", "across", "down"]) if (!known.has(state[role])) state[role] = start[role];
  return state;
}

// Cells that the filters let through, as places.
function matching(data, state) {
  const wanted = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  const filters = Object.entries(state.filters);
  return data.ids.map((_, cell) => cell).filter((cell) =>
    filters.every(([name, level]) => String(valueIn(data, name, cell)) === level) &&
    wanted.every((word) => searchable(data, cell).includes(word)));
}

function valueIn(data, name, cell) {
  if (name in data.factor) return levelOf(data, data.factor[name], cell);
  return name === "verdict" ? data.verdict_of[cell] : numberOf(data, name, cell);
}

function searchable(data, cell) {
  data.searchable ??= data.ids.map((_, c) =>
    [...data.factors.map((f) => levelOf(data, f, c)), data.verdict_of[c] ?? ""].join(" ").toLowerCase());
  return data.searchable[cell];
}
