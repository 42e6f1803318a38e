// The input on top: each token with its right answer and the model's answer, grey where no answer counts. One is pinned.
class Tokens {
  constructor(place, { pinned, pointed, said }) {
    Object.assign(this, { pinned, pointed, said, n: 0 });
    this.root = make("div", { class: "token-strip part", "data-part": "tokens", role: "group", "aria-label": say("tokens.label") });
    place.append(this.root);
  }
  build(moment) {
    const row = (name) => make("span", {}, say(`tokens.${name}`));
    this.heads = make("div", { class: "token-heads", "aria-hidden": "true" }, ...["position", "input", "right", "said"].map(row));
    this.buttons = moment.tokens.map((token, i) => {
      const share = make("i", { "aria-hidden": "true" });
      const said = make("span", { class: "said-answer" });
      const target = moment.target(i);
      const button = make("button", { type: "button", class: "token" }, make("span", { class: "place" }, String(i)), make("span", { class: "word" }, cut(token, 6)), make("span", { class: "right-answer" }, moment.hasTarget(i) ? cut(target, 6) : "–"), said, share);
      if (!moment.hasTarget(i)) button.classList.add("silent");
      for (const [event, query] of [["pointerenter", i], ["focus", i], ["pointerleave", null], ["blur", null]]) button.addEventListener(event, () => this.pointed(query));
      button.addEventListener("click", () => this.pinned(i));
      button.addEventListener("keydown", (event) => this.key(event, i));
      return { button, share, said };
    });
    this.root.replaceChildren(this.heads, ...this.buttons.map(({ button }) => button));
  }
  // A long input scrolls to the token that asks; the page stays where it is.
  reveal(button) {
    const [left, right] = [button.offsetLeft - this.heads.offsetWidth, button.offsetLeft + button.offsetWidth];
    const { scrollLeft, clientWidth } = this.root;
    if (left < scrollLeft) this.root.scrollLeft = left;
    else if (right > scrollLeft + clientWidth) this.root.scrollLeft = right - clientWidth;
  }
  key(event, i) {
    const n = this.buttons.length;
    const next = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: n - 1 }[event.key];
    if (next === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.buttons[Math.min(Math.max(next, 0), n - 1)].button.focus();
  }
  show(moment, query, pinned, guessed = null) {
    const weights = moment.nQueries === moment.tokens.length ? moment.row("weights", query) : null;
    this.buttons.forEach(({ button, share, said }, i) => {
      const weight = weights?.[i];
      button.style.setProperty("--share", Number.isFinite(weight) ? String(weight) : "0");
      button.querySelector(".word").style.background = Number.isFinite(weight) ? colour("sequential", weight) : "";
      button.querySelector(".word").style.color = Number.isFinite(weight) ? inkOn("sequential", weight) : "";
      share.style.width = `${100 * (weight || 0)}%`;
      const answer = moment.isBroken(i) ? say("notFinite") : moment.prediction(i);
      const isRight = answer === moment.target(i);
      said.textContent = answer === "" ? "" : moment.hasTarget(i) ? `${cut(answer, 6)} ${isRight ? "✓" : "✗"}` : "–";
      button.classList.toggle("asks", i === query);
      button.classList.toggle("pinned", i === pinned);
      button.classList.toggle("guessed", i === guessed);
      button.classList.toggle("wrong", moment.hasTarget(i) && answer !== "" && !isRight);
      button.setAttribute("aria-pressed", String(i === pinned));
      button.tabIndex = i === query ? 0 : -1;
      const words = { position: i, token: moment.tokens[i], right: moment.target(i), said: answer };
      if (i === query) this.reveal(button);
      button.setAttribute("aria-label", say(moment.hasTarget(i) ? "tokens.one" : "tokens.silent", words));
    });
  }
}
