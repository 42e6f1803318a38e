// The worker of the live page: trains between messages, and sends a picture only when the page has asked for one.
//
// In: init, set, run, pause, step, again, edit, keep, seek, probe, evaluate, file, credit. Out: ready, frame, kept, file,
// evaluated, nan, error. Every message has the number of a run in `id`; those of a run that is over are dropped,
// but credits: a picture is paid for, no matter of which run it was.
const SLICE_MS = 6;
// A picture costs time that the training does not have: at most a third of all.
const PICTURE_SHARE = 1 / 3;
// Undo goes back so far.
const MOST_KEPT = 64;

const worker = { id: 0, session: null, isPlaying: false, rate: 0, credit: 1, isOwing: false, ended: null, kept: [], isLost: false };
// Steps and evaluations since the last frame, and the speed that is reached.
let since = { steps: [], evaluations: [] };
let pace = { from: 0, made: 0, reached: 0 };
let picture = { ended: 0, took: 0 };
let isWaiting = false;
// The session that will be there.
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

// One step; of a watched one the next frame has the gradients.
function advance(isWatched) {
  const { steps, evaluations, ended } = ask({ do: "step", n: 1, watched: isWatched }) ?? { steps: [], evaluations: [], ended: null };
  since.steps.push(...steps);
  since.evaluations.push(...evaluations);
  pace.made += steps.length;
  const seconds = (performance.now() - pace.from) / 1000;
  if (seconds > 0.05) pace.reached = pace.made / seconds;
  worker.ended = ended;
  if (ended) worker.isPlaying = false;
}

// A frame of where the run stands; without a credit there is none, and the next one has all that it would have had.
function show() {
  if (worker.credit <= 0) {
    worker.isOwing = true;
    return;
  }
  const began = performance.now();
  const film = ask({ do: "moment" });
  if (!film) return;
  picture = { ended: performance.now(), took: performance.now() - began };
  worker.credit -= 1;
  worker.isOwing = false;
  const { steps, evaluations } = since;
  since = { steps: [], evaluations: [] };
  const { isPlaying, ended } = worker;
  post({ do: "frame", film: film.buffer, steps, evaluations, isPlaying, ended, rate: pace.reached }, [film.buffer]);
}

// The answer of the module, or undefined after its error was reported; after a panic it has no other.
function ask(request, bytes) {
  if (worker.isLost) return undefined;
  try {
    return worker.session.ask(request, bytes);
  } catch (error) {
    failed(error);
    return undefined;
  }
}

function failed(error) {
  worker.isPlaying = false;
  worker.isLost = error.kind === "panic";
  post({ do: error.kind === "nan" ? "nan" : "error", kind: error.kind ?? "page", message: error.message });
}

function start() {
  pace = { from: performance.now(), made: 0, reached: pace.reached };
  worker.isPlaying = true;
  schedule();
}

// The state before a change, so that it can be undone; the page is given its number and step, and how many there are.
// What is refused has changed nothing, and leaves nothing to undo.
function keep(what, change = () => true) {
  const kept = ask({ do: "keep" });
  if (!kept) return;
  if (!change()) {
    ask({ do: "forget", kept: kept.kept });
    return;
  }
  worker.kept.push(kept.kept);
  if (worker.kept.length > MOST_KEPT) ask({ do: "forget", kept: worker.kept.shift() });
  post({ do: "kept", ...kept, n: worker.kept.length, what });
}

// Begins a run; one that does not fit leaves the run before as it is.
function begin({ id, begin: asked, text, weights }) {
  const { session } = worker;
  try {
    let ready = session.ask({ do: "begin", ...asked }, text && new Uint8Array(text));
    if (weights) ready = session.ask({ do: "load-weights" }, new Uint8Array(weights));
    Object.assign(worker, { id, isPlaying: false, ended: null, kept: [] });
    since = { steps: [], evaluations: [] };
    pace = { from: performance.now(), made: 0, reached: 0 };
    post({ do: "ready", isNew: true, ...ready });
    show();
  } catch (error) {
    post({ id, do: "error", kind: error.kind ?? "page", message: error.message });
  }
}

// The run goes on from somewhere else: what the page is told has changed.
function moved(ready) {
  if (!ready) return;
  worker.ended = ready.step >= ready.last_step ? "finished" : null;
  since = { steps: [], evaluations: [] };
  post({ do: "ready", ...ready });
  show();
}

// The bytes of text in base64 and gzip.
async function unpacked(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

const load = async (module) => Session.start(await WebAssembly.compile(await unpacked(module)));

const actions = {
  init(message) {
    loading = load(message.module);
    return actions.set(message);
  },
  // What is asked for while the module is unpacked waits for it.
  async set(message) {
    try {
      worker.session = await loading;
    } catch (error) {
      return post({ id: message.id, do: "error", kind: "page", message: error.message });
    }
    begin(message);
  },
  run({ rate = 0 }) {
    worker.rate = rate;
    start();
  },
  pause() {
    worker.isPlaying = false;
    show();
  },
  step({ n = 1 }) {
    worker.isPlaying = false;
    for (let i = 1; i < n && !worker.ended; i++) advance(false);
    advance(true);
    show();
  },
  again: () => moved(ask({ do: "begin-again" })),
  edit({ edit }) {
    keep(edit.what, () => {
      if (ask({ do: "edit", edit }) === undefined) return false;
      show();
      return true;
    });
  },
  keep: ({ what }) => keep(what),
  // Back to a state that was kept, where the training waits; it and those after it are given up.
  seek({ kept }) {
    worker.isPlaying = false;
    const ready = ask({ do: "restore", kept });
    const n = worker.kept.indexOf(kept);
    if (ready && n >= 0) for (const over of worker.kept.splice(n)) ask({ do: "forget", kept: over });
    moved(ready);
  },
  probe({ positions }) {
    if (ask({ do: "probe", positions }) !== undefined) show();
  },
  evaluate() {
    const figures = ask({ do: "evaluate" });
    if (figures) post({ do: "evaluated", figures });
  },
  file({ what }) {
    const content = ask({ do: what });
    if (content !== undefined) post({ do: "file", what, content });
  },
  credit({ n = 1 }) {
    worker.credit = Math.min(worker.credit + n, 2);
    if (worker.isOwing && !worker.isPlaying) show();
  },
};

self.onmessage = ({ data }) => {
  const begins = data.do === "init" || data.do === "set";
  if (!begins && data.do !== "credit" && data.id !== worker.id) return;
  // A promise that fails is reported like a call that does.
  Promise.resolve().then(() => actions[data.do](data)).catch(failed);
};
