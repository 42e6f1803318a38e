// The fields of the question: one for each key of a config that is asked about often, in the order in which they stand.
// Their names are the keys; a task's own settings get their fields from its values, and every other key is a line below.
const WHOLE = "numeric";
const DECIMAL = "decimal";
const PROJECTION = ["learned", "frozen", "none"];
const FIELDS = [
  { key: "model.projections.w_q", group: "model", text: "setting.w_q", options: PROJECTION },
  { key: "model.projections.w_k", group: "model", text: "setting.w_k", options: PROJECTION },
  { key: "model.projections.w_v", group: "model", text: "setting.w_v", options: PROJECTION },
  { key: "model.d_model", group: "model", text: "setting.d_model", mode: WHOLE },
  { key: "model.d_k", group: "model", text: "setting.d_k", mode: WHOLE },
  { key: "model.d_v", group: "model", text: "setting.d_v", mode: WHOLE },
  { key: "model.n_heads", group: "model", text: "setting.n_heads", mode: WHOLE },
  { key: "model.n_layers", group: "model", text: "setting.n_layers", mode: WHOLE },
  { key: "model.score", group: "model", text: "setting.score", options: ["scaled-dot", "dot", "additive"] },
  { key: "model.mask", group: "model", text: "setting.mask", options: ["none", "causal"] },
  { key: "model.positions", group: "model", text: "setting.positions", options: ["none", "sinusoidal", "learned", "rope", "alibi"] },
  { key: "model.embeddings", group: "model", text: "setting.embeddings", options: ["learned", "fixed"] },
  { key: "model.d_mlp", group: "model", text: "setting.d_mlp", mode: WHOLE },
  { key: "optimizer", group: "optimizer", text: "setting.optimizer", options: ["adam-w", "adam", "sgd", "lion", "muon"] },
  { key: "optimizer.lr", group: "optimizer", text: "setting.lr", mode: DECIMAL },
  { key: "train.batch_size", group: "optimizer", text: "setting.batch_size", mode: WHOLE },
  { key: "train.steps", group: "optimizer", text: "setting.steps", mode: WHOLE },
  { key: "seed", group: "optimizer", text: "setting.seed", mode: WHOLE },
];
// Settings of a task that are no matter of a reader.
const INTERNAL = ["name", "text", "fingerprint", "pairs"];
// What a key of a task is called; others are called by their key.
const TASK_TEXTS = { seq_len: "setting.seq_len", len: "setting.seq_len", n_symbols: "setting.n_symbols", n_pairs: "setting.n_pairs", n_keys: "setting.n_keys", n_values: "setting.n_values", from: "setting.from", to: "setting.to", largest: "setting.largest", first_year: "setting.first_year", last_year: "setting.last_year" };
const LANGUAGES = ["german", "english", "french", "digits"];
const TASK_OPTIONS = { from: LANGUAGES, to: LANGUAGES };

// One field with its label, its mark at the default, and the place for what does not fit. `back` is called with its key.
class Field {
  constructor({ key, text, options, mode }, back) {
    Object.assign(this, { key, options, filled: null });
    this.control = options ? make("select", { name: key }) : make("input", { name: key, inputmode: mode ?? DECIMAL, spellcheck: "false" });
    const id = `field-${key.replaceAll(".", "-")}`;
    this.control.id = id;
    this.words = text ? say(text) : key.split(".").at(-1);
    this.label = make("label", { for: id }, ...formula(this.words));
    this.name = this.label.textContent;
    this.back = make("button", { type: "button", class: "mark" });
    this.back.addEventListener("click", () => back(key));
    this.mark = make("span", { class: "mark" }, say("setting.isDefault"));
    this.refused = make("span", { class: "refused", role: "alert", id: `${id}-refused` });
    this.row = make("div", { class: "field" }, this.label, this.control, this.mark, this.back, this.refused);
    this.show("", undefined);
  }
  get value() { return this.control.value; }
  // Whether a reader has changed it since it was filled in.
  get isTouched() { return this.value !== this.filled; }
  // The value that holds, and the default, which is undefined where it is not known.
  show(value, standard) {
    if (this.options) {
      const known = new Set([...this.options, value, standard].filter((one) => one !== undefined && one !== ""));
      this.control.replaceChildren(...Array.from(known, (one) => make("option", { value: one }, one)));
    } else this.control.placeholder = standard ?? "";
    this.control.value = value;
    this.filled = this.control.value;
    this.compare(standard);
  }
  // Whether what stands there is the default.
  compare(standard) {
    const isDefault = standard !== undefined && isSameValue(this.value, standard);
    this.mark.hidden = !isDefault;
    this.back.hidden = isDefault || standard === undefined;
    this.back.textContent = `↺ ${cut(standard ?? "", 8)}`;
    this.back.setAttribute("aria-label", say("setting.back", { name: this.name, value: standard ?? "" }));
  }
  refuse(message) {
    this.refused.textContent = message ?? "";
    this.control.toggleAttribute("aria-invalid", Boolean(message));
    if (message) this.control.setAttribute("aria-describedby", this.refused.id);
    else this.control.removeAttribute("aria-describedby");
  }
}

// The value at a dotted key of a config, as text; of a part with settings its name.
function valueAt(values, key) {
  let value = values ?? undefined;
  for (const part of key.split(".")) {
    // One name may stand for all three projections.
    if (typeof value === "string" && key.startsWith("model.projections.")) break;
    value = value?.[part];
  }
  if (value !== null && typeof value === "object") value = value.name ?? value.kind;
  return value === undefined || value === null ? undefined : String(value);
}
// The same value, however a number is written.
const isSameValue = (a, b) => a === b || (a.trim() !== "" && b.trim() !== "" && Number(a) === Number(b));

// Which of some keys a message is about: the one of which it has the longest end, such as `w_k` or `projections.w_k`. Of
// several it is the one that was changed last, and then the one that comes first in the message.
function keyIn(message, keys, last) {
  // What is meant instead is only a guess.
  const unknown = /^unknown key `([^`]+)`/.exec(message)?.[1];
  if (unknown !== undefined) return keys.find((key) => key === unknown);
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const place = (word) => message.search(new RegExp(`(?<![\\w.])${escaped(word)}(?![\\w]|\\.\\w)`));
  const ends = (path) => path.split(".").map((_, i, parts) => parts.slice(i).join("."));
  const found = keys.flatMap((key) => {
    // All three have one name, too.
    const words = [...ends(key), ...(key.startsWith("model.projections.") ? ends("model.projections") : [])];
    const word = words.filter((one) => place(one) >= 0).sort((a, b) => b.split(".").length - a.split(".").length)[0];
    return word === undefined ? [] : [{ key, at: place(word), length: word.split(".").length }];
  });
  found.sort((a, b) => b.length - a.length || Number(b.key === last) - Number(a.key === last) || a.at - b.at);
  return found[0]?.key;
}
