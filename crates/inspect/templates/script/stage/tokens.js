// The input on top: each token with its right answer and the model's answer, grey where no answer counts. One is pinned. Of
// two sequences the source stands before the answer, each with the names of its rows and without padding.
// A source has many short tokens: a number stands above each fifth.
const PLACE_EVERY = 5;

class Tokens {
  constructor(place, { pinned, pointed, said }) {
    Object.assign(this, { pinned, pointed, said, n: 0 });
    this.root = make("div", { class: "token-strip part", "data-part": "tokens", role: "group" });
    place.append(this.root);
  }
  build(moment) {
    const sides = moment.probe?.sides ?? [];
    const isPair = sides.length === 2;
    this.root.classList.toggle("of-pair", isPair);
    const right = moment.isWritten ? "written" : "right";
    this.root.setAttribute("aria-label", say(moment.isWritten ? "tokens.labelWritten" : "tokens.label"));
    const heads = (...rows) => make("div", { class: "token-heads", "aria-hidden": "true" }, ...rows.map((name) => make("span", {}, say(`tokens.${name}`))));
    this.heads = heads("position", ...(isPair ? ["source"] : ["input", right, "said"]));
    this.buttons = (isPair ? sides : [[0, moment.tokens.length]]).flatMap(([first, end], side) => Array.from({ length: end - first }, (_, place) => this.token(moment, { position: first + place, place, isSource: isPair && side === 0 }))).map((token, i) => this.listening(token, i));
    const elements = this.buttons.map(({ button }) => button);
    const nSource = isPair ? sides[0][1] - sides[0][0] : elements.length;
    this.root.replaceChildren(this.heads, ...elements.slice(0, nSource), ...(isPair ? [heads("position", "answer", right, "said")] : []), ...elements.slice(nSource));
  }
  // What a layer asks with, and what it asks, count from the beginning of their sequence; null where it is neither.
  token(moment, { position, place, isSource }) {
    const within = (i, n) => (i >= 0 && i < n ? i : null);
    const [query, key] = [within(position - moment.queries[0], moment.nQueries), within(position - moment.keys[0], moment.nKeys)];
    const [share, said] = [make("i", { "aria-hidden": "true" }), make("span", { class: "said-answer" })];
    const target = moment.targetAt(position);
    const answers = isSource ? [] : [make("span", { class: "right-answer" }, target === "" ? "–" : cut(target, BESIDE)), said];
    const button = make("button", { type: "button", class: "token" }, make("span", { class: "place" }, isSource && place % PLACE_EVERY ? "" : String(place)), make("span", { class: "word" }, cut(moment.tokens[position], BESIDE)), ...answers, share);
    button.classList.toggle("silent", !isSource && target === "");
    button.classList.toggle("of-source", isSource);
    button.classList.toggle("aside", query === null && key === null);
    if (query === null) button.setAttribute("aria-disabled", "true");
    return { button, share, said, position, place, query, key };
  }
  listening(token, i) {
    const { button, query } = token;
    for (const [event, pointed] of [["pointerenter", query], ["focus", query], ["pointerleave", null], ["blur", null]]) button.addEventListener(event, () => this.pointed(pointed));
    button.addEventListener("click", () => query !== null && this.pinned(query));
    button.addEventListener("keydown", (event) => this.key(event, i));
    return token;
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
    const weights = moment.row("weights", query);
    const isPair = this.root.classList.contains("of-pair");
    for (const { button, share, said, position, place, query: own, key } of this.buttons) {
      const weight = key === null ? NaN : weights?.[key];
      const word = button.querySelector(".word");
      button.style.setProperty("--share", Number.isFinite(weight) ? String(weight) : "0");
      word.style.background = Number.isFinite(weight) ? colour("sequential", weight) : "";
      word.style.color = Number.isFinite(weight) ? inkOn("sequential", weight) : "";
      share.style.width = `${100 * (weight || 0)}%`;
      const target = moment.targetAt(position);
      const answer = own !== null && moment.isBroken(own) ? say("notFinite") : moment.predictionAt(position);
      const isRight = answer === target;
      const mark = moment.isWritten ? "" : `${isPair ? "" : " "}${isRight ? "✓" : "✗"}`;
      said.textContent = answer === "" ? "" : target === "" ? "–" : cut(answer, BESIDE) + mark;
      button.classList.toggle("asks", own === query);
      button.classList.toggle("pinned", own !== null && own === pinned);
      button.classList.toggle("guessed", key !== null && key === guessed);
      button.classList.toggle("wrong", !moment.isWritten && target !== "" && answer !== "" && !isRight);
      button.setAttribute("aria-pressed", String(own !== null && own === pinned));
      button.tabIndex = own === query ? 0 : -1;
      if (own === query) this.reveal(button);
      const isSource = button.classList.contains("of-source");
      const words = { position: place, token: moment.tokens[position], right: target, said: answer };
      button.setAttribute("aria-label", say(isSource ? "tokens.ofSource" : target === "" ? "tokens.silent" : moment.isWritten ? "tokens.oneWritten" : "tokens.one", words));
    }
  }
}
