// A field over a cell, in which a number is typed.
class CellField {
  // `typed` is called with a number.
  constructor() {
    this.input = make("input", { class: "cell-field", inputmode: "decimal", size: "6", spellcheck: "false", autocomplete: "off" });
    this.input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") this.close(true);
      else if (event.key === "Escape") this.close(false);
      else return;
      event.preventDefault();
    });
    this.input.addEventListener("blur", () => this.close(this.input.value !== this.text));
  }
  get isOpen() { return this.input.isConnected; }
  // Over a cell of a canvas that stands in `place`.
  open(cells, place, cell, { label, text, typed }) {
    Object.assign(this, { cells, cell, typed, text });
    this.input.setAttribute("aria-label", label);
    this.input.removeAttribute("aria-invalid");
    this.input.value = text;
    place.append(this.input);
    cells.fitted = () => this.stand(place);
    this.stand(place);
    this.input.focus();
    this.input.select();
  }
  // Where its cell is, which moves where the picture gets another size.
  stand(place) {
    const { cells, cell: [row, column] } = this;
    const { canvas } = cells;
    const left = canvas.offsetLeft + canvas.clientLeft + cells.side + (column + 0.5) * cells.size;
    const top = canvas.offsetTop + canvas.clientTop + cells.head + (row + 0.5) * cells.size;
    const half = this.input.offsetWidth / 2;
    // Within the window, whatever the cell.
    this.input.style.left = `${Math.max(Math.min(left - half, place.clientWidth - 2 * half), 0)}px`;
    this.input.style.top = `${top - this.input.offsetHeight / 2}px`;
  }
  // With a character that was typed on the cell itself.
  begin(character) {
    this.input.value = character;
    this.input.setSelectionRange(1, 1);
  }
  close(isMeant) {
    if (!this.isOpen || this.isClosing) return;
    const value = Number(this.input.value.trim().replace("−", "-").replace(",", "."));
    const isNumber = this.input.value.trim() !== "" && Number.isFinite(value);
    if (isMeant && !isNumber && document.activeElement === this.input) {
      this.input.setAttribute("aria-invalid", "true");
      return reachCard.say(say("cells.notNumber", { text: cut(this.input.value, 20) }));
    }
    const hadFocus = document.activeElement === this.input;
    // Removing it takes the focus away, which would close it again.
    this.isClosing = true;
    this.input.remove();
    this.isClosing = false;
    this.cells.fitted = () => {};
    if (hadFocus && this.cells.canvas.isConnected) {
      this.cells.canvas.focus();
      this.cells.choose(this.cell);
    }
    if (isMeant && isNumber) this.typed(value);
  }
}
const cellField = new CellField();
