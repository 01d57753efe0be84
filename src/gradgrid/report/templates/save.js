// Every figure can be saved: the explorer's charts as they stand, the drawn ones as they were drawn.

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const textFile = (text, type) => new Blob([text], { type: `${type};charset=utf-8` });
const canvasFile = (canvas) => new Promise((done) => canvas.toBlob(done, "image/png"));

const unpacked = async (packed) => new TextDecoder().decode(await gunzipped(packed));

// A chart of the explorer.
const CHART = {
  svg: async (figure) => textFile(await (await onPaper(figure)).toSVG(), "image/svg+xml"),
  png: async (figure) => canvasFile(await (await onPaper(figure)).toCanvas(2)),
  csv: async (figure) => textFile(csvOf(figure.save.rows()), "text/csv"),
};

// A picture that was drawn with the report.
const PICTURE = {
  svg: async (figure) => textFile(await unpacked(figure.dataset.svg), "image/svg+xml"),
  png: async (figure) => {
    const shown = figure.querySelector("img");
    const [width, height] = ["width", "height"].map((name) => 2 * shown.getAttribute(name));
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const image = new Image(width, height);
    image.src = `data:image/svg+xml,${encodeURIComponent(await unpacked(figure.dataset.svg))}`;
    await image.decode();
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvasFile(canvas);
  },
  csv: async (figure) => textFile(await unpacked(figure.dataset.csv), "text/csv"),
};

document.addEventListener("click", async (event) => {
  const kind = event.target.closest?.("button[data-save]")?.dataset.save;
  if (!kind) return;
  const figure = event.target.closest("figure");
  const how = figure.dataset.chart ? CHART : PICTURE;
  download(await how[kind](figure), `${figure.dataset.name}.${kind}`);
});
