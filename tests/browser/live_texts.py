"""Texts and pairs of the reader's own in the live page: dropped, pasted, long, hostile, and each for the task that has it.
`proofs.py` lists it."""

import json

from live_page import a_long_text_blocks_no_longer, until
from live_question import after, open_page

# Writing from the right, the end of a script, and letters of every length.
HOSTILE = "</script><img src=x onerror=alert(1)>\u202eabc\u2066 <b>&amp;\u0000 ä€😀 "

MILLION = f"({json.dumps(HOSTILE)}).repeat({1_000_000 // len(HOSTILE) + 1})"


def dropped(text):
    return f"(() => {{ const data = new DataTransfer(); data.setData('text/plain', {text}); document.body.dispatchEvent(new DragEvent('drop', {{ dataTransfer: data, bubbles: true, cancelable: true }})); }})()"


def a_text_of_any_length(browser, page):
    """A million letters that a page must not trust are learned and shown as text, without a halt; more is said."""
    open_page(browser, page)
    browser.run(f"globalThis.million = {MILLION}, globalThis.short = million.slice(0, 3000)")

    def block(text):
        if browser.run("live.run.task") != "letters":
            browser.run("settings.form.elements.task.value = 'letters'")
            after(browser, "settings.apply()", "letters")
        before = browser.run("trainer.asked")
        browser.watch_blocking()
        browser.run(dropped(text))
        until(browser, f"trainer.asked > {before} && trainer.id === trainer.asked && live.film !== null", 60, f"a {text} text")
        browser.run("at('step').click()")
        until(browser, "live.film.frames.at(-1).step === 1", 60, "a step")
        return browser.longest_block()

    a_long_text_blocks_no_longer(block, "dropped")
    assert browser.run("live.run.task") == "chars" and not browser.run("document.querySelector('img')")
    shown = browser.run("settings.source.area.value")
    assert shown.startswith(HOSTILE.split("\u0000")[0]) and len(shown) < 3_000 and browser.run("settings.source.area.readOnly")
    assert "MB of at most 8.0 MB" in browser.run("settings.source.size.textContent")
    # Pasted into the field of a short text, a long one is held in the same way.
    after(browser, "settings.source.another.click()", "a text of one's own")
    after(browser, "(() => { const data = new DataTransfer(); data.setData('text/plain', million); settings.source.area.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, data: million, dataType: 'text/plain', bubbles: true, cancelable: true })); })()", "a long text pasted")
    assert browser.run("settings.source.held.byteLength") > 1_000_000 and browser.run("settings.source.area.value.length") < 3_000
    # What is too long is said, and nothing else happens.
    before = browser.run("trainer.asked")
    browser.run(dropped("'x'.repeat(9 << 20)"))
    until(browser, "at('happened').textContent.includes('8.0 MB')", 5, "the refusal of nine million letters")
    assert browser.run("trainer.asked") == before
    # The field again, and a short text pasted into it.
    after(browser, "settings.source.another.click()", "a text of one's own")
    assert not browser.run("settings.source.area.readOnly")
    short = "abcabcabc " * 80
    after(browser, dropped(json.dumps(short)), "a short text")
    assert browser.run("settings.source.area.value") == short and len(browser.run("live.run.vocabulary")) == 4
    # An input of one's own is a text, too.
    for own, found in [("cab " * 20, "live.film.probes[0].tokens.join('') === 'cab␣'.repeat(16)"), ("cab", "at('happened').textContent.includes('64 characters')")]:
        browser.run(f"at('own').value = '{own}', at('own').dispatchEvent(new Event('change'))")
        until(browser, found, 10, f"the input {own}")


def pairs_are_for_the_task_that_has_them(browser, page):
    """A text that is dropped while `translate` is chosen has its pairs, and any other is for `chars`."""
    open_page(browser, page)
    pairs = "".join(f"{n}\tn{n}\n" for n in range(1, 40))
    small = "model.d_model=8\nmodel.n_heads=1\nmodel.n_layers=1\nmodel.d_mlp=0\ntrain.batch_size=2\ntrain.eval_examples=5"
    browser.run(f"settings.form.elements.task.value = 'translate', settings.more.value = {json.dumps(small)}")
    after(browser, "settings.apply()", "numbers in words")
    assert browser.run("settings.source.root.hidden && live.run.values.task.pairs === ''")
    after(browser, dropped(json.dumps(pairs)), "pairs")
    assert browser.run("live.run.task === 'translate' && live.run.values.task.pairs === 'pairs.txt'"), browser.run("live.run.values.task")
    assert "39" in browser.run("live.run.summary") and browser.run("settings.source.area.value") == pairs
    assert browser.run("settings.source.label.textContent").startswith("Pairs")
    # What is no pair is said with its line, and the run before goes on.
    before = browser.run("trainer.asked")
    browser.run(dropped(json.dumps(pairs + "no pair")))
    until(browser, f"trainer.asked > {before} && /line 40/.test(settings.allRefused.textContent)", 10, "a line without a tab")
    # Numbers again, and the text of `chars`, which pairs are not.
    after(browser, "settings.source.another.click()", "numbers in words again")
    assert browser.run("settings.source.root.hidden && live.run.values.task.pairs === ''")
    after(browser, dropped(json.dumps(pairs)), "pairs")
    browser.run("settings.form.elements.task.value = 'chars', settings.more.value = 'task.seq_len=8\\nmodel.d_model=16\\ntrain.batch_size=2'")
    after(browser, "settings.apply()", "chars")
    assert browser.run("live.run.task === 'chars' && settings.source.area.value === say('text.sample')")
    after(browser, "at('defaults').click()", "the defaults")


def check(browser, page, binary, folder):
    a_text_of_any_length(browser, page)
    pairs_are_for_the_task_that_has_them(browser, page)
    assert browser.complaints() == [], browser.complaints()
