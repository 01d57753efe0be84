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

async function showPictures() {
  for (const figure of document.querySelectorAll("figure[data-svg]")) {
    const drawing = new Blob([await gunzipped(figure.dataset.svg)], { type: "image/svg+xml" });
    figure.querySelector("img").src = await inlined(drawing);
  }
  document.documentElement.dataset.pictures = "shown"; // for who waits for them
}
showPictures();
