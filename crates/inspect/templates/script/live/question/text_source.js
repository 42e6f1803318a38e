// The text that `chars` learns, or the pairs of `translate`: written, pasted, or a file. Of a long one its beginning is shown alone, because a field
// with a million letters takes a browser longer than a reader waits.
const MOST_TEXT = 8 << 20;
const MOST_SHOWN = 20_000;
const PREVIEW = 2_000;

// The tasks that are made of a file, with its name in their config.
const FILE_OF_TASK = { chars: "text.txt", translate: "pairs.txt" };

class TextSource {
  // `changed` is called when there is another text.
  constructor({ changed }) {
    // Bytes of a text that is not in the field, and the task that it is for: pairs are no text for `chars`.
    Object.assign(this, { changed, held: null, version: 0, task: "chars" });
    this.area = make("textarea", { name: "text", rows: "5", spellcheck: "false", id: "text" });
    this.area.value = say("text.sample");
    this.size = make("p", { class: "hint", "aria-live": "polite" });
    this.file = make("input", { type: "file", accept: ".txt,.md,.csv,.json,text/*", id: "open-text" });
    this.label = make("label", { for: "text" });
    this.another = make("button", { type: "button", class: "plain" }, say("text.another"));
    this.another.addEventListener("click", () => {
      this.forget();
      this.changed();
    });
    this.file.addEventListener("change", () => this.takeFile(this.file.files[0]));
    this.area.addEventListener("paste", (event) => {
      const text = event.clipboardData?.getData("text/plain") ?? "";
      if (this.held || text.length <= MOST_SHOWN) return;
      event.preventDefault();
      this.take(text);
    });
    this.area.addEventListener("input", () => this.showSize());
    // A drop on the field is a drop on the page.
    this.root = make("div", { class: "of-text", hidden: "" }, this.label, this.area, this.size,
      make("p", { class: "buttons" }, make("label", { class: "plain file" }, say("text.open"), this.file), this.another));
    this.showSize();
  }
  // The name of the text as a task takes it; undefined where the text is for another.
  nameFor(task) { return task === this.task ? FILE_OF_TASK[task] : undefined; }
  // Text of any length; what is too long is said, and the text before stays.
  take(text, task = this.task) {
    if (text.length <= MOST_SHOWN) {
      this.forget(text, task);
      return this.changed();
    }
    this.hold(ENCODER_OF_TEXT.encode(text).buffer, text.slice(0, PREVIEW), task);
  }
  async takeFile(file, task = this.task) {
    if (!file) return;
    if (file.size > MOST_TEXT) return this.refuse(file.size);
    const bytes = await file.arrayBuffer();
    const beginning = new TextDecoder().decode(bytes.slice(0, 4 * PREVIEW));
    if (bytes.byteLength <= MOST_SHOWN && !beginning.includes("\ufffd")) return this.take(new TextDecoder().decode(bytes), task);
    this.hold(bytes, beginning.slice(0, PREVIEW), task);
  }
  hold(bytes, beginning, task) {
    if (bytes.byteLength > MOST_TEXT) return this.refuse(bytes.byteLength);
    Object.assign(this, { held: bytes, task });
    // Half a pair of code units is no letter.
    this.area.value = `${beginning.replace(/[\ud800-\udbff]$/, "")}…`;
    this.area.readOnly = true;
    this.version += 1;
    this.showSize();
    this.changed();
  }
  // The field is the reader's again.
  forget(text = say("text.sample"), task = "chars") {
    Object.assign(this, { held: null, version: this.version + 1, task });
    this.area.readOnly = false;
    this.area.value = text;
    this.showSize();
  }
  refuse(bytes) { said(say("text.tooLong", { size: inMegabytes(bytes), most: inMegabytes(MOST_TEXT) })); }
  showSize() {
    const bytes = this.held?.byteLength ?? ENCODER_OF_TEXT.encode(this.area.value).length;
    this.size.textContent = say(this.held ? "text.held" : "text.size", { size: inMegabytes(bytes), most: inMegabytes(MOST_TEXT), n: PREVIEW });
    // Without its pairs, `translate` learns numbers in words.
    const isOfPairs = this.task !== "chars";
    this.another.hidden = !this.held && !isOfPairs;
    this.another.textContent = say(isOfPairs ? "text.numbers" : "text.another");
    this.label.textContent = say(isOfPairs ? "text.pairs" : "text.label");
  }
  bytes() { return this.held ?? ENCODER_OF_TEXT.encode(this.area.value).buffer; }
  // What tells two texts apart.
  get key() { return this.held ? this.version : this.area.value; }
}
const ENCODER_OF_TEXT = new TextEncoder();
const inMegabytes = (bytes) => (bytes < 100_000 ? say("text.bytes", { n: bytes }) : say("text.megabytes", { n: (bytes / 2 ** 20).toFixed(1) }));
