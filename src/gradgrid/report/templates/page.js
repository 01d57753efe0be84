// The contents follow the reading.
(() => {
  const links = new Map([...document.querySelectorAll(".toc a")].map((a) => [a.hash.slice(1), a]));
  const sections = [...document.querySelectorAll("main > section")];
  const follow = () => {
    const line = window.innerHeight / 3;
    const current = sections.findLast((section) => section.getBoundingClientRect().top <= line) ?? sections[0];
    links.forEach((link, id) => {
      if (id === current.id) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    });
  };
  document.addEventListener("scroll", () => requestAnimationFrame(follow), { passive: true });
  follow();
})();

// On paper nothing stays folded, and no picture waits to be scrolled to.
addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((details) => { details.open = true; });
  document.querySelectorAll("img").forEach((image) => { image.loading = "eager"; });
});
