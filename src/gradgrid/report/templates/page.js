// The contents follow the reading: the section that is being read is marked, and its chapter shows its sections.
(() => {
  const side = document.querySelector(".side");
  const fold = side.querySelector("details");
  const links = [...side.querySelectorAll(".toc a")];
  const targets = links.map((link) => document.getElementById(link.hash.slice(1)));
  const narrow = matchMedia("(max-width: 60rem)");
  let marked = null;

  const chapterOf = (link) => link.closest(".toc > details > ol > li");
  const read = () => {
    const end = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
    const line = end ? innerHeight : innerHeight / 3;
    return links[Math.max(0, targets.findLastIndex((target) => target.getBoundingClientRect().top <= line))];
  };

  function follow() {
    const current = read();
    if (current === marked) return;
    marked = current;
    const chapter = chapterOf(current);
    for (const link of links) {
      link.removeAttribute("aria-current");
      chapterOf(link).classList.toggle("read", chapterOf(link) === chapter);
    }
    chapter.querySelector("a").setAttribute("aria-current", "true");
    current.setAttribute("aria-current", "location");
    if (!narrow.matches) keepInSight(current);
  }

  // Scrolls the contents themselves, and never the page.
  function keepInSight(link) {
    const [at, frame] = [link.getBoundingClientRect(), side.getBoundingClientRect()];
    if (at.top < frame.top || at.bottom > frame.bottom) side.scrollTop += at.top - frame.top - frame.height / 2;
  }

  const unfold = () => { fold.open = !narrow.matches; };
  side.classList.add("follows");
  unfold();
  narrow.addEventListener("change", unfold);
  fold.addEventListener("click", ({ target }) => { if (target.closest("a") && narrow.matches) fold.open = false; });
  addEventListener("scroll", () => requestAnimationFrame(follow), { passive: true });
  follow();
})();

// On paper nothing stays folded but the choice of columns, and every picture is there; afterwards it is as before.
{
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main details:not([open], #cells-columns), .banner details:not([open])")];
    for (const fold of opened) fold.open = true;
    for (const image of document.images) image.loading = "eager";
  });
  addEventListener("afterprint", () => { for (const fold of opened) fold.open = false; });
}

// Chapters move while charts and fonts come in; whoever came for one keeps it in sight until they act.
{
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) {
    const kept = new ResizeObserver(() => target.scrollIntoView({ behavior: "instant" }));
    kept.observe(document.body);
    for (const act of ["wheel", "pointerdown", "keydown", "touchstart"]) {
      addEventListener(act, () => kept.disconnect(), { once: true, passive: true });
    }
  }
}
