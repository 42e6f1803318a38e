// What has happened, in one place: said politely, and gone when it was there long enough to be read, or by its button.
const LEAST_SAID = 6_000;
const EACH_LETTER = 70;

const message = { timer: 0 };
function said(text, { stays = false } = {}) {
  at("happened").textContent = text;
  at("message").classList.toggle("empty", text === "");
  clearTimeout(message.timer);
  if (text !== "" && !stays) message.timer = setTimeout(hush, LEAST_SAID + EACH_LETTER * text.length);
}
// Not while it is pointed at or has the focus.
function hush() {
  if (at("message").matches(":hover, :focus-within")) message.timer = setTimeout(hush, 1_000);
  else said("");
}
at("message-close").addEventListener("click", () => said(""));
at("message-close").setAttribute("aria-label", say("message.close"));
