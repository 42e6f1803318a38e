// The keys of the whole page; parts of it add theirs. In a field or a picture, the keys of that come first.
const keyActions = {
  " ": () => toggle(), ".": () => oneStep(), ",": () => seek(state.frame - 1), ArrowLeft: () => seek(state.frame - 1), ArrowRight: () => seek(state.frame + 1),
  Home: () => seek(0), End: () => seek(live.film.frames.length - 1), r: () => beginAgain(), Escape: () => choose({ query: null }),
  h: () => nextHead(), 1: () => enlarge(0), 2: () => enlarge(1), 3: () => enlarge(2),
};

// Heads in turn, without a way to their list.
function nextHead() {
  const n = at("head").options.length;
  const head = (state.head + 1) % n;
  at("head").value = String(head);
  choose({ head });
  said(say("live.headShown", { head, n }));
}

// Those that need no run on the screen: one that begins has none yet.
const earlyKeys = new Set();

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.target.closest("select, summary, input, textarea, .scroll")) return;
  if (event.ctrlKey || event.metaKey) {
    if (event.key === "z") event.preventDefault(), undo();
    return;
  }
  if ([" ", "Enter"].includes(event.key) && event.target.closest("button")) return;
  const action = (live.film || earlyKeys.has(event.key)) && keyActions[event.key];
  if (!action || event.defaultPrevented) return;
  event.preventDefault();
  action();
});
