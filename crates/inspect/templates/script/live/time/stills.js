// The chapters of a run, when it has ended: as long as it goes on, they would be others with every frame.
const stills = {
  draw: null,
  n: 0,
  place: at("chapters"),
  began() {
    this.clear();
  },
  grown(film) {
    if (this.draw && (live.isPlaying || live.ended === null || film.frames.length !== this.n)) this.clear();
  },
  shown() {
    this.draw?.();
  },
  played(isPlaying) {
    if (isPlaying || live.ended === null || !live.film || this.draw) return;
    this.n = live.film.frames.length;
    this.draw = buildChapters(this.place, { film: live.film, state, seek });
    this.draw();
  },
  clear() {
    this.draw = null;
    this.place.replaceChildren();
    this.place.closest("section").hidden = true;
  },
};
accompany(stills);
dark.addEventListener("change", () => {
  stills.clear();
  stills.played(live.isPlaying);
});
