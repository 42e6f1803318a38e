"use strict";
(() => {
  const film = JSON.parse(document.getElementById("film").textContent);
  const at = (id) => document.getElementById(id);
  const [play, slider, stepNow, layerChoice, headChoice] = ["play", "step", "step-now", "layer", "head"].map(at);
  const [said, mapPlace, matricesPlace, cursor] = ["said", "map", "matrices", "cursor"].map(at);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const state = { frame: film.frames.length - 1, layer: "", head: 0, timer: 0 };

  // All text goes through here, so that no token becomes markup.
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // Three significant digits, as in the terminal; no zeros that only fill up a whole number.
  function number(x) {
    if (x === null || Number.isNaN(x)) return "NaN or infinite";
    if (x === 0) return "0";
    const size = Math.abs(x);
    return size < 0.001 || size >= 10000 ? x.toExponential(2) : x.toFixed(Math.max(0, 2 - Math.floor(Math.log10(size))));
  }
  const percent = (share) => `${(100 * share).toFixed(1)} %`;

  // 16-bit numbers, where 32767 is the limit and -32768 is NaN or infinite.
  const decoded = new Map();
  function decode(text, limit) {
    const key = text;
    if (!decoded.has(key)) {
      if (decoded.size > 400) decoded.clear();
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const view = new DataView(bytes.buffer);
      const values = new Float64Array(bytes.length / 2);
      for (let i = 0; i < values.length; i++) {
        const q = view.getInt16(2 * i, true);
        values[i] = q === -32768 ? NaN : (q / 32767) * limit;
      }
      decoded.set(key, { limit, values });
    }
    const found = decoded.get(key);
    return found.limit === limit ? found.values : found.values.map((x) => (x / found.limit) * limit);
  }

  // Zero is the colour of the paper; both ends are far from it in lightness.
  const palettes = {
    diverging: {
      light: ["#053061", "#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#ffffff", "#fddbc7", "#f4a582", "#d6604d", "#b2182b", "#67001f"],
      dark: ["#d4ecff", "#9ccbf2", "#5f9fd8", "#356a9e", "#21405f", "#17181b", "#5a2c22", "#984936", "#d3705a", "#f4a58c", "#ffdfd2"],
    },
    sequential: {
      light: ["#ffffff", "#e4f0df", "#bfe0c0", "#86c9b3", "#4aa9b0", "#2a82a6", "#215b95", "#233a78", "#1b1f4f"],
      dark: ["#17181b", "#1f2b4d", "#234a78", "#23719a", "#2b98a6", "#55bba2", "#99d69a", "#d3eba6", "#fdfbd0"],
    },
  };
  function colour(kind, fraction) {
    const stops = palettes[kind][dark.matches ? "dark" : "light"];
    const place = Math.min(Math.max(fraction, 0), 1) * (stops.length - 1);
    const below = Math.min(Math.floor(place), stops.length - 2);
    const channel = (stop, i) => parseInt(stop.slice(1 + 2 * i, 3 + 2 * i), 16);
    const mixed = [0, 1, 2].map((i) => Math.round(channel(stops[below], i) + (place - below) * (channel(stops[below + 1], i) - channel(stops[below], i))));
    return `rgb(${mixed.join(",")})`;
  }
  const ink = () => getComputedStyle(document.body).color;

  // A heat map: `picture` has rows, columns, names of both, a palette, a range, and values that change.
  class HeatMap {
    constructor(place, picture) {
      Object.assign(this, picture, { cell: null, space: place.clientWidth > 200 ? place.clientWidth : 480 });
      this.canvas = make("canvas", { role: "img", tabindex: "0" });
      this.where = make("p", { class: "hint", "aria-live": "polite" }, "Point at a cell, or move to it with the arrow keys.");
      const bar = make("canvas", { width: "144", height: "12", "aria-hidden": "true" });
      this.bar = bar;
      const ends = [this.low, this.high].map(number);
      this.caption = make("figcaption");
      this.table = make("div", { class: "scroll" });
      this.details = make("details", {}, make("summary", {}, "Values as a table"), this.table);
      this.details.addEventListener("toggle", () => this.tabulate());
      place.append(make("figure", {}, this.caption, this.canvas, make("div", { class: "bar" }, ends[0], bar, ends[1]), this.where, this.details));
      this.canvas.addEventListener("pointermove", (event) => this.point(event));
      this.canvas.addEventListener("pointerleave", () => this.leave());
      this.canvas.addEventListener("blur", () => this.leave());
      this.canvas.addEventListener("keydown", (event) => this.key(event));
      this.measure();
    }
    measure() {
      const context = this.canvas.getContext("2d");
      context.font = `bold ${this.font()}`;
      const widest = (names) => Math.ceil(Math.max(...names.map((name) => context.measureText(cut(name)).width))) + 6;
      this.side = this.labels ? widest(this.rowNames) : 0;
      this.head = this.labels ? widest(this.columnNames) : 0;
      const room = Math.min(480, this.space) - this.side;
      this.size = Math.min(28, Math.max(2, Math.floor(Math.min(room / this.columns, 480 / this.rows))));
      this.width = this.side + this.columns * this.size + 1;
      this.height = this.head + this.rows * this.size + 1;
      const ratio = window.devicePixelRatio || 1;
      this.canvas.width = this.width * ratio;
      this.canvas.height = this.height * ratio;
      this.canvas.style.width = `${this.width}px`;
    }
    font() { return "12px system-ui, sans-serif"; }
    show(values, caption, described) {
      this.values = values;
      this.caption.replaceChildren(...caption);
      this.canvas.setAttribute("aria-label", described);
      this.draw();
      this.say();
      this.tabulate();
    }
    fraction(x) { return this.high === this.low ? 0.5 : (x - this.low) / (this.high - this.low); }
    draw() {
      const context = this.canvas.getContext("2d");
      const ratio = window.devicePixelRatio || 1;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, this.width, this.height);
      const { side, head, size } = this;
      for (let i = 0; i < this.values.length; i++) {
        const [row, column] = [Math.floor(i / this.columns), i % this.columns];
        const x = this.values[i];
        context.fillStyle = Number.isNaN(x) ? "#ff00ff" : colour(this.palette, this.fraction(x));
        context.fillRect(side + column * size, head + row * size, size, size);
        if (this.palette === "diverging" && size >= 8 && x < 0 && -x > 0.1 * this.high) {
          context.fillStyle = -x > 0.5 * this.high ? colour("diverging", 0.5) : ink();
          context.fillRect(side + column * size + size * 0.3, head + row * size + size / 2 - 0.5, size * 0.4, 1);
        }
      }
      context.strokeStyle = "#80808080";
      context.strokeRect(side + 0.5, head + 0.5, this.columns * size, this.rows * size);
      if (this.labels) this.drawLabels(context);
      if (this.cell) {
        const [row, column] = this.cell;
        context.strokeStyle = ink();
        context.lineWidth = 1;
        context.strokeRect(side + 0.5, head + row * size + 0.5, this.columns * size, size);
        context.strokeRect(side + column * size + 0.5, head + 0.5, size, this.rows * size);
        context.lineWidth = 2;
        context.strokeRect(side + column * size + 1, head + row * size + 1, size - 1, size - 1);
        context.lineWidth = 1;
      }
      const bar = this.bar.getContext("2d");
      for (let x = 0; x < 144; x++) {
        bar.fillStyle = colour(this.palette, x / 143);
        bar.fillRect(x, 0, 1, 12);
      }
    }
    drawLabels(context) {
      const { side, head, size } = this;
      context.textBaseline = "middle";
      const every = Math.ceil(12 / size);
      const style = (isChosen) => {
        context.fillStyle = ink();
        context.font = `${isChosen ? "bold " : ""}${this.font()}`;
      };
      context.textAlign = "right";
      for (let row = 0; row < this.rows; row += every) {
        style(this.cell && this.cell[0] === row);
        context.fillText(cut(this.rowNames[row]), side - 4, head + (row + 0.5) * size);
      }
      context.textAlign = "left";
      for (let column = 0; column < this.columns; column += every) {
        style(this.cell && this.cell[1] === column);
        context.save();
        context.translate(side + (column + 0.5) * size, head - 4);
        context.rotate(-Math.PI / 2);
        context.fillText(cut(this.columnNames[column]), 0, 0);
        context.restore();
      }
    }
    point(event) {
      const box = this.canvas.getBoundingClientRect();
      const scale = this.width / box.width;
      const column = Math.floor(((event.clientX - box.left) * scale - this.side) / this.size);
      const row = Math.floor(((event.clientY - box.top) * scale - this.head) / this.size);
      const inside = row >= 0 && column >= 0 && row < this.rows && column < this.columns;
      this.choose(inside ? [row, column] : null);
    }
    leave() { this.choose(null); }
    key(event) {
      const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!move) return;
      event.preventDefault();
      event.stopPropagation();
      const [row, column] = this.cell ?? [-move[0], -move[1]];
      const within = (x, most) => Math.min(Math.max(x, 0), most - 1);
      this.choose([within(row + move[0], this.rows), within(column + move[1], this.columns)]);
    }
    choose(cell) {
      if (String(cell) === String(this.cell)) return;
      this.cell = cell;
      this.draw();
      this.say();
    }
    say() {
      if (!this.cell) return;
      const [row, column] = this.cell;
      this.where.textContent = this.describe(row, column, this.values[row * this.columns + column]);
    }
    tabulate() {
      if (!this.details.open) return;
      const head = make("tr", {}, make("th"), ...this.columnNames.map((name) => make("th", { scope: "col" }, name)));
      const rows = this.rowNames.map((name, row) => {
        const values = Array.from(this.values.subarray(row * this.columns, (row + 1) * this.columns));
        return make("tr", {}, make("th", { scope: "row" }, name), ...values.map((x) => make("td", {}, number(x))));
      });
      this.table.replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
    }
  }
  const cut = (name) => (Array.from(name).length > 14 ? `${Array.from(name).slice(0, 13).join("")}…` : name);

  // Names of the cells along one axis, where a cell may stand for a block.
  const counted = (axis, cells, block, size) => Array.from({ length: cells }, (_, i) => {
    const [first, last] = [i * block, Math.min((i + 1) * block, size) - 1];
    return first === last ? `${axis} ${first}` : `${axis} ${first} to ${last}`;
  });

  let pictures = [];
  const chosenLayer = () => film.layers.find((layer) => layer.name === state.layer);

  // What belongs to a layer and head; the steps then only change its values.
  function build() {
    matricesPlace.replaceChildren();
    mapPlace.replaceChildren();
    const matrices = chosenLayer()?.heads[state.head] ?? [];
    // All places first: how wide one is depends on how many there are.
    const places = matrices.map(() => make("div"));
    matricesPlace.append(...places);
    pictures = matrices.map((matrix, i) => buildMatrix(matrix, places[i]));
    if (!pictures.length) matricesPlace.append(make("p", {}, "This layer has no matrices: queries, keys and values are the input itself."));
    pictures.push(buildMap());
    show();
  }

  function buildMatrix(matrix, place) {
    const names = [0, 1].map((i) => counted(matrix.axes[i], matrix.cells[i], matrix.block[i], matrix.size[i]));
    const [rows, columns] = matrix.cells;
    const isBlocks = matrix.block[0] * matrix.block[1] > 1;
    const map = new HeatMap(place, {
      rows, columns, palette: "diverging", low: -matrix.limit, high: matrix.limit, labels: false,
      rowNames: names[0], columnNames: names[1],
      describe: (row, column, x) => `${matrix.name}, ${names[0][row]}, ${names[1][column]}: ${number(x)}${isBlocks ? " (largest of its block)" : ""}`,
    });
    const singular = make("tbody");
    place.append(make("details", { open: "" }, make("summary", {}, "Singular values"),
      make("table", { class: "values" }, singular)));
    return () => {
      const frame = matrix.frames[state.frame];
      place.hidden = !frame;
      if (!frame) return;
      const title = make("h3", {}, `${matrix.name} `);
      const moved = frame.moved === null ? "" : `, moved by ${number(frame.moved)} times its first length`;
      const facts = `${matrix.size[0]} × ${matrix.size[1]}, ${matrix.axes[0]} down, ${matrix.axes[1]} across; norm ${number(frame.norm)}${moved}${isBlocks ? `; each cell is a block of ${matrix.block.join(" × ")}` : ""}`;
      map.show(decode(frame.data, matrix.limit), [title, facts], `${matrix.name} at step ${film.frames[state.frame].step}: ${facts}. Values in the table below.`);
      const most = Math.max(...matrix.frames.map((one) => one?.singular_values[0] ?? 0), 1e-300);
      singular.replaceChildren(...frame.singular_values.map((value, i) => {
        const bar = make("span");
        bar.style.width = `${(100 * value) / most}%`;
        return make("tr", {}, make("th", { scope: "row" }, `σ ${i + 1}`), make("td", {}, number(value)), make("td", { class: "amount", "aria-hidden": "true" }, bar));
      }));
    };
  }

  function buildMap() {
    let [shown, map, facts] = [null, null, null];
    return () => {
      const ofHead = (one) => one.maps.find((map) => map.layer === state.layer && map.head === state.head);
      const before = film.snapshots.slice(0, (film.frames[state.frame].snapshot ?? -1) + 1);
      const snapshot = before.findLast(ofHead);
      const found = snapshot && ofHead(snapshot);
      if (found !== shown || !map) {
        shown = found;
        mapPlace.replaceChildren();
        if (!found) {
          const first = film.snapshots.find(ofHead)?.step;
          const later = first === undefined ? "This run saved none." : `The first one was saved at step ${first}.`;
          mapPlace.append(make("p", {}, `There is no attention map of this head at or before this step. ${later}`));
          map = null;
          return;
        }
        [map, facts] = drawnMap(snapshot, found);
      }
      map.show(decode(found.data, 1), facts.caption, facts.described);
    };
  }

  function drawnMap(snapshot, found) {
    const [rows, columns] = found.cells;
    const name = (kind, length) => (i) => (snapshot.tokens.length === length ? `${i}: ${snapshot.tokens[i]}` : `${kind} ${i}`);
    const names = [["query", rows], ["key", columns]].map(([kind, length]) => Array.from({ length }, (_, i) => name(kind, length)(i)));
    const side = make("div", { class: "side" });
    const [left, right] = [make("div"), make("div")];
    side.append(left, right);
    mapPlace.append(side);
    const map = new HeatMap(left, {
      rows, columns, palette: "sequential", low: 0, high: 1, labels: true, rowNames: names[0], columnNames: names[1],
      describe: (row, column, x) => `query ${names[0][row]} gives ${percent(x)} of its attention to key ${names[1][column]}`,
    });
    const habits = found.habits.map(([words, share]) => {
      const bar = make("span");
      bar.style.width = `${100 * share}%`;
      return make("tr", {}, make("th", { scope: "row" }, words), make("td", {}, percent(share)), make("td", { class: "amount", "aria-hidden": "true" }, bar));
    });
    if (habits.length) right.append(make("table", { class: "values" }, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "attention to"), make("th", { scope: "col" }, "share"))), make("tbody", {}, ...habits)));
    right.append(...probe(snapshot));
    const keys = found.n_keys === null ? "" : ` A query spreads its attention as if over ${number(found.n_keys)} keys.`;
    const text = `saved at step ${snapshot.step}; query down, key across.${keys}`;
    return [map, { caption: [`Head ${found.head} of ${found.layer}, ${text}`], described: `Attention map of head ${found.head} of ${found.layer}, ${text} Values in the table below.` }];
  }

  // What was asked and what was said, position by position.
  function probe(snapshot) {
    if (!snapshot.targets.some((target) => target !== "")) return [];
    const rows = snapshot.tokens.map((token, i) => {
      const [target, said] = [snapshot.targets[i] ?? "", snapshot.predictions[i] ?? ""];
      const isRight = target === said;
      const answer = make("td", isRight ? {} : { class: "wrong" }, target === "" ? "" : `${said}${isRight ? " ✓" : " ✗"}`);
      return make("tr", {}, make("th", { scope: "row" }, String(i)), make("td", {}, token), make("td", {}, target), answer);
    });
    const head = make("tr", {}, ...["position", "token", "right answer", "model's answer"].map((name) => make("th", { scope: "col" }, name)));
    return [make("details", { class: "probe" }, make("summary", {}, "What was asked, and what the model said"), make("div", { class: "scroll" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))))];
  }

  function show() {
    const frame = film.frames[state.frame];
    slider.value = String(state.frame);
    slider.setAttribute("aria-valuetext", `step ${frame.step}`);
    stepNow.textContent = String(frame.step);
    const loss = frame.loss === null ? "" : `, loss ${number(frame.loss)}`;
    const accuracy = frame.accuracy === null ? "" : `, accuracy ${percent(frame.accuracy)} when it was last measured`;
    said.textContent = `Step ${frame.step}${loss}${accuracy}.`;
    if (cursor) {
      const [left, right, most] = ["left", "right", "most"].map((name) => Number(cursor.dataset[name]));
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
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
    said.setAttribute("aria-live", "polite");
  }
  function toggle() {
    if (state.timer) return stop();
    if (state.frame === film.frames.length - 1) go(0);
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    // A screen reader need not say every step of a film that plays.
    said.setAttribute("aria-live", "off");
    state.timer = setInterval(() => (state.frame < film.frames.length - 1 ? go(state.frame + 1) : stop()), 250);
  }

  play.addEventListener("click", toggle);
  slider.addEventListener("input", () => { stop(); go(Number(slider.value)); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("select, summary, input")) {
      if (!(event.target === slider && event.key === " ")) return;
    }
    if (event.key === " " && event.target === play) return;
    const action = { ArrowLeft: () => { stop(); go(state.frame - 1); }, ArrowRight: () => { stop(); go(state.frame + 1); }, Home: () => { stop(); go(0); }, End: () => { stop(); go(film.frames.length - 1); }, " ": toggle }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  dark.addEventListener("change", () => show());

  const layerNames = [...new Set([...film.layers.map((layer) => layer.name), ...film.snapshots.flatMap((one) => one.maps.map((map) => map.layer))])];
  function chooseLayer(name) {
    state.layer = name;
    const ofMaps = film.snapshots.flatMap((one) => one.maps.filter((map) => map.layer === name).map((map) => map.head + 1));
    const count = Math.max(chosenLayer()?.heads.length ?? 0, ...ofMaps, 1);
    state.head = Math.min(state.head, count - 1);
    headChoice.replaceChildren(...Array.from({ length: count }, (_, i) => make("option", { value: String(i) }, String(i))));
    headChoice.value = String(state.head);
    build();
  }
  layerChoice.append(...layerNames.map((name) => make("option", { value: name }, name === "" ? "(no name)" : name)));
  layerChoice.addEventListener("change", () => chooseLayer(layerChoice.value));
  headChoice.addEventListener("change", () => { state.head = Number(headChoice.value); build(); });
  chooseLayer(layerNames[0] ?? "");
})();
