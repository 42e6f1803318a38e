// The card on the stage while a reader reaches in: what can be done, with what, and what it has done.
class ReachCard {
  constructor() {
    this.mode = null;
    this.title = make("h2", { class: "reach-title" });
    this.tools = make("div", { class: "reach-tools" });
    this.effect = make("p", { class: "reach-effect", "aria-live": "polite" });
    this.hint = make("p", { class: "reach-hint" });
    const close = make("button", { type: "button", id: "reach-close", class: "plain reach-close" }, say("reach.close"));
    close.addEventListener("click", () => this.mode?.leave());
    this.root = make("section", { class: "reach", "aria-label": say("reach.label") }, this.title, this.tools, this.effect, this.hint, close);
  }
  get isOpen() { return this.mode !== null; }
  // One mode at a time: `mode` has `tools`, elements, and `leave`.
  open(mode, name) {
    if (this.mode !== mode) this.mode?.leave();
    this.mode = mode;
    this.title.textContent = say(`${name}.title`);
    this.hint.replaceChildren(...marked(say(`${name}.hint`)));
    this.say("");
    this.tools.replaceChildren(...mode.tools);
    this.shown();
  }
  close() {
    // The button that opened it is where its keys go on.
    if (this.root.contains(document.activeElement)) this.mode?.button.focus();
    this.mode = null;
    this.root.remove();
    live.stage?.reach(false);
    // What the keys of the card do is not true without it.
    live.stage?.tell("");
  }
  // Another run has another stage.
  shown() {
    if (!this.isOpen || !live.stage) return;
    live.stage.reach(true);
    if (this.root.parentNode !== live.stage.card) live.stage.card.prepend(this.root);
  }
  say(text) {
    if (text === this.text) return;
    this.text = text;
    this.effect.replaceChildren(...prose(text));
  }
}
const reachCard = new ReachCard();

// Wherever the focus is: a field over a cell and the settings have this key to themselves.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !reachCard.isOpen || cellField.isOpen || event.target.closest("#question")) return;
  event.preventDefault();
  event.stopPropagation();
  reachCard.mode.leave();
}, { capture: true });

// A button that switches a mode, in a place of the stage that is made anew with every run.
function reachMode(mode, key, text, label) {
  const button = make("button", { type: "button", id: `mode-${key}`, class: "plain mode", "aria-pressed": "false", "aria-keyshortcuts": key.toUpperCase(), title: label }, text);
  button.addEventListener("click", () => mode.toggle());
  keyActions[key] = () => mode.toggle();
  return button;
}

// A few choices of which one is on, with the arrow keys as in every such group.
function reachChoices(label, texts, chosen) {
  const buttons = Object.entries(texts).map(([value, text]) => make("button", { type: "button", role: "radio", id: `tool-${value}`, "data-value": value }, text));
  const choose = (button) => {
    for (const one of buttons) {
      one.setAttribute("aria-checked", String(one === button));
      one.tabIndex = one === button ? 0 : -1;
    }
    chosen(button.dataset.value);
  };
  buttons.forEach((button, i) => {
    button.addEventListener("click", () => choose(button));
    button.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (!move) return;
      event.preventDefault();
      event.stopPropagation();
      const next = buttons[(i + move + buttons.length) % buttons.length];
      choose(next);
      next.focus();
    });
  });
  choose(buttons[0]);
  return make("div", { class: "segments", role: "radiogroup", "aria-label": label }, ...buttons);
}
