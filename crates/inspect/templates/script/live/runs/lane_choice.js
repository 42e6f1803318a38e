// Which runs stand beside each other, as data: what each of them sets over the question that is chosen. `{d_head}` is
// d_model / heads, the only width that a head without matrices can have.
// Between the settings of a lane in the address, and so long they may be.
const BETWEEN = ";";
const MOST_IN_A_LANE = 400;
const ARMS = ["none", "frozen", "learned"];
const SCORES = ["scaled-dot", "dot"];
const LANE_CHOICES = {
  one: () => ({ lanes: [] }),
  arms: () => ({
    lanes: ARMS.map((arm) => ({ name: say(`lane.${arm}`), settings: [`model.projections=${arm}`, ...(arm === "none" ? ["model.d_k={d_head}", "model.d_v={d_head}"] : [])] })),
    large: 2,
  }),
  scaling: ({ width }) => ({ lanes: SCORES.map((score) => ({ name: say(score === "dot" ? "lane.unscaled" : "lane.scaled"), settings: [`model.score=${score}`, `model.d_k=${width}`] })) }),
  own: ({ first = [], own }) => ({ lanes: [{ name: first.length ? namedBy(first) : say("lanes.base"), settings: first }, ...own.map((settings) => ({ name: namedBy(settings), settings }))] }),
};
// A lane of the reader's own is called by what it sets.
const namedBy = (settings) => settings.map((setting) => setting.replace(/^model\.projections=/, "").replace(/^.*\.(?=[^=]*=)/, "").replace("=", " ")).join(", ");
const linesOf = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

// The control in the bar, and the fields of a choice that has some. Runs that somebody else began, such as a station of the
// lecture, are kept as they are until a reader chooses.
class LaneChoice {
  // `changed` is called with the lanes that are chosen.
  constructor({ changed }) {
    Object.assign(this, { changed, kind: "one", given: null });
    at("lanes").addEventListener("change", () => this.choose(at("lanes").value));
    for (const field of [at("lanes-width"), at("lanes-second"), at("lanes-third")]) field.addEventListener("change", () => this.edited());
    this.showFields(false);
  }
  get asked() {
    if (this.given) return { lanes: this.given };
    const width = Number(at("lanes-width").value);
    const own = [at("lanes-second"), at("lanes-third")].map((field) => linesOf(field.value)).filter((settings) => settings.length);
    const asked = LANE_CHOICES[this.kind]({ width, own });
    // Nothing that differs is one run.
    return asked.lanes.length > 1 ? asked : { lanes: [] };
  }
  edited() {
    this.given = null;
    this.changed(this.asked);
  }
  choose(kind) {
    Object.assign(this, { kind, given: null });
    this.showFields(true);
    this.changed(this.asked);
  }
  // What stands in the address, and is taken from there: the lanes, and what they differ in.
  get address() {
    const [second, third] = ["lanes-second", "lanes-third"].map((id) => linesOf(at(id).value).join(BETWEEN) || null);
    const kind = this.asked.lanes.length ? this.kind : "one";
    const own = { first: this.given?.[0].settings.join(BETWEEN) || null, second, third };
    return { runs: kind === "one" ? null : kind, width: kind === "scaling" ? at("lanes-width").value : null, ...(kind === "own" ? own : {}) };
  }
  take({ runs, width, first = "", second, third }) {
    Object.assign(this, { kind: Object.hasOwn(LANE_CHOICES, runs ?? "") ? runs : "one", given: null });
    if (/^\d{1,4}$/.test(width ?? "")) at("lanes-width").value = width;
    for (const [id, text = ""] of [["lanes-second", second], ["lanes-third", third]]) if (this.kind === "own") at(id).value = text.slice(0, MOST_IN_A_LANE).split(BETWEEN).join("\n");
    if (this.kind === "own" && first) {
      const [one, ...own] = [first, second ?? "", third ?? ""].map((text) => text.slice(0, MOST_IN_A_LANE).split(BETWEEN)).filter(([setting]) => setting);
      this.given = LANE_CHOICES.own({ first: one, own }).lanes;
    }
    at("lanes").value = this.kind;
    this.showFields(false);
  }
  // Shows what a run was begun with, no matter who began it.
  show(lanes = []) {
    if (JSON.stringify(lanes) === JSON.stringify(this.asked.lanes)) return;
    const isSame = (kind, values) => JSON.stringify(LANE_CHOICES[kind](values).lanes) === JSON.stringify(lanes);
    const width = lanes[0]?.settings.find((setting) => setting.startsWith("model.d_k="))?.split("=")[1];
    this.given = null;
    if (!lanes.length) this.kind = "one";
    else if (isSame("arms", {})) this.kind = "arms";
    else if (isSame("scaling", { width })) [this.kind, at("lanes-width").value] = ["scaling", width];
    else {
      Object.assign(this, { kind: "own", given: lanes });
      [at("lanes-second"), at("lanes-third")].forEach((field, i) => (field.value = lanes[i + 1]?.settings.join("\n") ?? ""));
    }
    at("lanes").value = this.kind;
    this.showFields(false);
  }
  showFields(isOpen) {
    const { kind } = this;
    at("lanes-more").hidden = !["scaling", "own"].includes(kind);
    at("lanes-more").open = isOpen && kind === "own";
    for (const part of at("lanes-more").querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== kind;
    this.refuse("");
  }
  refuse(message) {
    at("lanes-refused").textContent = message;
    if (message && !at("lanes-more").hidden) at("lanes-more").open = true;
  }
  // Whether a refusal is about what a lane sets, not about the question that all share.
  isAbout({ kind, lane, message }) {
    if (this.asked.lanes.length && kind !== "config") return true;
    const settings = this.asked.lanes[lane]?.settings ?? [];
    return settings.some((setting) => message.includes(setting.split("=")[0].split(".").at(-1)));
  }
}
