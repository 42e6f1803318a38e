// The lecture in eight stations, as data: the run that each begins with, what a reader does there, and how the page sees
// in that run that the question is answered. One more is one more entry, with its texts under `station.KEY`.
//
// `actions` are buttons: an `edit` of the weights, or other `settings`, with which the run begins again. `look(seen)` is
// called with every frame; `seen` is an object of the station's own, which outlives its runs. It gives lines, as keys and
// values of texts, and whether they answer the question. `lanes` are runs beside each other, of which `large` is the large one; `asks` is the query that a reader is asked to predict.

// At which step the losses of two scores are compared.
const SCALING_STEP = 75;
const SCALING_WIDTH = 256;
// The lengths of which the costs are.
const LENGTHS = [8, 16, 32, 64];
// The first steps are slower: what a length costs is read from here on.
const WARM_STEP = 30;
// Weights that differ by less are the same: they travel in 16 bits.
const SAME = 2 ** -15;
const UNKNOWN = { lines: [], isFound: false };

// What stations read from the run.
const momentAt = (frame, { film } = live) => (frame >= 0 ? new Moment(film, { ...state, frame }) : null);
// What stands before and after a change that a reader made between two steps, or null. Its frame takes the place of the one
// before, which is therefore remembered.
function aroundChange(seen) {
  const moment = momentAt(live.film.frames.length - 1);
  // Of inputs that have maps alone there is nothing to compare.
  if (!["scaled", "weights", "v"].every((name) => moment.values(name))) return null;
  const part = (name) => Array.from(moment.values(name));
  const now = { step: moment.step, moment, scaled: part("scaled"), weights: part("weights"), v: part("v"), right: live.film.frames.at(-1).probe_answers?.[0] };
  if (seen.now && JSON.stringify([seen.now.step, seen.now.scaled, seen.now.v]) === JSON.stringify([now.step, now.scaled, now.v])) return seen.around;
  seen.around = seen.now?.step === now.step ? [seen.now, now] : null;
  seen.now = now;
  return seen.around;
}
const rowOf = ({ moment }, values, query) => values.slice(query * moment.nKeys, (query + 1) * moment.nKeys);
const mostOf = (row) => row.reduce((most, x, i) => (x > row[most] ? i : most), 0);
const shareIn = (moment, query, key) => percent(moment.row("weights", query)[key]);
const tokenOf = (moment, i) => say("tokenAt", { token: isolated(cut(moment.tokens[i])), position: i });
const accuracyOf = ({ film }) => film.log.accuracies.at(-1)?.[1];
const here = (matrix) => ({ layer: layerIndex(), head: state.head, matrix });
function cellsNow(name) {
  const matrix = momentAt(live.film.frames.length - 1).matrix(name);
  return Array.from(cellsOf(matrix, matrix.frames.at(-1)));
}

