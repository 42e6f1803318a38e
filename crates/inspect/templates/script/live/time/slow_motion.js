// One step of the training in slow motion: the training pauses, makes one watched step, and the stage shows the way from
// the frame before to the frame after in seven beats. The training is where that step led, so that it goes on exactly.
class SlowMotion {
  constructor(button) {
    // What it waits for: that the training has paused, or the frame of a step.
    Object.assign(this, { button, beats: null, stage: null, waits: null, isOwn: false });
    button.addEventListener("click", () => trainer.whenBegun(() => this.start()));
  }
  get isRunning() { return Boolean(this.beats?.isRunning); }
  began() {
    this.waits = null;
  }
  grown(film) {
    if (this.stage !== live.stage) this.build();
    if (!this.waits || live.isPlaying) return;
    if (this.waits.isPausing) this.step();
    else if (film.frames.at(-1).step === this.waits.step && film.frames.length > 1) this.waits.isThere = true;
  }
  shown() {
    if (this.waits?.isThere) {
      this.waits = null;
      this.show(live.film.frames.length - 2);
    } else if (this.isRunning && !this.isOwn) this.leave();
    this.name();
  }
  // Who trains on leaves it.
  played(isPlaying) {
    if (!isPlaying) return;
    if (this.isRunning) this.leave();
    if (!this.waits?.isPausing) this.waits = null;
  }
  // A stage has its own beats.
  build() {
    this.stage = live.stage;
    this.beats = new Beats(live.stage, { seek: (frame) => this.seek(frame), ended: () => this.button.focus() });
    // Here the bar has room for the button on a narrow screen, too.
    this.beats.starter.remove();
  }
  // Who looks back sees the way to the next frame; at the last one a step is made.
  start() {
    if (this.isRunning) return this.show(this.beats.from);
    if (!live.isPlaying && state.frame < live.film.frames.length - 1) return this.show(state.frame);
    live.isFollowing = true;
    this.waits = { isPausing: true };
    if (live.isPlaying) play(false);
    else this.step();
  }
  step() {
    this.waits = { step: live.film.frames.at(-1).step + 1 };
    oneStep();
  }
  show(frame) {
    this.seek(frame);
    this.isOwn = true;
    this.beats.start();
    this.isOwn = false;
  }
  seek(frame) {
    this.isOwn = true;
    seek(frame);
    this.isOwn = false;
  }
  // What is on the stage now is no longer what the beats tell of.
  leave() {
    this.beats.leave();
    live.stage.show(state);
  }
  end() {
    this.beats.end();
  }
  // Frames of a training that ran lie several steps apart.
  name() {
    if (!this.beats) return;
    const isLast = state.frame === live.film.frames.length - 1;
    this.button.title = isLast ? say("slow") : this.beats.named(state.frame);
  }
}

const slowMotion = new SlowMotion(at("slow"));
accompany(slowMotion);
needingRun.push(at("slow"));
at("slow").disabled = !live.run;
keyActions.s = () => at("slow").click();
const letGo = keyActions.Escape;
keyActions.Escape = () => (slowMotion.isRunning ? slowMotion.end() : letGo());
