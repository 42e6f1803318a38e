// The film as a strip of at most six stills, which stays in print; on the screen each of them leads to its step.
const CHAPTERS = 6;
// Pixels of a still, several for each that a screen shows, because paper shows more.
const STILL = 384;

// The first frame, the last, and those between at which the loss had fallen by equal parts.
function chapterFrames(film) {
  const { frames } = film;
  const kept = frames.map((_, i) => i).filter((i) => film.layers.length === 0 || film.layers[0].heads[0]?.raw.some((matrix) => matrix.frames[i]) || film.probes[0]?.maps.some((map) => map.frames[i]));
  const known = kept.filter((i) => Number.isFinite(frames[i].loss));
  const [first, last] = [kept[0], kept.at(-1)];
  if (kept.length <= CHAPTERS) return kept;
  if (known.length < 2) return Array.from({ length: CHAPTERS }, (_, i) => kept[Math.round((i * (kept.length - 1)) / (CHAPTERS - 1))]);
  const [from, to] = [Math.max(...known.map((i) => frames[i].loss)), Math.min(...known.map((i) => frames[i].loss))];
  const between = Array.from({ length: CHAPTERS - 2 }, (_, i) => from + ((to - from) * (i + 1)) / (CHAPTERS - 1));
  return [...new Set([first, ...between.map((loss) => known.find((i) => frames[i].loss <= loss)), last])].filter((i) => i !== undefined).sort((a, b) => a - b);
}

// In a place of the page; gives what is to be called when another frame or query is shown. `state` is that of the page, and
// `seek` is called with a frame.
function buildChapters(place, { film, state, seek }) {
  const chosen = film.frames.length > 1 ? chapterFrames(film) : [];
  place.closest("section").hidden = chosen.length < 2;
  const items = chosen.map((frame, i) => {
    const moment = new Moment(film, { ...state, frame });
    const stills = make("span", { class: "stills" });
    const still = (values, [rows, columns], palette, low, high, name) => {
      const canvas = make("canvas", { width: String(columns * Math.max(1, Math.floor(STILL / columns))), height: String(rows * Math.max(1, Math.floor(STILL / columns))), "aria-hidden": "true" });
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(pixels(values, rows, columns, palette, low, high), 0, 0, canvas.width, canvas.height);
      stills.append(make("span", { class: "still" }, canvas, make("span", { class: "still-name" }, ...formula(name))));
    };
    const kept = moment.kept(moment.map);
    if (kept) still(mapOf(kept), moment.map.cells, "sequential", 0, 1, say("mapTitle"));
    for (const name of ["W_Q", "W_K", "W_V"]) {
      const matrix = moment.matrix(name);
      const values = matrix && MatrixView.values(matrix, "weights", frame);
      if (values) still(values, matrix.cells, "diverging", -scaleOf(matrix), scaleOf(matrix), name);
    }
    const { step, loss } = film.frames[frame];
    const words = make("span", { class: "chapter-words" });
    // Of the query that is pinned, against the still before.
    const tell = (query) => words.replaceChildren(...prose(frame === 0 && step === 0 ? say("chapter.first") : attentionInWords(moment, query ?? moment.firstQuery(), i > 0 ? moment.at(chosen[i - 1]) : null)));
    const button = make("button", { type: "button", class: "chapter" }, make("b", {}, Number.isFinite(loss) ? say("chapter.loss", { step, loss: amount(loss) }) : say("readout", { step })), stills, words);
    button.addEventListener("click", () => {
      seek(frame);
      at("screen").scrollIntoView({ block: "start" });
    });
    return { frame, button, tell };
  });
  place.replaceChildren(...items.map(({ button }) => button));
  let told;
  return () => {
    items.forEach(({ frame, button }, i) => button.setAttribute("aria-current", state.frame >= frame && (i + 1 === items.length || state.frame < items[i + 1].frame) ? "step" : "false"));
    if (told === state.query) return;
    told = state.query;
    for (const { tell } of items) tell(state.query);
  };
}
