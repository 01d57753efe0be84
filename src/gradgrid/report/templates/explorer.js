// The explorer: one state, held by the address; every part draws itself anew when what it shows has changed.

async function explore() {
  const data = await loadData();
  const start = defaults(data);
  const drawn = { look: "" };

  const choose = (patch, { push = true } = {}) => {
    history.replaceState({ explorer: addressOf(STATE, start) }, "");
    Object.assign(STATE, patch);
    const address = addressOf(STATE, start);
    history[push ? "pushState" : "replaceState"]({ explorer: address }, "", address);
    showState(data, drawn, choose);
  };
  // An address of the explorer, in the bar or from the history, becomes the state.
  const follow = (remembered) => {
    const inBar = location.hash.startsWith(HASH);
    const address = inBar ? location.hash : remembered;
    if (!address || address === addressOf(STATE, start)) return;
    Object.assign(STATE, stateOf(address, start, data));
    showState(data, drawn, choose);
    if (inBar && !remembered) byId("explorer").scrollIntoView();
  };
  const redraw = () => {
    drawn.look = `${innerWidth} ${screenColors().ink}`;
    showState(data, drawn, choose);
  };

  const sent = location.hash.startsWith(HASH);
  Object.assign(STATE, sent ? stateOf(location.hash, start, data) : start);
  makeFields(data);
  hearFields(data, choose);
  hearCards(data, choose, () => addressOf(STATE, start));
  hearTable(data, choose);
  hearWindow(follow, redraw);
  redraw();
  if (sent) byId("explorer").scrollIntoView();
  byId("explorer").dataset.ready = Math.round(performance.now()); // milliseconds since the page was asked for
}

// Draws every part of which what it depends on is not what it was.
function showState(data, drawn, choose) {
  const s = STATE, a = data.place.get(s.a);
  const filters = [s.search, s.filters];
  const held = data.varying.filter((f) => !ROLES.some((role) => s[role] === f.name)).map((f) => f.codes[a]);
  const layout = [s.map, ...ROLES.map((role) => s[role])];
  const part = (name, depends, action) => {
    const key = JSON.stringify(depends);
    if (drawn[name] === key) return;
    drawn[name] = key;
    action();
  };
  part("fields", s, () => fillFields(data, s));
  part("map", [layout, filters, held, drawn.look], () => drawMap(data, s, (id) => openCell(id, choose)));
  part("frames", [s.a, s.b], () => frameOnMap(s));
  part("cards", [s.a, s.b, s.seed, drawn.look], () => drawCards(data, s, choose));
  part("step", s.step, () => moveStep(data, s));
  part("table", [filters, s.sort, s.picked], () => drawTable(data, s, choose));
}

// Opens a cell in the card that was used last.
let used = "a";
const openCell = (id, choose) => choose({ [STATE.b ? used : "a"]: id });

// Lets the last of several calls through, once they pause.
const waiting = {};
function later(name, action, pause) {
  clearTimeout(waiting[name]);
  waiting[name] = setTimeout(action, pause);
}

function hearFields(data, choose) {
  byId("explorer-fields").addEventListener("input", ({ target }) => choose({ [target.name]: target.value }));
  byId("cells-filters").addEventListener("input", ({ target }) => {
    if (target.name === "search") return later("search", () => choose({ search: target.value }, { push: false }), 150);
    const filters = { ...STATE.filters, [target.name]: target.value };
    if (!target.value) delete filters[target.name];
    choose({ filters });
  });
  byId("cells-filters").addEventListener("reset", () => choose({ search: "", filters: {} }));
  byId("explorer-seed").addEventListener("input", ({ target }) => choose({ seed: target.value }));
  byId("explorer-step").addEventListener("input", ({ target }) =>
    choose({ step: data.times.gradients.steps[target.value] }, { push: false }));
}

