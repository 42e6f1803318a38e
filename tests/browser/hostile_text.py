"""Text that is made to break a page: tags, letters that run from right to left, and a million characters at once."""

import json
import os

from live_page import a_long_text_blocks_no_longer, begin, begun, fresh, until

TAG = "</script><img src=x onerror='globalThis.isBroken=true'><marquee>m</marquee> &amp; <svg onload=globalThis.isBroken=true>"
RIGHT_TO_LEFT = "\u202eשלום עולם\u202c مرحبا \u2066x\u2069 "
TEXT = f"{TAG} {RIGHT_TO_LEFT}{{{{ data|safe }}}} ${{globalThis.isBroken=true}} \u0000\ufeff "

SMALL = ["model.d_model=16", "model.n_heads=1", "model.n_layers=1", "model.d_mlp=0", "task.seq_len=8", "train.batch_size=4", "train.eval_examples=8"]

FIELD = "document.forms.settings.elements.text"
BROKEN = "globalThis.isBroken === true || document.querySelector('marquee, img[src=x], svg[onload]') !== null"


# What a browser makes of a paste, before the page hears of it.
CLIPBOARD = """(() => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', given);
    globalThis.paste = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
})()"""

# What no script of the page takes out of its hands the browser writes into the field.
PASTE = f"""(() => {{
    {FIELD}.focus();
    if ({FIELD}.dispatchEvent(paste)) {{
        {FIELD}.value = given;
        {FIELD}.dispatchEvent(new Event('input', {{ bubbles: true }}));
        {FIELD}.dispatchEvent(new Event('change', {{ bubbles: true }}));
    }}
    {FIELD}.blur();
}})()"""


def give(browser, text):
    """Pastes a text into the field in place of what is there, and leaves it."""
    # A text of which the beginning is shown is put away first.
    if browser.run(f"{FIELD}.readOnly"):
        before = browser.run("trainer.asked")
        browser.run("[...document.querySelectorAll('.of-text button')].find((one) => !one.hidden).click()")
        begun(browser, before, "the text before")
        assert not browser.run(f"{FIELD}.readOnly")
    browser.run(f"void (globalThis.given = {text})")
    browser.run(CLIPBOARD)
    browser.watch_blocking()
    browser.run(PASTE)


def set_more(browser, settings):
    form = "document.forms.settings.elements"
    browser.run(f"{form}.more.value = {json.dumps(chr(10).join(settings))}, document.forms.settings.requestSubmit()")


def tags_are_text(browser, folder):
    before = browser.run("trainer.asked")
    give(browser, f"{json.dumps(TEXT)}.repeat(20)")
    begun(browser, before, "a text of tags")
    labels = browser.run("live.run.vocabulary")
    assert {"<", ">", "&", "ש", "م", "\\u{202e}"} <= set(labels), labels
    browser.run("at('step').click()")
    until(browser, "live.film.frames.at(-1).step === 1", 10, "a step on a text of tags")
    browser.run("scrollTo(0, 0)")
    browser.picture(os.path.join(folder, "hostile.png"), whole=False)
    assert not browser.run(BROKEN), "the text became a part of the page"
    # The tokens are what the text has, each in a direction of its own.
    tokens = browser.run("live.film.probes[0].tokens")
    shown = browser.run("[...document.querySelectorAll('.token .word')].map((word) => word.textContent)")
    assert len(shown) == len(tokens) == 8, (shown, tokens)
    assert browser.run("[...document.querySelectorAll('.token span')].every((span) => getComputedStyle(span).unicodeBidi === 'isolate')")
    # What was made of the text runs, and stays text, wherever it is shown: in a sentence, a label, a picture's name.
    for query in range(8):
        browser.run(f"choose({{ query: {query} }})")
        assert not browser.run(BROKEN), query
    browser.run("choose({ query: null })")


def a_million_characters(browser):
    """The field takes them and the training begins, while the page answers."""
    # Each is another text.
    letters = iter("abcdefghijkl")

    def block(text):
        n = {"short": 3000, "million": 1_000_000}[text]
        give(browser, f"({json.dumps(TEXT)} + '{next(letters)}').repeat(Math.ceil({n} / {len(TEXT)})).slice(0, {n})")
        until(browser, f"!trainer.isBeginning && live.film !== null && live.run.summary.includes('{n}')", 20, f"a run of a {text} text")
        return browser.longest_block()

    a_long_text_blocks_no_longer(block, "pasted")
    assert not browser.run(BROKEN)
    browser.run("at('step').click()")
    until(browser, "live.film.frames.at(-1).step === 1", 10, "a step on a million characters")


def what_is_too_large_is_said(browser):
    """A model that a page has no memory for is refused with both sizes, and the run before goes on."""
    step = browser.run("live.film.frames.at(-1).step")
    set_more(browser, [*SMALL, "model.d_model=8192"])
    until(browser, "[...document.querySelectorAll('.refused')].some((one) => /\\d+ MiB/.test(one.textContent))", 10, "the refusal of a model that is too large")
    until(browser, "!trainer.isBeginning && live.film !== null", 10, "the run before")
    assert browser.run("live.film.frames.at(-1).step") == step
    # And a text with too many different characters, which no vocabulary has room for.
    set_more(browser, SMALL)
    until(browser, "!trainer.isBeginning && live.film !== null", 10, "the run with the settings before")
    step = browser.run("live.film.frames.at(-1).step")
    give(browser, "Array.from({ length: 20000 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('')")
    until(browser, "!trainer.isBeginning && live.film !== null && /8,?192/.test(at('happened').textContent)", 10, "the refusal of 20,000 different characters")
    assert browser.run("live.film.frames.at(-1).step") == step


def check(browser, page, binary, folder):
    fresh(browser, page)
    begin(browser, "chars", SMALL)
    tags_are_text(browser, folder)
    a_million_characters(browser)
    what_is_too_large_is_said(browser)
