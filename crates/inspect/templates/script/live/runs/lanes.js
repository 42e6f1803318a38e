// The lanes beside the stage: a card for each run, with its map, figures and size, at the step that is shown. A click or
// its number makes a run the large one.
const CARD_MAP = 100;

class LaneCards {
  constructor(place, { chosen }) {
    Object.assign(this, { place, chosen, cards: [] });
    place.addEventListener("keydown", (event) => this.key(event));
  }
  // Other runs.
  build(lanes) {
    this.lanes = lanes;
    this.place.closest(".rail").hidden = lanes.length < 2;
    document.body.classList.toggle("with-lanes", lanes.length > 1);
    this.cards = lanes.length < 2 ? [] : lanes.map((lane, i) => this.card(lane, i));
    this.place.replaceChildren(...this.cards.map(({ root }) => root));
  }
  card({ name, run }, i) {
    const canvas = make("canvas", { "aria-hidden": "true" });
    const [loss, accuracy] = [make("span"), make("span")];
    const size = make("span", { class: "lane-size" }, sizeInWords({ run }));
    const title = make("span", { class: "lane-title" }, make("span", { class: "lane-name" }, cut(name, 40)), make("kbd", { "aria-hidden": "true" }, String(i + 1)));
    const root = make("button", { type: "button", class: `lane lane-${i}`, role: "radio", "aria-keyshortcuts": String(i + 1) }, title, make("span", { class: "lane-map" }, canvas), make("span", { class: "lane-figures" }, loss, accuracy, size));
    root.addEventListener("click", () => this.chosen(i));
    return { root, canvas, loss, accuracy };
  }
  // As radio buttons.
  key(event) {
    const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!move || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const n = this.cards.length;
    const next = (this.large + move + n) % n;
    this.chosen(next);
    this.cards[next].root.focus();
  }
  // What every run is at the step that is shown.
  show(state, large) {
    this.large = large;
    this.cards.forEach(({ root, canvas, loss, accuracy }, i) => {
      const lane = this.lanes[i];
      if (!lane.film) return;
      root.setAttribute("aria-checked", String(i === large));
      root.tabIndex = i === large ? 0 : -1;
      const figures = lane.at(state.frame);
      loss.textContent = Number.isFinite(figures.loss) ? say("readout.loss", { loss: number(figures.loss) }) : "";
      accuracy.textContent = Number.isFinite(figures.accuracy) ? say("readout.accuracy", { accuracy: percent(figures.accuracy) }) : "";
      root.setAttribute("aria-label", say("lanes.card", { name: lane.name, loss: loss.textContent, accuracy: accuracy.textContent, size: sizeInWords(lane) }));
      this.draw(canvas, lane, state);
    });
  }
  draw(canvas, { film, layers, nHeads }, { frame, probe, layer, head }) {
    const moment = new Moment(film, { frame, probe: Math.min(probe, film.probes.length - 1), layer: layers.includes(layer) ? layer : mainLayer(film), head: Math.min(head, nHeads - 1) });
    const kept = moment.kept(moment.map);
    canvas.hidden = !kept;
    if (!kept) return;
    const [rows, columns] = moment.map.cells;
    // Cells of whole pixels.
    const size = Math.max(Math.floor((2 * CARD_MAP) / Math.max(rows, columns)), 1);
    canvas.width = columns * size;
    canvas.height = rows * size;
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(pixels(mapOf(kept), rows, columns, "sequential", 0, 1), 0, 0, canvas.width, canvas.height);
  }
}

const sizeInWords = ({ run }) => say("lanes.parameters", { n: run.n_parameters.toLocaleString("en") });

const laneCards = new LaneCards(at("lane-cards"), { chosen: enlarge });
accompany({
  began: () => laneCards.build(live.lanes),
  switched: (lane) => (at("lanes-said").textContent = say("lanes.switched", { name: live.lanes[lane].name })),
  shown: (state) => laneCards.show(state, live.lane),
  // Which runs there are, and which is large.
  address: () => ({ ...laneChoice.address, large: live.lane === (live.asked.large ?? 0) ? null : live.lane + 1 }),
  restore({ runs, large }) {
    if (/^[1-3]$/.test(large ?? "")) enlarge(Number(large) - 1);
    return [...(Object.hasOwn(LANE_CHOICES, runs ?? "") ? ["runs"] : []), "width", "first", "second", "third", "large"];
  },
  played: (isPlaying) => isPlaying && (at("lanes-more").open = false),
});
for (const query of [dark, printed]) query.addEventListener("change", () => live.film && laneCards.show(state, live.lane));
