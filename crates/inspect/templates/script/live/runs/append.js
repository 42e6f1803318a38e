// A film that grows: the columns of one more moment go behind those that are there.
const COLUMNS = ["frames", "predictions", "gradient", "update"];
// What no step changes.
const FIXED = ["palettes", "run", "vocabulary", "tokens", "targets", "log"];
// A film has no more frames than this: every second one goes then, but the first and the last two, which are one step apart
// where a reader makes single steps.
const MOST_FRAMES = 256;
// Nor do its curves have more points.
const MOST_POINTS = 4096;

function append(film, part) {
  const n = film.frames.length;
  appendTo(film, part, n);
  for (const head of film.layers.flatMap((layer) => layer.heads)) {
    for (const matrix of head.raw) measureMoved(matrix, n);
    alignGauge(head.balanced, n);
  }
}

// How far a matrix has come since the first frame, of which a moment alone has nothing.
function measureMoved(matrix, n) {
  const [first, last] = [matrix.frames[0], matrix.frames[n]];
  if (!first || !last) return;
  const [from, to] = [cellsOf(matrix, first), cellsOf(matrix, last)];
  const length = Math.hypot(...from);
  last.moved = length > 0 ? Math.hypot(...to.map((x, i) => x - from[i])) / length : null;
}

function appendTo(film, part, n) {
  const inputs = ({ probes }) => JSON.stringify(probes.map(({ tokens, targets }) => [tokens, targets]));
  if (inputs(film) === inputs(part)) return appendBelow(film, part, n);
  // Other inputs: of the frames before, none has anything to show of them.
  const { probes, ...others } = part;
  appendBelow(film, others, n);
  film.probes = withColumns(probes, (column) => [...Array(n).fill(null), ...column]);
}

function appendBelow(whole, part, n) {
  for (const [key, value] of Object.entries(part)) {
    if (FIXED.includes(key) || value === null || typeof value !== "object") continue;
    if (COLUMNS.includes(key)) {
      // A column that a moment lacked has a hole there.
      whole[key] ??= [];
      while (whole[key].length < n) whole[key].push(null);
      whole[key].push(...value);
    } else if (Array.isArray(value)) {
      value.forEach((one, i) => {
        if (one === null || typeof one !== "object") return;
        const same = whole[key]?.find((other) => isSame(other, one)) ?? (isNamed(one) ? undefined : whole[key]?.[i]);
        if (same) appendBelow(same, one, n);
      });
    } else if (whole[key]) appendBelow(whole[key], value, n);
  }
}
const isNamed = (one) => ["name", "layer"].some((key) => typeof one[key] === "string");
const isSame = (one, other) => isNamed(other) && ["name", "layer", "head"].every((key) => typeof other[key] === "object" || one[key] === other[key]);

// Keeps a film and its log from growing without end.
function thin(film) {
  const n = film.frames.length;
  if (n > MOST_FRAMES) reduce(film, (_, i) => i % 2 === 0 || i >= n - 2);
  const { log } = film;
  for (const curve of ["losses", "accuracies"]) while (log[curve].length > MOST_POINTS) log[curve] = log[curve].filter((_, i, { length }) => i % 2 === 0 || i === length - 1);
}

// Cuts a film back to its frames before a step and the one that has just come: what lay between did not happen.
function cutBack(film, step) {
  const last = film.frames.length - 1;
  const stays = film.frames.map((frame, i) => i === last || frame.step < step);
  const { losses, accuracies } = film.log;
  reduce(film, (_, i) => stays[i]);
  film.log = { losses: losses.filter(([at]) => at <= step), accuracies: accuracies.filter(([at]) => at <= step) };
}

// Leaves the frames that stay.
const reduce = (film, stays) => Object.assign(film, withColumns(film, (column) => column.filter(stays)));

// The same with other columns. All that has columns is made anew, so that nothing is remembered of the old ones.
function withColumns(whole, change) {
  if (Array.isArray(whole)) return whole.map((one) => (one !== null && typeof one === "object" ? withColumns(one, change) : one));
  return Object.fromEntries(Object.entries(whole).map(([key, value]) => {
    if (FIXED.includes(key) || value === null || typeof value !== "object") return [key, value];
    return [key, COLUMNS.includes(key) && Array.isArray(value) ? change(value) : withColumns(value, change)];
  }));
}
