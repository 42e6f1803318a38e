// The worker of the live page: trains between messages, and sends a picture only when the page has asked for one.
//
// In: init, set, run, rate, pause, step, edit, wanted, keep, seek, probe, evaluate, file, credit. Out: ready, frame,
// kept, edited, wanted, file, evaluated, nan, error. Every message has the number of a run in `id`; those of a run that is over are dropped,
// but credits: a picture is paid for, no matter of which run it was.
//
// A run may have several lanes, which are always at the same step (group.js). init and set have them in `lanes`, as
// `{ name, settings }`; what does not fit in one of them begins none. ready and frame have in `lanes` one entry a lane:
// what the trainer says of it; its film of one frame, steps and evaluations. edit, wanted, evaluate and file mean the lane
// with the number `lane`, all others mean all lanes. kept, seek and nan speak of states of all lanes, by number and step:
// those of `keep` and edits, and a few that are kept by themselves, of which nan has one to go back to. nan and error
// have the number and the name of the lane that caused them.
const SLICE_MS = 6;
// A picture costs time that the training does not have: at most a third of all.
const PICTURE_SHARE = 1 / 3;
// Undo goes back so far.
const MOST_KEPT = 64;
// States that are kept by themselves, the first of them from before the first step, and how many a whole run would have.
const MOST_SAVED = 4;
const SAVED_IN_ALL = 16;
// A state is worth going back to if no lane's loss is more than so many times its first one.
const SOUND = 1.5;

const worker = { id: 0, compiled: null, group: null, spare: [], isPlaying: false, rate: 0, credit: 1, isOwing: false, ended: null, kept: [], saved: [], step: 0, lastStep: 0, number: 0, gesture: null, isLost: false };
// Steps and evaluations of each lane since the last frame, and the speed that is reached.
let since = [];
// Of each lane, the losses of the first step and of the last one.
let losses = [];
let pace = { from: 0, made: 0, reached: 0 };
let picture = { ended: 0, took: 0 };
let isWaiting = false;
// The compiled module that will be there.
let loading = null;
const channel = new MessageChannel();
channel.port1.onmessage = () => { isWaiting = false; turn(); };

const post = (message, transferred = []) => self.postMessage({ id: worker.id, ...message }, transferred);

// Yields to messages first: a timer would wait for four milliseconds, a promise would not let them in.
function schedule() {
  if (isWaiting || !worker.isPlaying) return;
  isWaiting = true;
  const early = worker.rate > 0 ? (1000 * (pace.made + 1)) / worker.rate - (performance.now() - pace.from) : 0;
  if (early > SLICE_MS) setTimeout(() => { isWaiting = false; turn(); }, early);
  else channel.port2.postMessage(null);
}

function turn() {
  if (!worker.isPlaying) return;
  const began = performance.now();
  const isDue = () => worker.isPlaying && (worker.rate === 0 || pace.made < (worker.rate * (performance.now() - pace.from)) / 1000);
  const isWelcome = () => worker.credit > 0 && (performance.now() - picture.ended) * PICTURE_SHARE >= picture.took;
  while (isDue() && !isWelcome() && performance.now() - began < SLICE_MS) advance(false);
  if (isDue() && isWelcome()) {
    advance(true);
    show();
  } else if (!worker.isPlaying) show();
  schedule();
}

// One step of every lane, if it can be made; of a watched one the next frame has the gradients.
function advance(isWatched) {
  const made = ask((group) => group.step(isWatched));
  if (!made) return false;
  made.lanes.forEach(({ steps, evaluations }, i) => {
    since[i].steps.push(...steps);
    since[i].evaluations.push(...evaluations);
    for (const { loss } of steps) losses[i] = [losses[i]?.[0] ?? loss, loss];
  });
  const { steps } = made.lanes[0];
  pace.made += steps.length;
  const seconds = (performance.now() - pace.from) / 1000;
  if (seconds > 0.05) pace.reached = pace.made / seconds;
  worker.step = steps.at(-1)?.step ?? worker.step;
  worker.ended = made.ended;
  if (made.ended) worker.isPlaying = false;
  if (worker.step - worker.saved.at(-1).step >= worker.lastStep / SAVED_IN_ALL) save();
  return true;
}

// A frame of where the run stands; without a credit there is none, and the next one has all that it would have had.
function show() {
  if (worker.credit <= 0) {
    worker.isOwing = true;
    return;
  }
  const began = performance.now();
  const films = ask((group) => group.all({ do: "moment" }));
  if (!films) return;
  picture = { ended: performance.now(), took: performance.now() - began };
  worker.credit -= 1;
  worker.isOwing = false;
  // The answer to a source alone was written by the model.
  const isWritten = Boolean(worker.group.shown.source);
  const lanes = films.map((film, i) => ({ film: film.buffer, isWritten, ...since[i] }));
  since = nothingYet();
  const { isPlaying, ended } = worker;
  post({ do: "frame", lanes, isPlaying, ended, rate: pace.reached }, films.map((film) => film.buffer));
}
const nothingYet = () => worker.group.names.map(() => ({ steps: [], evaluations: [] }));

// What the lanes answer, or undefined after an error was reported; after a panic they have no other.
function ask(what) {
  if (worker.isLost) return undefined;
  try {
    return what(worker.group);
  } catch (error) {
    failed(error);
    return undefined;
  }
}

function failed(error) {
  worker.isPlaying = false;
  worker.isLost = error.kind === "panic";
  const about = { kind: error.kind ?? "page", message: error.message, lane: error.lane, name: worker.group?.names[error.lane] ?? "" };
  if (error.kind !== "nan") return post({ do: "error", ...about });
  const { number, step } = worker.saved.findLast(({ isSound }) => isSound) ?? worker.saved[0];
  post({ do: "nan", ...about, back: { kept: number, step } });
}

