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
  // What a station needs and stands elsewhere is lent to it: the choice of the head, and Undo where there is something.
  lend() {
    for (const [one, home] of this.lent) {
      if (this.isOn) lecture.lent.append(one);
      else home.before(one);
    }
  },
  get lent() {
    // Marks of where they stand.
    this.homes ??= [at("head").closest("label"), at("undo")].map((one) => {
      const home = document.createComment("");
      one.after(home);
      return [one, home];
    });
    return this.homes;
  },
  changed() {
    this.lend();
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
earlyKeys.add("p");
const goOut = keyActions.Escape;
keyActions.Escape = () => (presenter.isOn && !slowMotion.isRunning ? presenter.leave() : goOut());
