// Which runs stand beside each other, as data: what each of them sets over the question that is chosen. `{d_head}` is
// d_model / heads, the only width that a head without matrices can have.
// Between the settings of a lane in the address, and so long they may be.
const BETWEEN = ";";
const MOST_IN_A_LANE = 400;
const ARMS = ["none", "frozen", "learned"];
const SCORES = [["scaled", "scaled-dot"], ["unscaled", "dot"]];
const LANE_CHOICES = {
  one: () => ({ lanes: [] }),
  arms: () => ({
    lanes: ARMS.map((name) => ({ name, settings: [`model.projections=${name}`, ...(name === "none" ? ["model.d_k={d_head}", "model.d_v={d_head}"] : [])] })),
    large: 2,
  }),
  scaling: ({ width }) => ({ lanes: SCORES.map(([name, score]) => ({ name, settings: [`model.score=${score}`, `model.d_k=${width}`] })) }),
  own: ({ own }) => ({ lanes: [{ name: say("lanes.base"), settings: [] }, ...own.map((settings) => ({ name: namedBy(settings), settings }))] }),
};
// A lane of the reader's own is called by what it sets.
const namedBy = (settings) => settings.map((setting) => setting.replace(/^model\.projections=/, "").replace(/^.*\.(?=[^=]*=)/, "").replace("=", " ")).join(", ");
const linesOf = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

// The control in the bar, and the fields of a choice that has some.
class LaneChoice {
  // `changed` is called with the lanes that are chosen.
  constructor({ changed }) {
    Object.assign(this, { changed, kind: "one" });
    at("lanes").addEventListener("change", () => this.choose(at("lanes").value));
    for (const field of [at("lanes-width"), at("lanes-second"), at("lanes-third")]) field.addEventListener("change", () => this.changed(this.asked));
    this.showFields(false);
  }
  get asked() {
    const width = Number(at("lanes-width").value);
    const own = [at("lanes-second"), at("lanes-third")].map((field) => linesOf(field.value)).filter((settings) => settings.length);
    const asked = LANE_CHOICES[this.kind]({ width, own });
    // Nothing that differs is one run.
    return asked.lanes.length > 1 ? asked : { lanes: [] };
  }
  choose(kind) {
    this.kind = kind;
    this.showFields(true);
    this.changed(this.asked);
  }
  // What stands in the address, and is taken from there: the lanes, and what they differ in.
  get address() {
    const [second, third] = ["lanes-second", "lanes-third"].map((id) => linesOf(at(id).value).join(BETWEEN) || null);
    const kind = this.asked.lanes.length ? this.kind : "one";
    return { runs: kind === "one" ? null : kind, width: kind === "scaling" ? at("lanes-width").value : null, second: kind === "own" ? second : null, third: kind === "own" ? third : null };
  }
  take({ runs, width, second, third }) {
    this.kind = Object.hasOwn(LANE_CHOICES, runs ?? "") ? runs : "one";
    if (/^\d{1,4}$/.test(width ?? "")) at("lanes-width").value = width;
    for (const [id, text = ""] of [["lanes-second", second], ["lanes-third", third]]) if (this.kind === "own") at(id).value = text.slice(0, MOST_IN_A_LANE).split(BETWEEN).join("\n");
    at("lanes").value = this.kind;
    this.showFields(false);
  }
  // Shows what a run was begun with, no matter who began it.
  show(lanes = []) {
    if (JSON.stringify(lanes) === JSON.stringify(this.asked.lanes)) return;
    const isSame = (kind, values) => JSON.stringify(LANE_CHOICES[kind](values).lanes) === JSON.stringify(lanes);
    const width = lanes[0]?.settings.find((setting) => setting.startsWith("model.d_k="))?.split("=")[1];
    if (!lanes.length) this.kind = "one";
    else if (isSame("arms", {})) this.kind = "arms";
    else if (isSame("scaling", { width })) [this.kind, at("lanes-width").value] = ["scaling", width];
    else {
      this.kind = "own";
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
