// The drawings are packed, because that takes a fifth of the room; they are unpacked one after the other.

async function gunzipped(base64) {
  const letters = atob(base64);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const inlined = (blob) => new Promise((done) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result);
  reader.readAsDataURL(blob);
});

const drawings = new Map(); // of every image, and the blank one of the same shape that keeps its place

// Only those near the window are shown: each takes some megabytes as soon as it has been seen.
const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const { drawing, blank } = drawings.get(target);
    target.src = isIntersecting ? drawing : blank;
  }
}, { rootMargin: "150% 0px" });

async function showPictures() {
  for (const figure of document.querySelectorAll("figure[data-svg]")) {
    const drawing = new Blob([await gunzipped(figure.dataset.svg)], { type: "image/svg+xml" });
    const image = figure.querySelector("img");
    drawings.set(image, { drawing: await inlined(drawing), blank: image.src });
    near.observe(image);
  }
  document.documentElement.dataset.pictures = "shown"; // for who waits for them
}
showPictures();

addEventListener("beforeprint", () => {
  near.disconnect();
  for (const [image, { drawing }] of drawings) image.src = drawing;
});
addEventListener("afterprint", () => { for (const image of drawings.keys()) near.observe(image); });
