// The way to a step that an address names: a few steps at a time, so that frames of the way are there, and the reader can
// do something else at any time.
const FRAMES_OF_A_WAY = 60;
const MOST_AT_ONCE = 10;

const journey = {
  to: null,
  // Goes on from where the run stands.
  start(step) {
    const from = live.film.frames.at(-1).step;
    if (step <= from) return;
    Object.assign(journey, { to: step, asked: null, stride: Math.min(Math.ceil((step - from) / FRAMES_OF_A_WAY), MOST_AT_ONCE) });
    journey.grown(live.film);
  },
  stop() { journey.to = null; },
  // Every frame that comes asks for the next one.
  grown(film) {
    if (journey.to === null) return;
    const { step } = film.frames.at(-1);
    if (step >= journey.to || live.ended) return journey.stop();
    if (step === journey.asked) return;
    journey.asked = step;
    trainer.post("step", { n: Math.min(journey.stride, journey.to - step) });
  },
  began() { journey.stop(); },
  played(isPlaying) { if (isPlaying) journey.stop(); },
};
