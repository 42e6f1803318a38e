// The page's end of the worker: starts it, asks it, and hands on what arrives.
class Trainer {
  // `heard` has a function for each message of the worker, by its name.
  constructor(heard) {
    Object.assign(this, { heard, id: 0, asked: 0, worker: null });
  }
  // The first run. The module travels as text and is unpacked there, so that the page does not stand still.
  start(begin) {
    const source = new Blob([document.getElementById("worker").textContent], { type: "text/javascript" });
    this.worker = new Worker(URL.createObjectURL(source));
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.worker.onerror = (event) => this.heard.error({ kind: "page", message: event.message });
    this.post("init", { id: ++this.asked, module: document.getElementById("module").textContent.trim(), ...begin });
  }
  // Another run in its place, if it fits: until it is ready, the run before goes on.
  begin(begin) {
    this.post("set", { id: ++this.asked, ...begin });
  }
  hear(message) {
    if (message.do === "ready" && message.isNew && message.id === this.asked) this.id = message.id;
    const isRefused = message.do === "error" && message.id === this.asked;
    if (message.id === this.id || isRefused) this.heard[message.do]?.(message);
    // A frame that is not shown is paid for, or no other would come.
    else if (message.do === "frame") this.post("credit");
  }
  post(what, more = {}) {
    this.worker.postMessage({ do: what, id: this.id, ...more });
  }
}
