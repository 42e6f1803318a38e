// What comes from the reader's disk, dropped on the page or opened: a text, a config, or weights, by the end of its name.
const MOST_CONFIG = 1 << 16;

async function opened(file) {
  if (!file) return;
  if (/\.toml$/i.test(file.name)) await openConfig(file);
  else if (/\.safetensors$/i.test(file.name)) trainer.whenBegun(async () => begin({ ...live.asked, lanes: [], weights: await file.arrayBuffer() }));
  else learnText((task) => settings.source.takeFile(file, task));
}
async function openConfig(file) {
  if (file.size > MOST_CONFIG) return said(say("question.longConfig", { n: file.size, most: MOST_CONFIG }));
  const config = await file.text();
  // The text of a task is no part of its config; pairs are read where it names some.
  const [, task] = /^\s*(?:name|task)\s*=\s*["'](chars|translate)["']/m.exec(config) ?? [];
  const name = task === "translate" && /^\s*pairs\s*=\s*["']["']/m.test(config) ? undefined : settings.source.nameFor(task);
  settings.open({ config, ...(name ? { text: settings.source.bytes(), name } : {}) });
  settings.apply();
}
// A text is for the task that is made of one, and for `chars` whatever else was learned before.
function learnText(take) {
  const { task } = settings.form.elements;
  const taker = Object.hasOwn(FILE_OF_TASK, task.value) ? task.value : "chars";
  if (![...task.options].some(({ value }) => value === taker)) return;
  task.value = taker;
  settings.base = null;
  question.open(true);
  take(taker);
}

addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
for (const kind of ["dragleave", "drop"]) addEventListener(kind, () => document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  const { files } = event.dataTransfer;
  if (files.length) return opened(files[0]);
  const text = event.dataTransfer.getData("text/plain");
  if (text) learnText((task) => settings.source.take(text, task));
});
at("open-config").addEventListener("change", () => opened(at("open-config").files[0]));
