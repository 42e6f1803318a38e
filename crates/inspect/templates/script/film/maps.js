// What the heads look at: small multiples of all heads, and the map of the chosen one in numbers.
const chosenProbe = () => film.probes[state.probe];
const mapsOfLayer = (probe, layer) => probe?.maps.filter((map) => map.layer === layer) ?? [];
const chosenMap = () => chosenProbe()?.maps.find((map) => map.layer === state.layer && map.head === state.head);

// The last frame up to this one in which the map was kept.
function frameWithMap(map, upTo) {
  for (let frame = upTo; frame >= 0; frame--) if (map.frames[frame]) return frame;
  return -1;
}

function headInWords({ layer, head }) {
  const words = layerInWords(film, layer);
  if (words) return say("headOfKind", { layer: words, head });
  return layerNames.length > 1 ? say("headOfLayer", { layer: layerNames.indexOf(layer), head }) : say("headName", { head });
}

// One small picture for every head; drawn a few at a time, so that the page stays awake.
function buildHeads(place) {
  const maps = chosenProbe()?.maps ?? [];
  if (maps.length < 2) return () => {};
  const items = maps.map((map) => {
    const picture = make("canvas", { width: "72", height: "72", "aria-hidden": "true" });
    const words = headInWords(map);
    // The name of its kind stands above the row.
    const button = make("button", { type: "button", class: "head", "aria-label": words }, picture, layerInWords(film, map.layer) ? say("headName", { head: map.head }) : words);
    button.addEventListener("click", () => chooseHead(map.layer, map.head));
    return { map, picture, button };
  });
  const layers = layerNames.map((layer) => items.filter((item) => item.map.layer === layer)).filter((row) => row.length);
  const rows = layers.some((row) => row.length > 1 || layerInWords(film, row[0].map.layer)) ? layers : [items];
  const title = ([{ map }]) => [layerInWords(film, map.layer) ?? []].flat().map((words) => make("h3", { class: "kind" }, words));
  place.append(...rows.flatMap((row) => [...title(row), make("div", { class: "heads" }, ...row.map((item) => item.button))]));
  let round = 0;
  return () => {
    const mine = ++round;
    for (const { map, button } of items) button.setAttribute("aria-pressed", String(map.layer === state.layer && map.head === state.head));
    const some = (first) => {
      if (mine !== round) return;
      for (const { map, picture } of items.slice(first, first + 8)) {
        const context = picture.getContext("2d");
        const frame = frameWithMap(map, state.frame);
        const [rows, columns] = map.cells;
        const side = 72 / Math.max(rows, columns);
        context.imageSmoothingEnabled = Math.max(rows, columns) > 72;
        context.clearRect(0, 0, 72, 72);
        if (frame >= 0) context.drawImage(pixels(mapOf(map.frames[frame]), rows, columns, "sequential", 0, 1), 0, 0, columns * side, rows * side);
      }
      if (first + 8 < items.length) requestAnimationFrame(() => some(first + 8));
    };
    some(0);
  };
}

function buildMap(place) {
  const [probe, map] = [chosenProbe(), chosenMap()];
  const first = map?.frames.findIndex((frame) => frame) ?? -1;
  if (first < 0) {
    place.append(make("p", {}, say("noMap")));
    return () => {};
  }
  const [left, right] = [make("div"), make("div")];
  place.append(make("div", { class: "side" }, left, right));
  const called = mapNames(probe, map);
  const silent = map.block[0] === 1 ? new Moment(film, state).silentRows() : [];
  let values = new Float32Array(map.cells[0] * map.cells[1]);
  const picture = new HeatMap(left, {
    rows: map.cells[0], columns: map.cells[1], palette: "sequential", low: 0, high: 1, inCell: (x) => x.toFixed(2), labels: true, rowNames: called[0], columnNames: called[1], silent,
    describe: (row, column, x) => say("cell.map", { query: called[0][row], key: called[1][column], share: percent(x) }) + (silent[row] ? say("cell.silent") : ""),
    picked: ([row]) => choose({ query: row * map.block[0] }),
  });
  const [patterns, answers] = [make("div"), make("div")];
  right.append(patterns, answers);
  const axes = axesInWords(film, map.layer, map.block) + (silent.includes(true) ? say("mapSilent") : "");
  return () => {
    const frame = frameWithMap(map, state.frame);
    if (frame < 0) values = new Float32Array(values.length);
    else values = mapOf(map.frames[frame]);
    const kept = map.frames[frame];
    const when = frame < 0 ? say("map.from", { step: film.frames[first].step }) : say("map.at", { step: film.frames[frame].step });
    const keys = kept?.n_keys == null ? "" : say("map.keys", { n: brief(kept.n_keys) });
    const words = { head: headInWords(map), when, axes, keys };
    picture.show(values, [make("h3", {}, say("map.title", words)), say("map.caption", words)], say("map.label", words));
    const rows = (kept?.patterns ?? []).map(([words, share]) => [words, share, percent(share)]);
    patterns.replaceChildren(...(rows.length ? [bars(say("map.to"), say("map.share"), rows, 1)] : []));
    answers.replaceChildren(...said(probe, probe.predictions[frame]));
  };
}

// What was asked and what the model said, position by position.
function said(probe, predictions) {
  if (!predictions || !probe.targets.some((target) => target !== "")) return [];
  const rows = probe.tokens.flatMap((token, i) => {
    const target = probe.targets[i] ?? "";
    if (target === "") return [];
    const isRight = target === predictions[i];
    return [[String(placeIn(probe, i)), token, target, `${predictions[i]} ${isRight ? "✓" : "✗"}`]];
  });
  const right = rows.filter((row) => row[3].endsWith("✓")).length;
  return [make("p", { class: "answers" }, say("answers.right", { right, all: rows.length })),
    make("details", {}, make("summary", {}, say("answers.title")), table([say("tokens.position"), say("tokens.input"), say("tokens.right"), say("tokens.said")], rows))];
}
