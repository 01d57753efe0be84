"use strict";
// The theme, as the system has it or as the reader chose; it is set before anything is drawn.
{
  const KEY = "gradgrid-theme";
  const DARK = { system: "screen and (prefers-color-scheme: dark)", light: "not all", dark: "screen" }; // media of the dark style

  // A page that was opened as a file may have no storage: then the choice holds until it is closed.
  const remembered = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem(KEY, theme); } catch { return; } };

  const set = (theme) => {
    document.getElementById("dark").media = DARK[theme];
    document.documentElement.dataset.theme = theme; // the explorer's charts follow it
  };

  const start = Object.hasOwn(DARK, remembered() ?? "") ? remembered() : "system";
  set(start);
  addEventListener("DOMContentLoaded", () => {
    const form = document.getElementById("theme");
    form.hidden = false;
    form.elements.theme.value = start;
    form.addEventListener("input", ({ target }) => { set(target.value); remember(target.value); });
  });
}
