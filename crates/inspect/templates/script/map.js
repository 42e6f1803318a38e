// What the heads look at: small multiples of all heads, the map of the chosen one, and the tokens themselves.
const chosenProbe = () => film.probes[state.probe];
const mapsOfLayer = (probe, layer) => probe?.maps.filter((map) => map.layer === layer) ?? [];
const chosenMap = () => chosenProbe()?.maps.find((map) => map.layer === state.layer && map.head === state.head);

// The last frame up to this one in which the map was kept.
function frameWithMap(map, upTo) {
  for (let frame = upTo; frame >= 0; frame--) if (map.frames[frame]) return frame;
  return -1;
}

// One small picture for every head; drawn a few at a time, so that the page stays awake.
function buildHeads(place) {
  const maps = chosenProbe()?.maps ?? [];
  if (maps.length < 2) return () => {};
  const items = maps.map((map) => {
    const picture = make("canvas", { width: "72", height: "72", "aria-hidden": "true" });
    const layer = layerNames.indexOf(map.layer);
    const button = make("button", { type: "button", class: "head", "aria-label": `Head ${map.head} of ${map.layer}` }, picture, `layer ${layer}, head ${map.head}`);
    button.addEventListener("click", () => chooseHead(map.layer, map.head));
    return { map, picture, button };
  });
  const layers = layerNames.map((layer) => items.filter((item) => item.map.layer === layer)).filter((row) => row.length);
  const rows = layers.some((row) => row.length > 1) ? layers : [items];
  place.append(...rows.map((row) => make("div", { class: "heads" }, ...row.map((item) => item.button))));
  let round = 0;
  return () => {
    const mine = ++round;
    for (const { map, button } of items) button.setAttribute("aria-pressed", String(map.layer === state.layer && map.head === state.head));
    const some = (first) => {
      if (mine !== round) return;
      for (const { map, picture } of items.slice(first, first + 8)) {
        const context = picture.getContext("2d");
        const frame = frameWithMap(map, state.frame);
        context.imageSmoothingEnabled = map.cells[0] > 72;
        context.clearRect(0, 0, 72, 72);
        if (frame >= 0) context.drawImage(pixels(mapOf(map.frames[frame]), ...map.cells, "sequential", 0, 1), 0, 0, 72, 72);
      }
      if (first + 8 < items.length) requestAnimationFrame(() => some(first + 8));
    };
    some(0);
  };
}

// The input as it stands; each token can be pointed at, and then shows what it attends to.
function buildTokens(place, map, values, choose) {
  const probe = chosenProbe();
  if (probe.tokens.length !== map.size[0]) return null;
  const buttons = probe.tokens.map((token, i) => {
    const share = make("i", { "aria-hidden": "true" });
    const button = make("button", { type: "button", class: "token", "aria-label": `position ${i}: ${token}` }, token, share);
    button.addEventListener("pointerenter", () => choose(i));
    button.addEventListener("focus", () => choose(i));
    button.addEventListener("pointerleave", () => choose(null));
    button.addEventListener("blur", () => choose(null));
    return { button, share };
  });
  const said = make("p", { class: "where", "aria-live": "polite" });
  place.append(make("div", { class: "tokens", role: "group", "aria-label": "The input; point at a token to see what it attends to" }, ...buttons.map(({ button }) => button)), said);
  return (query) => {
    const row = query === null ? null : Math.floor(query / map.block[0]);
    const weight = (i) => (row === null ? 0 : values()[row * map.cells[1] + Math.floor(i / map.block[1])]);
    buttons.forEach(({ button, share }, i) => {
      button.style.background = row === null ? "" : colour("sequential", weight(i));
      button.style.color = row === null ? "" : inkOn("sequential", weight(i));
      share.style.width = `${100 * weight(i)}%`;
      button.classList.toggle("asks", i === query);
    });
    if (row === null) {
      said.textContent = "Point at a token to see what it attends to.";
      return;
    }
    const order = probe.tokens.map((_, i) => i).sort((a, b) => weight(b) - weight(a)).slice(0, 3).filter((i) => weight(i) > 0);
    said.textContent = `Position ${query} (${probe.tokens[query]}) attends to ${order.map((i) => `position ${i} (${probe.tokens[i]}) with ${percent(weight(i))}`).join(", ")}.`;
  };
}

