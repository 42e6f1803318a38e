// The trainer's module as plain functions: requests in JSON, with bytes behind them where they have some.
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

class Session {
  // Crates for the web leave imports of wasm-bindgen in the module, which no training calls.
  static start(compiled) {
    const imports = {};
    for (const { module, name, kind } of WebAssembly.Module.imports(compiled)) {
      if (kind !== "function") throw new Error(`the module imports the ${kind} ${name}, expected functions alone`);
      imports[module] ??= {};
      imports[module][name] = () => { throw new Error(`the module called ${name}, which a page does not have`); };
    }
    return new Session(new WebAssembly.Instance(compiled, imports).exports);
  }
  constructor(module) {
    this.module = module;
    this.isLost = false;
  }
  // Bytes of its memory.
  get size() { return this.module.memory.buffer.byteLength; }
  // What the request gives; an error has the `kind` that the trainer gave it, or is a `panic`, after which the module is lost.
  ask(request, bytes = new Uint8Array()) {
    const line = ENCODER.encode(`${JSON.stringify(request)}\n`);
    const { reserve, call, answer, answer_length, take_panic } = this.module;
    const read = () => new Uint8Array(this.module.memory.buffer, answer(), answer_length());
    let kind;
    try {
      const start = reserve(line.length + bytes.length);
      const room = new Uint8Array(this.module.memory.buffer, start, line.length + bytes.length);
      room.set(line);
      room.set(bytes, line.length);
      kind = call();
    } catch (error) {
      this.isLost = true;
      take_panic();
      const text = DECODER.decode(read());
      throw Object.assign(new Error(text || String(error)), { kind: "panic" });
    }
    // A copy: the memory moves when it grows.
    if (kind === 1) return read().slice();
    const value = JSON.parse(DECODER.decode(read()));
    if (kind === 2) throw Object.assign(new Error(value.message), value);
    return value;
  }
}