function hearCards(data, choose, address) {
  byId("explorer-compare").addEventListener("click", () => choose({ b: STATE.b ? "" : another(data, STATE) }));
  byId("explorer-link").addEventListener("click", async ({ target }) => {
    await copyText(location.href.split("#")[0] + address());
    confirmOn(target, "Link copied");
  });
  byId("explorer-map").querySelector(".plot").addEventListener("keydown", (event) => {
    if (!(event.key in MOVES)) return;
    event.preventDefault();
    const id = neighbour(data, STATE, event.key);
    if (id) choose({ a: id }, { push: false });
  });
  for (const name of ["a", "b"]) {
    const card = byId(`card-${name}`);
    card.querySelector(".levels").addEventListener("input", () => {
      const selects = [...card.querySelectorAll(".levels select")];
      const found = cellWith(data, Object.fromEntries(selects.map((select) => [select.name, Number(select.value)])));
      if (found >= 0) choose({ [name]: data.ids[found] });
    });
    for (const event of ["focusin", "pointerdown"]) card.addEventListener(event, () => { used = name; });
  }
}

function hearTable(data, choose) {
  byId("cells-scroll").addEventListener("scroll", () => fillTable(data), { passive: true });
  byId("cells-table").addEventListener("click", ({ target }) => {
    if (!target.dataset.cell) return;
    openCell(target.dataset.cell, choose);
    byId("explorer-cards").scrollIntoView();
  });
  byId("cells-columns").addEventListener("input", () => {
    const boxes = [...byId("cells-columns").querySelectorAll("input:checked")];
    choose({ picked: boxes.map((box) => box.value).join(",") });
  });
  const copies = { "cells-copy-csv": () => csvOf(tableRows(data)), "cells-copy-latex": () => tableLatex(data) };
  for (const [id, text] of Object.entries(copies)) {
    byId(id).addEventListener("click", async ({ target }) => {
      await copyText(text());
      confirmOn(target, "Copied");
    });
  }
  byId("cells-save-csv").addEventListener("click", () =>
    download(textFile(csvOf(tableRows(data)), "text/csv"), "cells.csv"));
}

function hearWindow(follow, redraw) {
  addEventListener("popstate", (event) => follow(event.state?.explorer));
  addEventListener("hashchange", () => follow());
  addEventListener("resize", () => later("resize", redraw, 250));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme", "class"] });
}

// The next cell along the columns of the map, to begin a comparison with.
function another(data, state) {
  const keys = ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"];
  return keys.map((key) => neighbour(data, state, key)).find(Boolean) ?? state.a;
}

// Choices that depend on the grid.
function makeFields(data) {
  const factors = data.varying.map((f) => new Option(words(f.name), f.name));
  for (const role of ROLES) {
    const options = [new Option("–", ""), ...factors.map((option) => option.cloneNode(true))];
    byId("explorer-fields").elements[role].replaceChildren(...options);
  }
  byId("explorer-step").max = data.times.gradients.steps.length - 1;
  if (data.by_seed) byId("explorer-seed").append(...data.seeds.map((seed) => new Option(`seed ${seed}`, seed)));
  else byId("explorer-seed").disabled = true;
  for (const holder of document.querySelectorAll("#explorer .levels")) {
    holder.replaceChildren(...data.varying.map((factor) => {
      const label = Object.assign(document.createElement("label"), { textContent: words(factor.name) });
      const select = label.appendChild(Object.assign(document.createElement("select"), { name: factor.name }));
      select.append(...factor.levels.map((level, code) => new Option(level, code)));
      return label;
    }));
  }
}

function fillFields(data, state) {
  for (const name of ["map", ...ROLES]) byId("explorer-fields").elements[name].value = state[name];
  for (const field of byId("cells-filters").elements) {
    if (field.name === "search" && field !== document.activeElement) field.value = state.search;
    else if (field.name && field.name !== "search") field.value = state.filters[field.name] ?? "";
  }
  byId("explorer-seed").value = state.seed;
  const picked = new Set(state.picked.split(","));
  for (const box of byId("cells-columns").querySelectorAll("input")) box.checked = picked.has(box.value);
}

explore();
