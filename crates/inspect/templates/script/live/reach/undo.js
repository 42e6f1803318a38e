// Undo: back to the state before the last change by hand, as long as there is one.
// Buttons that undo, wherever they stand; a button that has the focus and can do nothing would keep the keys to itself.
const undoing = [at("undo")];
function showUndo() {
  for (const button of undoing) {
    const hadFocus = document.activeElement === button;
    button.disabled = !live.kept.length;
    if (hadFocus && button.disabled) (button.closest(".reach")?.querySelector("#reach-close") ?? at("play")).focus();
  }
}
const undo = () => trainer.whenBegun(() => {
  const last = live.kept.pop();
  if (!last) return said(say("live.nothingUndone"));
  journey.stop();
  showUndo();
  live.isPlaying = false;
  trainer.post("seek", { kept: last.kept });
  said(say("live.undone", { step: last.step }));
});
