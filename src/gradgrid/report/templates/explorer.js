// The explorer: one state, held by the address; every part draws itself anew when what it shows has changed.

async function explore() {
  const data = await loadData();
  const start = defaults(data);
  const drawn = {};
  let opened = byId("card-a"); // the card that a click on the map or the table fills
  const timers = {};

  const choose = (patch, { push = true } = {}) => {
    history.replaceState({ explorer: addressOf(STATE, start) }, "");
    Object.assign(STATE, patch);
    const address = addressOf(STATE, start);
    history[push ? "pushState" : "replaceState"]({ explorer: address }, "", address);
    show();
  };
  const open = (id) => choose({ [opened === byId("card-b") && STATE.b ? "b" : "a"]: id });

  // Draws a part if what it depends on is not what it was.
  const part = (name, depends, action) => {
    const key = JSON.stringify(depends);
    if (drawn[name] === key) return;
    drawn[name] = key;
    action();
  };

  function show() {
    const s = STATE;
    const filters = [s.search, s.filters];
    const held = data.varying.filter((f) => !ROLES.some((role) => s[role] === f.name)).map((f) => f.codes[data.place.get(s.a)]);
    part("fields", s, () => fillFields(data, s));
    part("map", [s.map, ROLES.map((role) => s[role]), filters, held, drawn.look], () => drawMap(data, s, open));
    part("frames", [s.a, s.b], () => frameOnMap(s));
    part("cards", [s.a, s.b, s.seed, drawn.look], () => drawCards(data, s, choose));
    part("step", s.step, () => moveStep(data, s));
    part("table", [filters, s.sort, s.picked], () => drawTable(data, s, choose));
  }

  function redraw() {
    drawn.look = `${innerWidth} ${screenColors().ink}`;
    show();
  }

  const later = (name, action, wait = 150) => {
    clearTimeout(timers[name]);
    timers[name] = setTimeout(action, wait);
  };

  function listen() {
    byId("explorer-fields").addEventListener("input", ({ target }) => choose({ [target.name]: target.value }));
    byId("cells-filters").addEventListener("input", ({ target }) => {
      if (target.name === "search") return later("search", () => choose({ search: target.value }, { push: false }));
      const filters = { ...STATE.filters, [target.name]: target.value };
      if (!target.value) delete filters[target.name];
      choose({ filters });
    });
    byId("cells-filters").addEventListener("reset", () => choose({ search: "", filters: {} }));
    byId("explorer-seed").addEventListener("input", ({ target }) => choose({ seed: target.value }));
    byId("explorer-step").addEventListener("input", ({ target }) =>
      choose({ step: data.times.gradients.steps[target.value] }, { push: false }));
    byId("explorer-compare").addEventListener("click", () => choose({ b: STATE.b ? "" : another(data, STATE) }));
    byId("explorer-link").addEventListener("click", async ({ target }) => {
      await copyText(location.href.split("#")[0] + addressOf(STATE, start));
      confirmOn(target, "Link copied");
    });
    byId("explorer-map").querySelector(".plot").addEventListener("keydown", (event) => {
      const id = neighbour(data, STATE, event.key);
      if (!(event.key in MOVES)) return;
      event.preventDefault();
      if (id) choose({ a: id }, { push: false });
    });
    for (const name of ["a", "b"]) {
      const card = byId(`card-${name}`);
      card.querySelector(".levels").addEventListener("input", () => {
        const selects = [...card.querySelectorAll(".levels select")];
        const found = cellWith(data, Object.fromEntries(selects.map((s) => [s.name, Number(s.value)])));
        if (found >= 0) choose({ [name]: data.ids[found] });
      });
      card.addEventListener("focusin", () => { opened = card; });
      card.addEventListener("pointerdown", () => { opened = card; });
    }
    byId("cells-scroll").addEventListener("scroll", () => fillTable(data), { passive: true });
    byId("cells-table").addEventListener("click", ({ target }) => {
      if (!target.dataset.cell) return;
      open(target.dataset.cell);
      opened.scrollIntoView();
    });
    byId("cells-columns").addEventListener("input", () => {
      const boxes = [...byId("cells-columns").querySelectorAll("input:checked")];
      choose({ picked: boxes.map((box) => box.value).join(",") });
    });
    byId("cells-copy-csv").addEventListener("click", async ({ target }) => {
      await copyText(csvOf(tableRows(data)));
      confirmOn(target, "Copied");
    });
    byId("cells-copy-latex").addEventListener("click", async ({ target }) => {
      await copyText(tableLatex(data));
      confirmOn(target, "Copied");
    });
    byId("cells-save-csv").addEventListener("click", () => download(textFile(csvOf(tableRows(data)), "text/csv"), "cells.csv"));
    addEventListener("popstate", (event) => follow(event.state?.explorer));
    addEventListener("hashchange", () => follow());
    addEventListener("resize", () => later("resize", redraw, 250));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme", "class"] });
  }

  // An address of the explorer, in the bar or from the history, becomes the state.
  function follow(remembered) {
    const inBar = location.hash.startsWith(HASH);
    const address = inBar ? location.hash : remembered;
    if (!address || address === addressOf(STATE, start)) return;
    Object.assign(STATE, stateOf(address, start, data));
    show();
    if (inBar && !remembered) byId("explorer").scrollIntoView();
  }

  Object.assign(STATE, location.hash.startsWith(HASH) ? stateOf(location.hash, start, data) : start);
  makeFields(data);
  listen();
  redraw();
  if (location.hash.startsWith(HASH)) byId("explorer").scrollIntoView();
  byId("explorer").dataset.ready = Math.round(performance.now()); // milliseconds since the page was asked for
}

// The next cell along the columns of the map, to begin a comparison with.
function another(data, state) {
  return ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"].map((key) => neighbour(data, state, key)).find(Boolean) ?? state.a;
}

// Choices that depend on the grid.
function makeFields(data) {
  const factors = data.varying.map((f) => new Option(words(f.name), f.name));
  for (const role of ROLES) {
    byId("explorer-fields").elements[role].replaceChildren(new Option("–", ""), ...factors.map((option) => option.cloneNode(true)));
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
