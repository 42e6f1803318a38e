// Accuracy is shown while it changes, so it is measured more often than a task has it, on fewer examples.
const OFTEN = ["train.eval_every=20", "train.eval_examples=200"];

// The question: what the reader sets, as settings over the defaults of a task.
class Settings {
  // `changed` is called with what a run begins with, and the same in words.
  constructor(place, { changed }) {
    Object.assign(this, { changed, form: place });
    // Some stand outside of the form.
    for (const field of Object.values(this.fields())) field.addEventListener("change", () => this.apply());
    place.addEventListener("submit", (event) => {
      event.preventDefault();
      this.apply();
    });
  }
  fields() { return Object.fromEntries(Array.from(this.form.elements).filter((field) => field.name).map((field) => [field.name, field])); }
  // Fields whose name is a key; one that is empty is left to the task.
  settings() {
    const keyed = Object.entries(this.fields()).filter(([name, { value }]) => name.includes(".") || name === "seed" ? value.trim() !== "" : false);
    const more = this.fields().more.value.split("\n").map((line) => line.trim()).filter(Boolean);
    return [...OFTEN, ...keyed.map(([name, { value }]) => `${name}=${value.trim()}`), ...more];
  }
  begin() {
    const { task, text } = this.fields();
    const isText = task.value === "chars";
    const begin = { task: task.value, settings: this.settings(), ...(isText ? { text: "text.txt" } : {}) };
    return { begin, ...(isText ? { text: new TextEncoder().encode(text.value).buffer } : {}) };
  }
  apply() {
    this.show(this.fields().task.value);
    this.refuse(null);
    const asked = this.begin();
    this.changed(asked, JSON.stringify([asked.begin, this.fields().text.value]));
  }
  show(task, tasks) {
    const { task: field } = this.fields();
    if (tasks) field.replaceChildren(...tasks.map((name) => make("option", { value: name }, name)));
    field.value = task;
    this.form.querySelector(".of-text").hidden = task !== "chars";
  }
  // What does not fit stands beside its field, or below all of them.
  refuse(message) {
    for (const said of this.form.querySelectorAll(".refused")) said.textContent = "";
    for (const field of Object.values(this.fields())) field.removeAttribute("aria-invalid");
    if (message === null) return;
    const name = Object.keys(this.fields()).find((key) => key.includes(".") && message.includes(key.split(".").at(-1)));
    const field = name && this.fields()[name];
    if (field) field.setAttribute("aria-invalid", "true");
    const place = field?.closest("label").querySelector(".refused:not(.all-refused)") ?? this.form.querySelector(".all-refused");
    place.textContent = message;
  }
}
