// Keys that are letters, digits and signs can be switched off, for who speaks to the machine or hits keys by accident.
const letters = make("input", { type: "checkbox", id: "keys", checked: "" });
settings.groups.view.append(make("label", { class: "field check" }, letters, make("span", {}, say("letters.on"))));
// Before every other part of the page hears of the key.
addEventListener("keydown", (event) => {
  const isWriting = event.target instanceof Element && event.target.closest("input:not([type=checkbox], [type=file]), textarea, select");
  const isLetter = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!letters.checked && isLetter && !isWriting) event.stopImmediatePropagation();
}, { capture: true });
// It stands in the address, as the speed does.
for (const control of [letters, at("speed")]) control.addEventListener("change", () => address.changed());
