// Parts of the page that go along with the run, each in a file of its own, and what each of them is called for: `began(run)`
// when another run is there, `grown(film)` when a frame has come, `switched(lane)` when another lane is large, `shown(state)`
// when something is drawn, `played(isPlaying)`, `moved(run)` when the run goes on from somewhere else; `kept` and `edited`
// with the message of that name, `tried` with what a wanted map would do; `address()` and `restore(found)` for the address.
// Each of them may be left out.
const HEARD = ["began", "grown", "switched", "shown", "played", "moved", "kept", "edited", "tried", "address", "restore"];
const companions = [];
const tell = (what, value) => companions.forEach((one) => one[what]?.(value));

// A field that has one of these names by accident would be called in the middle of a training.
function accompany(...all) {
  for (const one of all) {
    const taken = HEARD.find((what) => one[what] !== undefined && typeof one[what] !== "function");
    if (taken) throw new Error(`the field ${taken} of a companion of the page: expected a function, which the page calls, got ${JSON.stringify(one[taken])}; give the field another name`);
  }
  companions.push(...all);
}
