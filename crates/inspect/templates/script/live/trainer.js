// The page's end of the worker: starts it, asks it, and hands on what arrives. `lane` is the one that changes and files mean.
class Trainer {
  // `heard` has a function for each message of the worker, by its name; `ready` is also given what the run begins with.
  constructor(heard) {
    Object.assign(this, { heard, id: 0, lane: 0, asked: 0, worker: null, begins: new Map(), waiting: [] });
  }
  // The first run. The module travels as text and is unpacked there, so that the page does not stand still.
  start(begin) {
    const source = new Blob([document.getElementById("worker").textContent], { type: "text/javascript" });
    try {
      this.worker = new Worker(URL.createObjectURL(source));
    } catch (error) {
      return this.heard.error({ kind: "worker", message: error.message });
    }
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.worker.onerror = (event) => this.heard.error({ kind: "page", message: event.message });
    this.begins.clear();
    this.ask("init", begin, { module: document.getElementById("module").textContent.trim() });
  }
  // Another run in its place, if it fits: until it is ready, the run before goes on.
  begin(begin) {
    this.ask("set", begin);
  }
  ask(what, begin, more = {}) {
    this.begins.set(++this.asked, begin);
    this.post(what, { id: this.asked, ...more, ...begin });
  }
  get isBeginning() { return this.begins.size > 0; }
  // Does it when it is settled which run goes on, which is the one that the reader means.
  whenBegun(action) {
    if (this.isBeginning) this.waiting.push(action);
    else action();
  }
  hear(message) {
    const { id } = message;
    const begin = this.begins.get(id);
    const begins = message.do === "ready" && message.isNew;
    if (begins) this.id = id;
    const isRefused = message.do === "error" && id === this.asked;
    const isSettled = begins || (message.do === "error" && begin !== undefined);
    if (isSettled) this.begins.delete(id);
    if (id === this.id || isRefused) this.heard[message.do]?.(message, begin);
    // A frame that is not shown is paid for, or no other would come.
    else if (message.do === "frame") this.post("credit");
    if (isSettled && !this.isBeginning) for (const action of this.waiting.splice(0)) action();
  }
  post(what, more = {}) {
    this.worker.postMessage({ do: what, id: this.id, lane: this.lane, ...more });
  }
}
