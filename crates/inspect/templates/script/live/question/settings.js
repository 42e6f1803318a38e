// Accuracy is shown while it changes, so it is measured more often than a task has it, on fewer examples.
const OFTEN = ["train.eval_every=20", "train.eval_examples=200"];
// What a setting may look like: a key of a config, and one line.
const KEY = /^(seed|task|model|optimizer|schedule|loss|train)(\.[A-Za-z0-9_-]+)*$/;

// The question: what the reader sets, as settings over the defaults of a task or over a config of the reader's own.
class Settings {
  // `changed` is called with what a run begins with, and the same in words. `source` has the text that is learned.
  constructor(form, { changed, source }) {
    Object.assign(this, { changed, source, form, base: null, task: "letters", own: new Map(), defaults: null, values: null, last: null, refused: null, running: null, first: null });
    this.groups = Object.fromEntries(["data", "model", "optimizer", "view"].map((name) => [name, make("div", { class: "fields" })]));
    const back = (key) => this.reset(key);
    this.list = FIELDS.map((field) => new Field(field, back));
    this.list.forEach((field, i) => this.groups[FIELDS[i].group].append(field.row));
    this.ofTask = [];
    this.taskFields = make("div", { class: "fields" });
    this.root = this.groupedPlaces();
    form.append(...this.root);
    this.scaled = this.rootOfDk();
    form.addEventListener("change", (event) => this.heard(event.target), { capture: true });
    // The task stands outside of the form.
    form.elements.task.addEventListener("change", () => this.apply());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.apply();
    });
  }
  groupedPlaces() {
    this.chips = make("div", { class: "chips", role: "group", "aria-label": say("question.changed") });
    this.more = make("textarea", { name: "more", rows: "2", spellcheck: "false" });
    this.allRefused = make("p", { class: "refused all-refused", role: "alert" });
    const standard = make("button", { type: "button", class: "plain", id: "defaults" }, say("question.defaults"));
    standard.addEventListener("click", () => this.toDefaults());
    const config = make("label", { class: "plain file" }, say("question.config"), make("input", { id: "open-config", type: "file", accept: ".toml" }));
    this.ofConfig = make("p", { class: "hint" });
    this.groups.data.append(this.taskFields, this.source.root);
    const group = (name, badge, ...more) => make("fieldset", { class: "group" }, make("legend", {}, say(`question.${name}`), make("span", { class: "badge" }, say(badge))), this.groups[name], ...more);
    return [
      this.chips, make("p", { class: "buttons" }, standard, make("button", { type: "submit", class: "plain" }, say("question.begin")), config), this.ofConfig, this.allRefused,
      group("data", "question.restarts"), group("model", "question.restarts"), group("optimizer", "question.restarts", make("label", { class: "more" }, make("span", {}, say("question.more")), this.more)),
      group("view", "question.live"),
    ];
  }
  // √d_k on or off is the choice between two scores.
  rootOfDk() {
    const box = make("input", { type: "checkbox", id: "scaled" });
    const score = this.field("model.score");
    box.addEventListener("change", (event) => {
      event.stopPropagation();
      score.control.value = box.checked ? "scaled-dot" : "dot";
      this.apply();
    });
    score.row.after(make("label", { class: "field check" }, box, make("span", {}, ...formula(say("setting.scaled")))));
    return box;
  }
  heard(control) {
    if (control.name || control === this.more) this.apply();
  }
  field(key) { return [...this.list, ...this.ofTask].find((field) => field.key === key); }
  get all() { return [...this.list, ...this.ofTask]; }
  // What a reader has changed since fields were filled in.
  read() {
    const chosen = this.form.elements.task.value;
    if (chosen !== this.task) {
      Object.assign(this, { task: chosen, base: null, defaults: null });
      for (const key of [...this.own.keys()]) if (key.startsWith("task.")) this.own.delete(key);
    } else for (const field of this.ofTask) if (field.isTouched) this.set(field.key, field.value, field);
    for (const field of this.list) if (field.isTouched) this.set(field.key, field.value, field);
  }
  set(key, text, field) {
    const value = text.trim();
    const standard = valueAt(this.defaults, key);
    if (value === "" || (standard !== undefined && isSameValue(value, standard))) this.own.delete(key);
    else this.own.set(key, value);
    this.last = key;
    field.filled = text;
    field.compare(standard);
  }
  get lines() { return this.more.value.split("\n").map((line) => line.trim()).filter(Boolean); }
  // The reader's settings, as `--set` takes them.
  changes() {
    const own = new Map(this.own);
    const keys = ["w_q", "w_k", "w_v"].map((matrix) => `model.projections.${matrix}`);
    const three = keys.map((key) => own.get(key) ?? valueAt(this.defaults ?? this.values, key) ?? "learned");
    // One word for all three, where they are alike; otherwise each stands over what the config has.
    if (keys.some((key) => own.has(key)) && new Set(three).size === 1) {
      for (const key of keys) own.delete(key);
      own.set("model.projections", three[0]);
    }
    // What is named comes before its settings.
    const sorted = [...own].sort(([a], [b]) => a.split(".").length - b.split(".").length);
    return [...sorted.map(([key, value]) => `${key}=${value}`), ...this.lines];
  }
  begin() {
    const changes = this.changes();
    if (this.base) {
      const { config, text, weights, name = "text.txt" } = this.base;
      const begin = { config, settings: changes, ...(text ? { text: name } : {}) };
      // Weights belong to the config as it was.
      return { begin, ...(text ? { text } : {}), ...(weights && !changes.length ? { weights } : {}) };
    }
    const text = this.source.nameFor(this.task);
    const begin = { task: this.task, settings: [...OFTEN, ...changes], ...(text ? { text } : {}) };
    return { begin, ...(text ? { text: this.source.bytes() } : {}) };
  }
  apply() {
    this.read();
    if (this.task === "chars" && !this.source.nameFor("chars")) this.source.forget();
    this.source.root.hidden = !this.source.nameFor(this.task) || Boolean(this.base);
    this.refuse(null);
    this.showChips();
    const asked = this.begin();
    this.changed(asked, JSON.stringify([asked.begin, this.source.key]));
  }
  // A config that is there already, such as that of a run, is what settings stand over.
  open(base) {
    this.own.clear();
    this.more.value = "";
    Object.assign(this, { base, defaults: null });
  }
  // What an address asks for: a task, or what this page begins with, and settings over it.
  adopt(task, pairs) {
    this.open(task ? null : this.first);
    this.task = task ?? (this.first && this.running?.task) ?? "letters";
    const { task: field } = this.form.elements;
    if (!Array.from(field.options).some(({ value }) => value === this.task)) field.append(make("option", { value: this.task }, this.task));
    field.value = this.task;
    for (const one of this.all) one.filled = one.value;
    const lines = [];
    for (const [key, value] of pairs) {
      if (key === "model.projections") for (const matrix of ["w_q", "w_k", "w_v"]) this.own.set(`${key}.${matrix}`, value);
      else if (this.field(key) || key.startsWith("task.")) this.own.set(key, value);
      else lines.push(`${key}=${value}`);
    }
    this.more.value = lines.join("\n");
  }
  // One field as the task has it.
  reset(key) {
    this.own.delete(key);
    const field = this.field(key);
    if (field) field.show(valueAt(this.defaults, key) ?? "", valueAt(this.defaults, key));
    this.apply();
  }
  toDefaults() {
    this.open(null);
    for (const field of this.all) field.filled = field.value;
    this.apply();
  }
  // The values of a run that is there.
  show({ task, tasks, values, defaults }) {
    const { task: field } = this.form.elements;
    if (tasks) field.replaceChildren(...tasks.map((name) => make("option", { value: name }, name)));
    field.value = task;
    Object.assign(this, { task, values, defaults: defaults ?? null });
    this.running = { base: this.base, task };
    this.showTask();
    for (const [key, value] of this.own) if (isSameValue(value, valueAt(this.defaults, key) ?? "")) this.own.delete(key);
    const busy = this.all.find((one) => one.control === document.activeElement && one.isTouched);
    for (const one of this.all) if (one !== busy) one.show(this.own.get(one.key) ?? valueAt(values, one.key) ?? "", valueAt(this.defaults, one.key));
    this.source.root.hidden = !this.source.nameFor(task) || Boolean(this.base);
    this.ofConfig.textContent = this.base ? say("question.ofConfig") : "";
    const score = this.field("model.score").value;
    Object.assign(this.scaled, { checked: score === "scaled-dot", disabled: !["scaled-dot", "dot"].includes(score) });
    this.showChips();
  }
  // The settings of the task itself.
  showTask() {
    const own = this.values?.task;
    const keys = Object.entries(typeof own === "object" ? own : {}).filter(([key, value]) => !INTERNAL.includes(key) && typeof value !== "object").map(([key]) => `task.${key}`);
    if (keys.join() === this.ofTask.map(({ key }) => key).join()) return;
    this.ofTask = keys.map((key) => new Field({ key, text: TASK_TEXTS[key.slice(5)], mode: DECIMAL, options: TASK_OPTIONS[key.slice(5)] }, (one) => this.reset(one)));
    this.taskFields.replaceChildren(...this.ofTask.map(({ row }) => row));
  }
  // What is changed, each with a way back.
  showChips() {
    const chip = (words, name, isWrong, remove) => {
      const button = make("button", { type: "button", class: "chip" }, ...formula(words), " ×");
      button.setAttribute("aria-label", say("question.remove", { name }));
      button.classList.toggle("wrong", isWrong);
      button.addEventListener("click", () => {
        remove();
        (this.chips.querySelector("button") ?? at("question-close")).focus();
      });
      return button;
    };
    const own = [...this.own].map(([key, value]) => {
      const field = this.field(key);
      return chip(`${field?.words ?? key} ${value}`, `${field?.name ?? key} ${value}`, key === this.refused, () => this.reset(key));
    });
    const more = this.lines.map((line) => chip(line, line, false, () => {
      this.more.value = this.lines.filter((other) => other !== line).join("\n");
      this.apply();
    }));
    this.chips.replaceChildren(...own, ...more);
    const n = own.length + more.length;
    at("question-open").textContent = say(n ? "question.openSome" : "question.open", { n });
    at("question-open").setAttribute("aria-label", say(n ? "question.openChanged" : "question.open", { n }));
  }
  // What does not fit stands beside its field, or above all of them.
  refuse(message) {
    for (const field of this.all) field.refuse(null);
    this.allRefused.textContent = "";
    this.refused = message === null ? null : keyIn(message, this.all.map(({ key }) => key), this.last) ?? null;
    // A config that cannot be opened leaves that of the run before.
    if (message !== null && this.base && this.running && this.base !== this.running.base) {
      Object.assign(this, this.running);
      this.form.elements.task.value = this.task;
    }
    const field = this.refused && this.field(this.refused);
    if (field) field.refuse(message);
    else this.allRefused.textContent = message ?? "";
    this.showChips();
  }
}
