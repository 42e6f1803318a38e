// For tests alone: `#test` in the address gives them a few calls. The seed is fixed without it, and nothing depends on the
// time of day.
if (isTest) {
  const until = async (isDone) => {
    while (!isDone()) await new Promise((done) => setTimeout(done, 5));
  };
  const isThere = () => live.film !== null && !trainer.isBeginning;
  const last = () => live.film.frames.at(-1).step;
  window.qkvTest = {
    ready: () => until(isThere),
    // Makes so many steps, or those that are left, and waits for the last one's frame.
    async step(n = 1) {
      await until(isThere);
      const end = Math.min(last() + n, live.run.last_step);
      if (last() < end) trainer.post("step", { n: end - last() });
      await until(() => last() >= end);
      return last();
    },
    // Shows the last frame up to a step.
    seek(step) {
      seek(Math.max(live.film.frames.findLastIndex((frame) => frame.step <= step), 0));
      return qkvTest.state();
    },
    state: () => ({ ...state, step: live.film.frames[state.frame].step, task: live.run.task, isPlaying: live.isPlaying, ended: live.ended }),
    // A cell of a matrix of the head that is shown.
    cell(name, row, column) {
      const matrix = live.film.layers[layerIndex()].heads[state.head].raw.find((one) => one.name === name);
      return cellsOf(matrix, matrix.frames[state.frame])[row * matrix.cells[1] + column];
    },
    // SHA-256 of model.safetensors, in hexadecimal.
    async hash() {
      const { file } = trainer.heard;
      const bytes = await new Promise((done) => {
        trainer.heard.file = ({ content }) => done(content);
        trainer.post("file", { what: "weights" });
      });
      trainer.heard.file = file;
      return Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    },
  };
}