const STATIONS = [
  {
    key: "none", task: "letters", settings: { "model.projections": "none", "model.d_k": "8" },
    look() {
      if (live.ended === null) return UNKNOWN;
      const moment = momentAt(live.film.frames.length - 1);
      const own = moment.tokens.filter((token, i) => moment.tokens[mostOf(moment.row("weights", i))] === token).length;
      const accuracy = accuracyOf(live);
      return { lines: [["station.none.found", { step: moment.step, accuracy: percent(accuracy), own, n: moment.nQueries }]], isFound: accuracy < 0.5 };
    },
  },
  {
    key: "matrices", task: "letters", settings: {}, asks: 0, large: 2,
    lanes: LANE_CHOICES.arms().lanes,
    look() {
      const [none, frozen, learned] = live.lanes;
      const half = learned.film.frames.findIndex((_, i) => i > 0 && momentAt(i, learned).row("weights", 0)?.at(-1) > 0.5);
      const moment = momentAt(Math.max(half, 0), learned);
      const lines = half < 0 ? [] : [["station.matrices.half", { step: moment.step, query: tokenOf(moment, 0), key: tokenOf(moment, moment.nKeys - 1), share: shareIn(moment, 0, moment.nKeys - 1) }]];
      if (live.ended === null) return { lines, isFound: false };
      const [least, random, most] = [none, frozen, learned].map(accuracyOf);
      lines.push(["station.matrices.end", { figures: live.lanes.map((lane) => `${lane.name} ${percent(accuracyOf(lane))}`).join(", ") }]);
      return { lines, isFound: half >= 0 && most > 0.99 && least < 0.9 && random < 0.9 };
    },
  },
  {
    key: "scores", task: "letters", settings: {},
    actions: [{ text: "station.scores.zero", edit: () => ({ what: "zero", place: here("w_q") }) }],
    look(seen) {
      const around = aroundChange(seen);
      if (!around || around[1].scaled.some((score) => score !== 0) || around[0].scaled.every((score) => score === 0)) return UNKNOWN;
      const [before, { moment }] = around;
      return { lines: [["station.scores.found", { query: tokenOf(moment, 0), was: brief(Math.max(...rowOf(before, before.scaled, 0))), n: moment.nKeys, share: shareIn(moment, 0, 0) }]], isFound: true };
    },
  },
  {
    key: "scaling", task: "letters", settings: { "train.batch_size": "32" }, large: 1, values: { d_k: SCALING_WIDTH, step: SCALING_STEP },
    lanes: LANE_CHOICES.scaling({ width: SCALING_WIDTH }).lanes,
    look() {
      const figures = live.lanes.map((lane) => {
        const moment = momentAt(0, lane);
        const most = moment.tokens.map((_, i) => Math.max(...moment.row("weights", i)));
        return { name: lane.name, top: most.reduce((sum, x) => sum + x, 0) / most.length, loss: lane.film.log.losses.find(([step]) => step === SCALING_STEP)?.[1] };
      });
      if (figures.some(({ loss }) => loss === undefined)) return UNKNOWN;
      const [scaled, unscaled] = figures;
      return { lines: figures.map(({ name, top, loss }) => ["station.scaling.line", { name, top: percent(top), loss: number(loss), step: SCALING_STEP }]), isFound: unscaled.top > scaled.top && unscaled.loss > scaled.loss };
    },
  },
  {
    key: "softmax", task: "letters", settings: {},
    actions: [{ text: "station.softmax.double", edit: () => ({ what: "matrix", place: here("w_q"), values: cellsNow("W_Q").map((x) => 2 * x) }) }],
    look(seen) {
      const around = aroundChange(seen);
      if (!around || around[1].scaled.some((score, i) => Math.abs(score - 2 * around[0].scaled[i]) > 0.01 + 0.01 * Math.abs(score))) return UNKNOWN;
      const { query } = live.stage;
      const { moment } = around[1];
      const [[old, shares], [scores, newShares]] = around.map((one) => [rowOf(one, one.scaled, query), rowOf(one, one.weights, query)]);
      const key = mostOf(scores);
      return { lines: [["station.softmax.found", { query: tokenOf(moment, query), key: tokenOf(moment, key), from: brief(old[key]), to: brief(scores[key]), was: percent(shares[key]), share: percent(newShares[key]) }]], isFound: mostOf(old) === key && newShares[key] > shares[key] };
    },
  },
  {
    key: "values", task: "letters", settings: {},
    actions: [{ text: "station.values.zero", edit: () => ({ what: "zero", place: here("w_v") }) }],
    look(seen) {
      const around = aroundChange(seen);
      if (!around || around[1].v.some((x) => x !== 0) || around[0].v.every((x) => x === 0)) return UNKNOWN;
      const [before, after] = around;
      const isSame = after.weights.every((x, i) => Math.abs(x - before.weights[i]) < SAME);
      return { lines: [["station.values.found", { right: before.right, left: after.right, n: live.film.frames.at(-1).probe_answers[1] }]], isFound: isSame && after.right < before.right };
    },
  },
  {
    key: "heads", task: "recall", settings: {}, large: 1,
    lanes: [{ name: say("station.heads.one"), settings: [] }, { name: say("station.heads.four"), settings: ["model.n_heads=4"] }],
    look() {
      const found = live.lanes.map(({ name, run, film }) => ({ name, parameters: run.n_parameters.toLocaleString("en"), step: film.log.accuracies.find(([, accuracy]) => accuracy > 0.9)?.[0] }));
      const known = found.filter(({ step }) => step !== undefined);
      return { lines: known.map((one) => ["station.heads.line", one]), isFound: known.length === found.length };
    },
  },
  {
    key: "cost", task: "reverse", settings: { "task.seq_len": "8", "train.batch_size": "16" }, speed: "0",
    actions: LENGTHS.map((n) => ({ text: "station.cost.length", values: { n }, settings: { "task.seq_len": String(n) } })),
    look(seen) {
      const n = live.run.seq_len;
      if (live.film.frames.at(-1).step >= WARM_STEP && live.rate > 0) seen[n] = live.rate;
      const known = LENGTHS.filter((one) => seen[one] !== undefined);
      const lines = known.map((one) => ["station.cost.line", { n: one, weights: (one * one).toLocaleString("en"), bytes: (4 * one * one).toLocaleString("en"), rate: Math.round(seen[one]) }]);
      return { lines, isFound: known.length === LENGTHS.length };
    },
  },
];
