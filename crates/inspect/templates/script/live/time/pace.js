// How fast the training goes. By itself it goes as fast as it can while the attention map stands still, and slowly while
// the map changes, so that what one came to see is not over in a moment.
const BY_ITSELF = "auto";
// Of the attention of a query, the share that may move within a second. A whole change, from all keys alike to one of
// them, takes four seconds and more then.
const MOVED_IN_A_SECOND = 0.25;
// Steps a second: at first, while nothing is known of the map; never slower; and faster than this nothing is held back.
const FIRST_RATE = 30;
const LEAST_RATE = 8;
const FREE_RATE = 1500;
// Slower at once, but faster only by doubling in this time, so that a change between two pictures is not missed.
const DOUBLING_MS = 400;
// On a slow machine there are few pictures: each may have a little more steps than the one before, so that none jumps.
const MORE_STEPS = 1.2;
// The part of a new measurement in the mean, as one step alone is noise: most of one that is larger, little of a smaller one.
const NEW_LARGER = 0.7;
const NEW_SMALLER = 0.2;
// It is called slow below the first of these, and no longer above the second for some time: a word must not flicker.
const SLOW_BELOW = 150;
const FAST_ABOVE = 300;
const CALM_MS = 600;
// Nor do numbers that nobody can read.
const WORDS_MS = 400;
const RATE_MS = 100;

class Pace {
  // `changed` is called with another rate while it trains.
  constructor(select, { changed, now = () => performance.now() }) {
    Object.assign(this, { select, changed, now });
    this.began();
    select.addEventListener("change", () => {
      this.began();
      changed(this.rate);
    });
  }
  get isByItself() { return this.select.value === BY_ITSELF; }
  // Steps a second that are wanted; 0 is as fast as it goes.
  get rate() {
    if (!this.isByItself) return Number(this.select.value);
    return this.wanted >= FREE_RATE ? 0 : this.wanted;
  }
  // Another run: nothing is known of its map.
  began() {
    const now = this.now();
    Object.assign(this, { wanted: FIRST_RATE, motion: null, measured: now, calm: now, sent: now, isSlow: false, said: "", spoken: -Infinity });
    this.sentRate = this.rate;
  }
  grown(film) {
    const moved = movedPerStep(film);
    const now = this.now();
    if (moved === null || !this.isByItself) return;
    const last = this.motion ?? moved;
    this.motion = last + (moved > last ? NEW_LARGER : NEW_SMALLER) * (moved - last);
    const fitting = this.motion > 0 ? Math.max(MOVED_IN_A_SECOND / this.motion, LEAST_RATE) : Infinity;
    const passed = Math.max(now - this.measured, 1);
    const n = film.frames.at(-1).step - film.frames.at(-2).step;
    const growing = this.wanted * 2 ** (Math.min(passed, DOUBLING_MS) / DOUBLING_MS);
    this.wanted = Math.min(fitting, growing, Math.max((1000 * (MORE_STEPS * n + 1)) / passed, LEAST_RATE), FREE_RATE);
    this.measured = now;
    if (fitting <= FAST_ABOVE) this.calm = now;
    if (fitting < SLOW_BELOW) this.isSlow = true;
    else if (now - this.calm > CALM_MS) this.isSlow = false;
    this.send(now);
  }
  // A change that is seen is worth a message.
  send(now) {
    const { rate, sentRate } = this;
    const isOther = (rate === 0) !== (sentRate === 0) || Math.abs(Math.log(rate / sentRate)) > 0.2;
    if (!isOther || now - this.sent < RATE_MS) return;
    Object.assign(this, { sent: now, sentRate: rate });
    this.changed(rate);
  }
  // What is said while it trains, with the speed that is reached.
  words(reached) {
    const now = this.now();
    if (this.said && now - this.spoken < WORDS_MS) return this.said;
    const isSlow = this.isByItself && this.isSlow;
    this.spoken = now;
    this.said = say(isSlow ? "pace.slow" : "live.pace", { rate: Math.round(reached) });
    return this.said;
  }
}

// How much of the attention of a query went to other keys in each step between the last two frames: half of the sum of
// all changes, as a mean over the queries, of the map that changed most. Null where there is nothing to compare.
function movedPerStep(film) {
  const [from, to] = [film.frames.length - 2, film.frames.length - 1];
  if (from < 0) return null;
  const maps = (film.probes[0]?.maps ?? []).slice(0, 8).filter((map) => map.frames[from] && map.frames[to]);
  const n = film.frames[to].step - film.frames[from].step;
  if (!maps.length || n <= 0) return null;
  const moves = maps.map((map) => {
    const [before, after] = [mapOf(map.frames[from]), mapOf(map.frames[to])];
    return after.reduce((sum, x, i) => sum + (Number.isFinite(x - before[i]) ? Math.abs(x - before[i]) : 0), 0) / 2 / map.cells[0];
  });
  return Math.max(...moves) / n;
}