function buildMap(place) {
  const [probe, map] = [chosenProbe(), chosenMap()];
  const first = map?.frames.findIndex((frame) => frame) ?? -1;
  if (first < 0) {
    place.append(make("p", {}, "This run kept no attention map of this head."));
    return () => {};
  }
  const [above, side] = [make("div"), make("div", { class: "side" })];
  const [left, right] = [make("div"), make("div")];
  side.append(left, right);
  place.append(above, side);
  const called = [0, 1].map((axis) => names(["query", "key"][axis], probe.tokens, map.cells[axis], map.block[axis], map.size[axis]));
  let [values, query] = [new Float32Array(map.cells[0] * map.cells[1]), null];
  const picture = new HeatMap(left, {
    rows: map.cells[0], columns: map.cells[1], palette: "sequential", low: 0, high: 1, labels: true, rowNames: called[0], columnNames: called[1],
    describe: (row, column, x) => `query ${called[0][row]} gives ${percent(x)} of its attention to key ${called[1][column]}`,
    chosen: (cell) => showTokens?.(cell === null ? query : cell[0] * map.block[0]),
  });
  const showTokens = buildTokens(above, map, () => values, (i) => {
    query = i;
    showTokens(query);
  });
  const [patterns, answers] = [make("div"), make("div")];
  right.append(patterns, answers);
  const blocks = map.block[0] > 1 ? `; each cell is the average of a block of ${map.block.join(" × ")}` : "";
  return () => {
    const frame = frameWithMap(map, state.frame);
    if (frame < 0) values = new Float32Array(values.length);
    else values = mapOf(map.frames[frame]);
    const kept = map.frames[frame];
    const when = frame < 0 ? `kept from step ${film.frames[first].step} on` : `at step ${film.frames[frame].step}`;
    const keys = kept?.n_keys == null ? "" : ` A query spreads its attention as if over ${number(kept.n_keys)} keys.`;
    const text = ` ${when}: query down, key across${blocks}.${keys}`;
    picture.show(values, [make("h3", {}, `Head ${map.head} of ${map.layer}`), text], `Attention map of head ${map.head} of ${map.layer}${text} Values in the table below.`);
    showTokens?.(query);
    const rows = (kept?.patterns ?? []).map(([words, share]) => [words, share, percent(share)]);
    patterns.replaceChildren(...(rows.length ? [bars("attention to", "share", rows, 1)] : []));
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
    return [[String(i), token, target, `${predictions[i]} ${isRight ? "✓" : "✗"}`]];
  });
  const right = rows.filter((row) => row[3].endsWith("✓")).length;
  return [make("p", { class: "answers" }, `Here the model gets ${right} of ${rows.length} answers right.`),
    make("details", {}, make("summary", {}, "What was asked, and what the model said"), table(["position", "token", "right answer", "model's answer"], rows))];
}

// The same picture of other runs.
function buildVariants(place) {
  for (const variant of film.variants) {
    const [probe] = variant.probes;
    for (const map of probe?.maps.slice(0, 1) ?? []) {
      const spot = make("div");
      place.append(spot);
      const called = [0, 1].map((axis) => names(["query", "key"][axis], probe.tokens, map.cells[axis], map.block[axis], map.size[axis]));
      const picture = new HeatMap(spot, {
        rows: map.cells[0], columns: map.cells[1], palette: "sequential", low: 0, high: 1, labels: map.cells[0] <= 32, rowNames: called[0], columnNames: called[1],
        describe: (row, column, x) => `query ${called[0][row]} gives ${percent(x)} of its attention to key ${called[1][column]}`,
      });
      const caption = ` Head ${map.head} of ${map.layer} at its last step.`;
      redrawn.push(() => picture.show(mapOf(map.frames[0]), [make("h3", {}, variant.title), caption], `Attention map of ${variant.title}${caption} Values in the table below.`));
    }
  }
}
