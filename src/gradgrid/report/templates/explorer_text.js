// Numbers and tables as text.

// The shortest text that is the same float32: what a program writes that reads the parquet file.
function shortest(value) {
  if (!Number.isFinite(value)) return "";
  for (let digits = 6; digits < 9; digits += 1) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === Math.fround(value)) return String(text);
  }
  return String(Number(value.toPrecision(9)));
}

const WRITERS = {
  text: String,
  number: String,
  integer: (value) => value.toLocaleString("en"),
  percent: (value) => (100 * value).toFixed(1),
  decimal: (value) => (Math.abs(value) < 0.005 ? "0.00" : value.toFixed(2).replace("-", "−")),
  seconds: (value) => value.toFixed(1),
};
const UNITS = { percent: " %", seconds: " s" };

const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

// Rows as objects to CSV; numbers that are no whole ones are float32.
function csvOf(rows) {
  const columns = Object.keys(rows[0] ?? {});
  const field = (value) =>
    (typeof value === "number" && !Number.isInteger(value) ? shortest(value) : quoted(String(value ?? "")));
  return [columns, ...rows.map((row) => columns.map((name) => row[name]))]
    .map((row) => row.map(field).join(",")).join("\n") + "\n";
}

const TEX = { "&": "\\&", "%": "\\%", "#": "\\#", "_": "\\_", $: "\\$", "{": "\\{", "}": "\\}", "−": "$-$",
  "±": "$\\pm$", "–": "--", "×": "$\\times$", "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" };
const tex = (text) => text.replace(/[&%#_${}\\~^−±–×]/g, (sign) => TEX[sign]);

// A table as LaTeX with the rules of the package booktabs; `numeric` says which columns stand to the right.
function latexOf(headings, rows, numeric) {
  const lines = [headings, ...rows].map((row) => `${row.map(tex).join(" & ")} \\\\`);
  return ["% \\usepackage{booktabs}", `\\begin{tabular}{${numeric.map((n) => (n ? "r" : "l")).join("")}}`,
    "\\toprule", lines[0], "\\midrule", ...lines.slice(1), "\\bottomrule", "\\end{tabular}", ""].join("\n");
}

// Copies text; where the browser lends no clipboard (an old one, on a file), by way of a selection.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.body.appendChild(document.createElement("textarea"));
    area.value = text;
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

// Says on the button itself, and to those who hear the page, that it was done.
function confirmOn(button, said) {
  const before = button.dataset.label ??= button.textContent;
  button.textContent = said;
  setTimeout(() => { button.textContent = before; }, 1500);
  const status = byId("explorer-said");
  if (status) status.textContent = `${before}: ${said}`;
}
