// The runs of all lanes: sessions of one module with the same seed, which make every step together.
//
// A lane is a name and the settings in which it differs from what all begin with. Without lanes there is one run.
const MEBIBYTE = 2 ** 20;
// A module's memory never shrinks: one that has grown further than this is not taken again.
const MOST_SPARE = 64 * MEBIBYTE;
const WHOLE = [{ name: "", settings: [] }];

class Group {
  // Begins all runs, or throws the error of the first that does not fit, with the number of its `lane`.
  static begin(compiled, spare, { lanes, ...asked }) {
    const all = lanes?.length ? lanes : WHOLE;
    const sessions = [];
    const readies = all.map((lane, i) => {
      // One that fails is not taken again: after a panic it has no answers.
      const session = spare.pop() ?? Session.start(compiled);
      const ready = inLane(i, () => Group.one(session, asked, lane.settings));
      sessions.push(session);
      return { ...ready, name: lane.name };
    });
    const needed = readies.reduce((sum, { memory = 0 }) => sum + memory, 0);
    const [{ most_memory: most = Infinity }] = readies;
    if (needed > most) throw Object.assign(new Error("too large together"), { kind: "too-large-together", n: all.length, needed: Math.ceil(needed / MEBIBYTE), most: Math.floor(most / MEBIBYTE) });
    return { group: new Group(sessions, all.map(({ name }) => name)), readies };
  }
  // Begins one. A matrix that is absent asks for heads as wide as their share of x: `{d_head}` stands for that.
  static one(session, { begin, text, weights }, settings) {
    const bytes = new Uint8Array(text ?? 0);
    // Weights stand behind the text; a file without a byte is one that cannot be read.
    const start = (more, last) => {
      const both = new Uint8Array(bytes.length + (last?.byteLength ?? 0));
      both.set(bytes);
      if (last) both.set(new Uint8Array(last), bytes.length);
      return session.ask({ do: "begin", ...begin, settings: [...(begin.settings ?? []), ...more], ...(last ? { n_weights: last.byteLength } : {}) }, both);
    };
    let all = settings;
    if (settings.some((setting) => setting.includes("{d_head}"))) {
      const { config } = start([]);
      const [width, heads] = ["d_model", "n_heads"].map((key) => Number(config.match(new RegExp(`^${key} = (\\d+)`, "m"))[1]));
      all = settings.map((setting) => setting.replace("{d_head}", String(width / heads)));
    }
    return start(all, weights);
  }
  constructor(sessions, names) {
    Object.assign(this, { sessions, names, reached: names.map(() => false), shown: { positions: null } });
  }
  // What all give to a request.
  all(request) { return this.sessions.map((session, i) => inLane(i, () => session.ask(request))); }
  // What one gives; a page that has just changed its lanes may mean one that is gone.
  one(lane, request) {
    const i = Math.min(lane ?? 0, this.sessions.length - 1);
    return inLane(i, () => this.sessions[i].ask(request));
  }
  // One step of each. Where one cannot make it, those before it go back, so that all stand where they stood.
  step(isWatched) {
    const { sessions } = this;
    const before = sessions.slice(0, -1).map((session) => session.ask({ do: "keep" }).kept);
    const made = [];
    try {
      sessions.forEach((session, i) => made.push(inLane(i, () => session.ask({ do: "step", n: 1, watched: isWatched }))));
    } catch (error) {
      if (error.kind !== "panic") made.forEach((_, i) => sessions[i].ask({ do: "restore", kept: before[i] }));
      throw error;
    } finally {
      before.forEach((kept, i) => !sessions[i].isLost && sessions[i].ask({ do: "forget", kept }));
    }
    made.forEach(({ ended }, i) => (this.reached[i] ||= ended === "early"));
    // A lane that has reached the goal goes on with the others; where one has no steps left, all end.
    const ended = made.some((one) => one.ended === "finished") ? "finished" : this.reached.every(Boolean) ? "early" : null;
    return { lanes: made, ended };
  }
  keep() { return this.all({ do: "keep" }).map(({ kept }) => kept); }
  forget(kept) { kept.forEach((one, i) => this.sessions[i].ask({ do: "forget", kept: one })); }
  restore(kept) {
    this.reached.fill(false);
    return kept.map((one, i) => inLane(i, () => this.sessions[i].ask({ do: "restore", kept: one })));
  }
  again() {
    this.reached.fill(false);
    return this.all({ do: "begin-again" });
  }
  // All show the same input, or none shows another one.
  probe(shown) {
    const done = [];
    try {
      for (const [i, session] of this.sessions.entries()) {
        inLane(i, () => session.ask({ do: "probe", ...shown }));
        done.push(session);
      }
    } catch (error) {
      if (error.kind !== "panic") for (const session of done) session.ask({ do: "probe", ...this.shown });
      throw error;
    }
    this.shown = shown;
  }
  // Sessions that can be begun again.
  spare() { return this.sessions.filter(({ isLost, size }) => !isLost && size <= MOST_SPARE); }
}

// An error says in which lane it was.
function inLane(lane, action) {
  try {
    return action();
  } catch (error) {
    throw Object.assign(error, { lane });
  }
}
