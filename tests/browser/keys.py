"""Keys by the names that a page sees in `event.key`, for the protocols that want numbers and characters of their own."""

from collections import namedtuple

# `number` is the one of Windows, `letter` that of WebDriver, `text` what the key writes into a field.
Key = namedtuple("Key", ["name", "code", "number", "letter", "text"])

NAMED = {
    name: Key(name, name if name != " " else "Space", number, letter, text)
    for name, number, letter, text in [
        ("Backspace", 8, "\ue003", None),
        ("Tab", 9, "\ue004", None),
        ("Enter", 13, "\ue006", "\r"),
        ("Escape", 27, "\ue00c", None),
        (" ", 32, " ", " "),
        ("PageUp", 33, "\ue00e", None),
        ("PageDown", 34, "\ue00f", None),
        ("End", 35, "\ue010", None),
        ("Home", 36, "\ue011", None),
        ("ArrowLeft", 37, "\ue012", None),
        ("ArrowUp", 38, "\ue013", None),
        ("ArrowRight", 39, "\ue014", None),
        ("ArrowDown", 40, "\ue015", None),
        ("Delete", 46, "\ue017", None),
    ]
}

# The bit of a modifier in Chromium, and its character in WebDriver.
MODIFIERS = {"Alt": (1, "\ue00a"), "Control": (2, "\ue009"), "Meta": (4, "\ue03d"), "Shift": (8, "\ue008")}


def read(text):
    """The modifiers and the key of `ArrowLeft`, `.` or `Control+z`."""
    *modifiers, name = text.split("+") if len(text) > 1 else [text]
    if name in NAMED:
        key = NAMED[name]
    else:
        assert len(name) == 1, f"`{name}` is not in keys.py"
        upper = name.upper()
        code = f"Key{upper}" if upper.isalpha() else f"Digit{name}" if name.isdigit() else ""
        key = Key(name, code, ord(upper) if code else 0, name, name)
    return [MODIFIERS[one] for one in modifiers], key
