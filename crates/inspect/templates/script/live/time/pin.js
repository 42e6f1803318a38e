// A step that is pinned, and the difference of the map to it: what has changed since then, cell by cell.
class Pin {
  constructor() {
    Object.assign(this, { step: null, frames: null, isShown: false, stage: null });
    const button = (action) => {
      const one = make("button", { type: "button", class: "plain" });
      one.addEventListener("click", action);
      return one;
    };
    this.setter = button(() => this.toggle());
    this.viewer = button(() => this.view(!this.isShown));
    this.root = make("div", { class: "pins" }, this.setter, this.viewer);
  }
  began() {
    this.forget();
  }
  switched() {
    this.forget();
  }
  grown() {
    if (this.stage === live.stage) return;
    this.stage = live.stage;
    this.stage.map.past = (map) => this.past(map);
    this.stage.map.root.append(this.root);
  }
  // Films grow thinner and are cut back, so that the maps of the step are kept themselves.
  toggle() {
    if (this.step !== null) this.forget();
    else {
      this.step = live.film.frames[state.frame].step;
      this.frames = new Map(live.film.probes.flatMap(({ tokens, maps }) => maps.map((map) => [this.key(tokens, map), map.frames[state.frame]])));
    }
    show();
  }
  forget() {
    Object.assign(this, { step: null, frames: null, isShown: false });
  }
  view(isShown) {
    this.isShown = isShown;
    show();
  }
  key(tokens, { layer, head }) { return JSON.stringify([tokens, layer, head]); }
  past(map) {
    if (!this.isShown) return null;
    const frame = this.frames.get(this.key(live.film.probes[state.probe].tokens, map));
    return frame ? { step: this.step, values: mapOf(frame) } : null;
  }
  shown() {
    const isPinned = this.step !== null;
    this.setter.textContent = isPinned ? say("pin.forget", { step: this.step }) : say("pin.set");
    if (isPinned) this.setter.setAttribute("aria-label", say("pin.forgetLong", { step: this.step }));
    else this.setter.removeAttribute("aria-label");
    this.viewer.textContent = say("pin.view");
    this.viewer.hidden = !isPinned;
    this.viewer.setAttribute("aria-pressed", String(this.isShown));
  }
}

const pin = new Pin();
accompany(pin);
keyActions.b = () => pin.toggle();
keyActions.d = () => pin.step !== null && pin.view(!pin.isShown);
