// Where the question is asked: a drawer beside the stage, opened and closed by a button and by Escape.
const question = {
  get isOpen() { return !at("question").hidden; },
  open(isOpen) {
    if (isOpen === question.isOpen) return;
    at("question").hidden = !isOpen;
    at("screen").classList.toggle("asks", isOpen);
    at("question-open").setAttribute("aria-expanded", String(isOpen));
    (isOpen ? at("question-close") : at("question-open")).focus();
  },
};
at("question-title").textContent = say("question.title");
at("question-close").setAttribute("aria-label", say("question.close"));
at("question-open").textContent = say("question.open");
at("question-open").addEventListener("click", () => question.open(!question.isOpen));
at("question-close").addEventListener("click", () => question.open(false));
at("question").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.preventDefault();
  event.stopPropagation();
  question.open(false);
});
// On a narrow screen it ends where the bar begins, which is higher while something is said in it.
new ResizeObserver(() => at("screen").style.setProperty("--bar", `${at("transport").offsetHeight}px`)).observe(at("transport"));
