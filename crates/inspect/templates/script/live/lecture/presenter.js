// The presenter's view: the station and the stage alone, large, for a hall. A station is opened where there is none.
const presenter = {
  get isOn() { return document.body.classList.contains("presenting"); },
  toggle() {
    if (this.isOn) return this.leave();
    document.body.classList.add("presenting");
    if (!lecture.station) lecture.open(0);
    scrollTo(0, 0);
    this.changed();
  },
  leave() {
    if (!this.isOn) return;
    document.body.classList.remove("presenting");
    this.changed();
  },
  changed() {
    lecture.present.setAttribute("aria-pressed", String(this.isOn));
    lecture.closer.setAttribute("aria-label", say(this.isOn ? "lecture.small" : "lecture.close"));
    // Its type is larger, so that everything has another place.
    if (!live.film) return;
    live.timeline.build();
    live.stage.layOut();
    show();
  },
};

keyActions.p = () => presenter.toggle();
const goOut = keyActions.Escape;
keyActions.Escape = () => (presenter.isOn && !slowMotion.isRunning ? presenter.leave() : goOut());
