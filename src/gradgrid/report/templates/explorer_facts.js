// What a card says beside its charts: levels, verdict, numbers, and a row for every run.

const SUMMARY = ["validation_accuracy", "test_accuracy", "best_validation_accuracy", "gradient_slope",
  "runs_diverged", "seconds"];

function fillCard(data, state, name, cell, choose) {
  const card = byId(`card-${name}`);
  for (const select of card.querySelectorAll(".levels select")) select.value = data.factor[select.name].codes[cell];
  card.querySelector(".word").replaceChildren(verdictChip(data.verdict_of[cell] ?? "not there yet"));
  card.querySelector(".reason").textContent = data.reason_of[cell] ?? "";
  const facts = SUMMARY.map((source) => data.columns.find((column) => column.source === source));
  card.querySelector(".facts").replaceChildren(...facts.map((column) => factOf(data, column, cell)));
  card.querySelector("tbody").replaceChildren(...data.seeds.map((seed, s) => runRow(data, state, cell, seed, s, choose)));
}

function verdictChip(word) {
  const chip = document.createElement("span");
  chip.className = `verdict ${word.replaceAll(" ", "-")}`;
  chip.textContent = word;
  return chip;
}

function factOf(data, column, cell) {
  const write = (value) => (Number.isFinite(value) ? WRITERS[column.kind](value) : "–");
  const value = (end) => numberOf(data, end ? `${column.source}_${end}` : column.source, cell);
  const low = column.interval ? value("low") : NaN;
  const interval = Number.isFinite(low) ? ` (${write(low)} to ${write(value("high"))})` : "";
  const fact = document.createElement("div");
  fact.append(Object.assign(document.createElement("dt"), { textContent: column.title }));
  const said = write(value(column.interval && "mean")) + interval;
  fact.append(Object.assign(document.createElement("dd"), { textContent: said }));
  return fact;
}

function runRow(data, state, cell, seed, s, choose) {
  const row = document.createElement("tr");
  if (String(seed) === state.seed) row.setAttribute("aria-current", "true");
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: seed });
  button.setAttribute("aria-label", `Show seed ${seed} alone`);
  button.addEventListener("click", () => choose({ seed: state.seed === String(seed) ? "all" : String(seed) }));
  row.insertCell().append(button);
  const place = runValue(data, "verdict", cell, s);
  row.insertCell().append(verdictChip(data.verdicts[place] ?? "not there yet"));
  const numbers = [
    [finalAccuracy(data, cell, s), "percent"],
    [runValue(data, "gradient_slope", cell, s), "decimal"],
    [runValue(data, "diverged_at_step", cell, s), "integer"],
  ];
  for (const [value, kind] of numbers) {
    const td = row.insertCell();
    td.className = "number";
    td.textContent = Number.isFinite(value) ? WRITERS[kind](value) : "–";
  }
  return row;
}

// Validation accuracy at the end; NaN of a run that diverged, or where seeds are not kept apart.
function finalAccuracy(data, cell, s) {
  if (!data.by_seed) return NaN;
  const row = cell * data.splits.length + data.splits.indexOf("validation");
  return curve(data, "accuracy", row, s).at(-1);
}
