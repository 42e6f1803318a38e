// What comes from the reader's disk, dropped on the page or opened: a text, a config, or weights, by the end of its name.
const MOST_CONFIG = 1 << 16;

async function opened(file) {
  if (!file) return;
  if (/\.toml$/i.test(file.name)) await openConfig(file);
  else if (/\.safetensors$/i.test(file.name)) trainer.whenBegun(async () => begin({ ...live.asked, lanes: [], weights: await file.arrayBuffer() }));
  else learnText(() => settings.source.takeFile(file));
}
async function openConfig(file) {
  if (file.size > MOST_CONFIG) return said(say("question.longConfig", { n: file.size, most: MOST_CONFIG }));
  const config = await file.text();
  // The text of `chars` is no part of its config.
  const isText = /^\s*(name|task)\s*=\s*["']chars["']/m.test(config);
  settings.open({ config, ...(isText ? { text: settings.source.bytes() } : {}) });
  settings.apply();
}
// A text is for `chars`, whatever was learned before.
function learnText(take) {
  const { task } = settings.form.elements;
  if (![...task.options].some(({ value }) => value === "chars")) return;
  task.value = "chars";
  settings.base = null;
  question.open(true);
  take();
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
  if (text) learnText(() => settings.source.take(text));
});
at("open-config").addEventListener("change", () => opened(at("open-config").files[0]));
