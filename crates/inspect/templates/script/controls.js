// The controls: which step, layer, head, input and gauge; everything else follows from them.
const state = { frame: film.frames.length - 1, layer: "", head: 0, probe: 0, gauge: "raw", timer: 0 };
const layerNames = [...new Set([...film.layers.map((layer) => layer.name), ...film.probes.flatMap((probe) => probe.maps.map((map) => map.layer))])];
const places = ["heads", "map", "matrices", "circuits", "changes"].map(at);
const cursors = document.querySelectorAll("[data-most]");
let pictures = [];
const redrawn = [];

// What belongs to a layer, head, input and gauge; the steps then only change its values.
function build() {
  for (const place of places) place.replaceChildren();
  const [heads, map, matrices, circuits, changes] = places;
  const shown = shownMatrices();
  at("gauge-said").textContent = gaugeInWords();
  pictures = [buildHeads(heads), buildMap(map), ...buildMatrices(matrices, shown, false)];
  if (!shown.length) matrices.append(make("p", {}, "This layer has no matrices: queries, keys and values are the input itself."));
  const together = chosenHead()?.circuits ?? [];
  pictures.push(...buildMatrices(circuits, together, true), buildChanges(changes));
  if (!together.length) circuits.append(make("p", {}, "The frames of this run hold no token vectors, so that nothing can be seen through them."));
  show();
}

function show() {
  const frame = film.frames[state.frame];
  at("step").value = String(state.frame);
  at("step").setAttribute("aria-valuetext", `step ${frame.step}`);
  at("step-now").textContent = String(frame.step);
  const loss = frame.loss === null ? "" : `, loss ${number(frame.loss)}`;
  const accuracy = frame.accuracy === null ? "" : `, accuracy ${percent(frame.accuracy)} when it was last measured`;
  at("said").textContent = `Step ${frame.step}${loss}${accuracy}.`;
  for (const cursor of cursors) {
    const [left, right, most] = ["left", "right", "most"].map((key) => Number(cursor.dataset[key]));
    const x = left + ((right - left) * frame.step) / most;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
  }
  for (const picture of pictures) picture();
}

function go(frame) {
  state.frame = Math.min(Math.max(frame, 0), film.frames.length - 1);
  show();
}
function stop() {
  clearInterval(state.timer);
  state.timer = 0;
  at("play").textContent = "Play";
  at("play").setAttribute("aria-pressed", "false");
  at("said").setAttribute("aria-live", "polite");
}
function toggle() {
  if (state.timer) return stop();
  if (state.frame === film.frames.length - 1) go(0);
  at("play").textContent = "Pause";
  at("play").setAttribute("aria-pressed", "true");
  // A screen reader need not say every step of a film that plays.
  at("said").setAttribute("aria-live", "off");
  state.timer = setInterval(() => (state.frame < film.frames.length - 1 ? go(state.frame + 1) : stop()), 200);
}

const options = (select, texts) => select.replaceChildren(...texts.map((text, i) => make("option", { value: String(i) }, text)));
function chooseHead(layer, head) {
  state.layer = layer;
  const ofMaps = mapsOfLayer(chosenProbe(), layer).map((map) => map.head + 1);
  const count = Math.max(chosenLayer()?.heads.length ?? 0, ...ofMaps, 1);
  state.head = Math.min(head, count - 1);
  options(at("head"), Array.from({ length: count }, (_, i) => String(i)));
  at("layer").value = String(layerNames.indexOf(layer));
  at("head").value = String(state.head);
  build();
}

at("play").addEventListener("click", toggle);
at("step").addEventListener("input", () => { stop(); go(Number(at("step").value)); });
at("layer").addEventListener("change", () => chooseHead(layerNames[Number(at("layer").value)], state.head));
at("head").addEventListener("change", () => chooseHead(state.layer, Number(at("head").value)));
at("probe").addEventListener("change", () => { state.probe = Number(at("probe").value); build(); });
at("gauge").addEventListener("change", () => { state.gauge = at("gauge").value; build(); });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("select, summary, input, .scroll")) {
    if (!(event.target === at("step") && event.key === " ")) return;
  }
  if (event.key === " " && event.target.closest("button")) return;
  const action = { ArrowLeft: () => { stop(); go(state.frame - 1); }, ArrowRight: () => { stop(); go(state.frame + 1); }, Home: () => { stop(); go(0); }, End: () => { stop(); go(film.frames.length - 1); }, " ": toggle }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

function redraw() {
  show();
  for (const picture of redrawn) picture();
}
for (const query of [dark, printed]) query.addEventListener("change", redraw);

options(at("layer"), layerNames.map((text) => (text === "" ? "(no name)" : text)));
options(at("probe"), film.probes.map((probe, i) => cut(`${i}: ${probe.tokens.join(" ")}`, 28)));
at("probe").closest("label").hidden = film.probes.length < 2;
at("layer").closest("label").hidden = layerNames.length < 2;
at("gauge").querySelector("[value=balanced]").disabled = Boolean(film.no_gauge);
chooseHead(layerNames[0] ?? "", 0);
if (at("variants")) buildVariants(at("variants"));
for (const picture of redrawn) picture();
