// Plays frames at their times. It never starts by itself.
const FILM_TIME = 14;

class Player {
  // `times` gives the share of the film at which each frame is shown, `moved` is called with a frame and that share.
  constructor({ times, moved, changed }) {
    Object.assign(this, { times, moved, changed, speed: 1, isLoop: false, share: 0, last: 0, request: 0 });
  }
  get isPlaying() { return this.request !== 0; }
  play() {
    if (this.isPlaying) return;
    if (this.share >= 1) this.share = 0;
    this.last = performance.now();
    this.request = requestAnimationFrame((now) => this.tick(now));
    this.changed();
  }
  stop() {
    if (!this.isPlaying) return;
    cancelAnimationFrame(this.request);
    this.request = 0;
    this.changed();
  }
  seek(share) { this.share = share; }
  tick(now) {
    const times = this.times();
    // Few frames are no long film.
    const seconds = Math.min(FILM_TIME, 0.3 * times.length) / this.speed;
    this.share += Math.min(now - this.last, 250) / 1000 / seconds;
    this.last = now;
    const isOver = this.share >= 1;
    if (isOver) this.share = this.isLoop ? 0 : 1;
    this.moved(times.findLastIndex((time) => time <= this.share + 1e-9), this.share);
    if (!this.isPlaying) return;
    if (isOver && !this.isLoop) return this.stop();
    this.request = requestAnimationFrame((next) => this.tick(next));
  }
}