function start() {
  pace = { from: performance.now(), made: 0, reached: pace.reached };
  worker.isPlaying = true;
  schedule();
}

// The states of all lanes, and the number by which they are found again.
function keptNow() {
  const kept = ask((group) => group.keep());
  return kept && { number: worker.number++, step: worker.step, kept };
}
const giveUp = ({ kept }) => ask((group) => group.forget(kept));

// Keeps a state by itself; the first one and the last ones stay.
function save() {
  const state = keptNow();
  if (!state) return;
  worker.saved.push({ ...state, isSound: losses.every((one) => !one || one[1] <= SOUND * one[0]) });
  if (worker.saved.length > MOST_SAVED) worker.saved.splice(1, 1).forEach(giveUp);
}

// The state before a change, so that it can be undone; the page is given its number and step, and how many there are.
// What is refused has changed nothing, and leaves nothing to undo.
function keep(what, change = () => true) {
  const state = keptNow();
  if (!state) return;
  if (!change()) {
    giveUp(state);
    return;
  }
  worker.kept.push(state);
  if (worker.kept.length > MOST_KEPT) giveUp(worker.kept.shift());
  post({ do: "kept", kept: state.number, step: state.step, n: worker.kept.length, what });
}

// Begins a run, in other sessions than those of the run before: one that does not fit leaves that as it is.
function begin({ id, ...asked }) {
  try {
    const { group, readies } = Group.begin(worker.compiled, worker.spare, asked);
    worker.spare = worker.group?.spare() ?? [];
    losses = [];
    Object.assign(worker, { id, group, isPlaying: false, ended: null, kept: [], saved: [], number: 0, gesture: null, isLost: false });
    arrived(readies);
    pace = { from: performance.now(), made: 0, reached: 0 };
    save();
    post({ do: "ready", isNew: true, ended: null, ...readies[0], lanes: readies });
    show();
  } catch (error) {
    const { kind = "page", message, lane, ...more } = error;
    // After a panic here, the sessions of the run before are still there.
    post({ ...more, id, do: "error", kind: kind === "panic" ? "begin-panic" : kind, message, lane, name: asked.lanes?.[lane]?.name ?? "" });
  }
}

// Where the lanes stand.
function arrived(readies) {
  Object.assign(worker, { step: readies[0].step, lastStep: Math.min(...readies.map((ready) => ready.last_step)) });
  since = nothingYet();
}

// The run goes on from somewhere else: what the page is told has changed.
function moved(readies) {
  if (!readies) return;
  arrived(readies);
  worker.ended = worker.step >= worker.lastStep ? "finished" : null;
  post({ do: "ready", ended: worker.ended, ...readies[0], lanes: readies });
  show();
}

// A run that has ended learns on, as if it began here.
function goOn() {
  if (worker.ended) moved(ask((group) => group.again()));
}

// The bytes of text in base64 and gzip.
async function unpacked(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

const load = async (module) => WebAssembly.compile(await unpacked(module));

const actions = {
  init(message) {
    loading = load(message.module);
    return actions.set(message);
  },
  // What is asked for while the module is unpacked waits for it.
  async set(message) {
    try {
      worker.compiled = await loading;
    } catch (error) {
      return post({ id: message.id, do: "error", kind: "module", message: error.message });
    }
    begin(message);
  },
  run({ rate = 0 }) {
    goOn();
    worker.rate = rate;
    start();
  },
  // Another speed, which starts nothing.
  rate({ rate }) {
    worker.rate = rate;
    if (worker.isPlaying) start();
  },
  pause() {
    worker.isPlaying = false;
    show();
  },
  step({ n = 1 }) {
    goOn();
    worker.isPlaying = false;
    let isGood = true;
    for (let i = 1; i < n && isGood && !worker.ended; i++) isGood = advance(false);
    if (isGood) advance(true);
    show();
  },
  edit: edited,
  wanted,
  keep: ({ what }) => keep(what),
  // Back to a state that was kept, where the training waits; what came after it is given up, and so is a state of Undo.
  seek({ kept: number }) {
    Object.assign(worker, { isPlaying: false, gesture: null });
    const state = [...worker.kept, ...worker.saved].find((one) => one.number === number);
    const readies = state && ask((group) => group.restore(state.kept));
    if (!readies) return;
    for (const [states, last] of [[worker.kept, number - 1], [worker.saved, number]]) {
      const n = states.filter((one) => one.number <= last).length;
      states.splice(n).forEach(giveUp);
    }
    moved(readies);
  },
  probe({ shown }) {
    if (ask((group) => [group.probe(shown)])) show();
  },
  evaluate({ lane }) {
    const figures = ask((group) => group.one(lane, { do: "evaluate" }));
    if (figures) post({ do: "evaluated", figures });
  },
  file({ what, lane }) {
    const content = ask((group) => group.one(lane, { do: what }));
    if (content !== undefined) post({ do: "file", what, content, name: worker.group.names[lane] ?? "" });
  },
  credit({ n = 1 }) {
    worker.credit = Math.min(worker.credit + n, 2);
    if (worker.isOwing && !worker.isPlaying) show();
  },
};

self.onmessage = ({ data }) => {
  const begins = data.do === "init" || data.do === "set";
  if (!begins && (!worker.group || (data.do !== "credit" && data.id !== worker.id))) return;
  // A promise that fails is reported like a call that does.
  Promise.resolve().then(() => actions[data.do](data)).catch(failed);
};
