// One run of the page: what the trainer says of it, its film, which grows, and its curves.
class Lane {
  constructor(run) {
    Object.assign(this, { name: run.name, run, film: null, figures: null });
  }
  // One more moment; whether the film is another one. A run that went somewhere else begins its next moment at a cut.
  grow({ film: bytes, isWritten, steps, evaluations }, isCut) {
    const part = JSON.parse(new TextDecoder().decode(bytes));
    const step = part.frames[0].step;
    const isOther = !this.film;
    if (isOther) this.film = Object.assign(part, { log: { losses: [], accuracies: [] } });
    else {
      const isBack = isCut || this.film.frames.at(-1).step >= step;
      append(this.film, part);
      if (isBack) cutBack(this.film, step);
    }
    if (this.film.probes[0]) this.film.probes[0].isWritten = isWritten;
    this.film.log.losses.push(...steps.map((one) => [one.step, one.loss]));
    this.film.log.accuracies.push(...evaluations.filter(({ figures }) => Number.isFinite(figures.accuracy)).map((one) => [one.step, one.figures.accuracy]));
    this.figures = evaluations.at(-1)?.figures ?? this.figures;
    thin(this.film);
    return isOther;
  }
  // Loss and accuracy at a frame, as far as they were measured by then.
  at(index) {
    const { frames, log } = this.film;
    const frame = frames[index];
    const last = (curve) => curve.findLast(([step]) => step <= frame.step)?.[1];
    return { loss: frame.loss ?? last(log.losses), accuracy: last(log.accuracies) ?? frame.accuracy };
  }
  get layers() {
    const { layers, probes } = this.film;
    return [...new Set(layers.map(({ name }) => name).concat(probes.flatMap(({ maps }) => maps.map(({ layer }) => layer))))];
  }
  get nHeads() {
    const { layers, probes } = this.film;
    return Math.max(...probes.flatMap(({ maps }) => maps.map(({ head }) => head + 1)), ...layers.map(({ heads }) => heads.length), 1);
  }
}
