// What the page says when it cannot run, or its trainer fails: a plain sentence, and what a reader can do.

// What the trainer needs of a browser, by the key of the sentence that says so.
const NEEDED = { "fails.wasm": () => typeof WebAssembly === "object", "fails.gzip": () => typeof DecompressionStream === "function", "fails.worker": () => typeof Worker === "function" };
const lacking = () => Object.keys(NEEDED).find((key) => !NEEDED[key]());

// The page without a trainer.
function cannotRun(key) {
  const text = say(key, { browsers: say("fails.browsers") });
  at("stage").replaceChildren(make("p", { class: "wait", role: "alert" }, text));
  said("");
}

// A sentence, and the technical text for whoever asks for it.
function withDetails(text, technical) {
  said(text, { stays: true });
  at("happened").append(make("details", {}, make("summary", {}, say("fails.details")), make("pre", {}, technical)));
}

// A number that is not finite, and a way back to a state in which all was well.
function diverged({ message, name, back }) {
  said(say(name ? "live.nan.lane" : "live.nan", { message, name }), { stays: true });
  const button = make("button", { type: "button", class: "plain back", id: "back" }, say("live.back", { step: back.step }));
  button.addEventListener("click", () => goBack(back));
  at("happened").append(" ", button);
}
const goBack = (back) => trainer.whenBegun(() => {
  live.kept = live.kept.filter(({ kept }) => kept < back.kept);
  showUndo();
  live.isPlaying = false;
  live.isFollowing = true;
  trainer.post("seek", { kept: back.kept });
  said(say("live.wentBack", { step: back.step }));
});
