"""Tasks of pairs in the live page: `dates` and `translate` train an encoder and a decoder, and open on the alignment of the
answer with its source, whose name has room in the bar; to a source of the reader's own the model writes the answer.
`proofs.py` lists it."""

import os

from live_page import begin, fresh, train, until

CROSS = "decoder.0.cross.attention"

# The map that is shown, and which positions are source and answer.
SHOWN = """(() => {
    const probe = live.film.probes[0], map = probe.maps.find(({ layer }) => layer === state.layer);
    return { layer: state.layer, size: map.size, sides: probe.sides };
})()"""

STRIP = """({
    heads: [...document.querySelectorAll('.token-heads')].map((heads) => [...heads.children].map(({ textContent }) => textContent).join()),
    said: live.stage.tokens.buttons.map(({ said }) => said.textContent).join(''),
    wrong: live.stage.tokens.buttons.filter(({ button }) => button.classList.contains('wrong')).length,
    words: live.stage.words.textContent,
    strip: live.stage.tokens.root.getAttribute('aria-label'),
    label: live.stage.tokens.buttons.at(-2).button.getAttribute('aria-label'),
})"""

MARKS = set("✓✗")


def what_the_model_wrote_is_not_called_right(browser, folder):
    before = browser.run(STRIP)
    assert before["heads"][1] == "position,answer,right answer,model" and MARKS & set(before["said"]), before
    browser.run("at('own').value = 'einundzwanzig', at('own').dispatchEvent(new Event('change'))")
    until(browser, "inputInWords(live.film.probes[0]).startsWith('einundzwanzig → ')", 10, "a source of the reader's own")
    written = browser.run(STRIP)
    assert written["heads"][1] == "position,answer,written,model", written
    assert not MARKS & set(written["said"]) and written["wrong"] == 0, written
    assert ", as it wrote." in written["words"] and "right" not in written["words"] + written["label"] + written["strip"], written
    browser.picture(os.path.join(folder, "pairs_own_source.png"))
    browser.run("at('own').value = '', at('own').dispatchEvent(new Event('change'))")
    until(browser, "!inputInWords(live.film.probes[0]).startsWith('einundzwanzig')", 10, "the input of before")
    assert browser.run(STRIP) == before

# What stands in the bar and reaches over its end or over what follows it.
CROWDED = """['.topbar', '.topbar .chosen'].flatMap((bar) => {
    const shown = [...document.querySelector(bar).children].filter((one) => one.offsetWidth > 1 && getComputedStyle(one).position !== 'absolute');
    const ends = shown.map((one, i) => shown[i + 1]?.getBoundingClientRect().left ?? innerWidth);
    return shown.flatMap((one, i) => {
        const right = Math.max(...[one, ...one.children].map((part) => part.getBoundingClientRect().right));
        return right > ends[i] + 0.5 ? [`${one.textContent.trim().slice(0, 12)}: ${right} > ${ends[i]}`] : [];
    });
})"""


def the_bar_has_room_for_the_names_of_layers(browser, page):
    for width in [1920, 1440, 1280, 1100, 1000]:
        fresh(browser, page, width=width)
        begin(browser, "dates", [])
        assert browser.run("at('layer').selectedOptions[0].textContent.length") > 20
        # About as many letters, where they stand beside all others.
        assert browser.run("at('layer').offsetWidth") > 100, width
        crowded = browser.run(CROWDED)
        assert crowded == [], f"{width}: {crowded}"


def check(browser, page, _, folder):
    the_bar_has_room_for_the_names_of_layers(browser, page)
    fresh(browser, page)
    for task in ["dates", "translate"]:
        begin(browser, task, ["train.steps=150"])
        shown = browser.run(SHOWN)
        assert shown["layer"] == CROSS, shown
        (source, answer), (rows, columns) = shown["sides"], shown["size"]
        assert [rows, columns] == [answer[1] - answer[0], source[1] - source[0]], shown
        took = train(browser, f"the end of {task}")
        figures = browser.run("live.figures")
        print(f"{task}, 150 steps: {took:.1f} s, {figures}")
        browser.picture(os.path.join(folder, f"pairs_{task}.png"))
        # One token in ten or in twenty is right by chance.
        assert figures["accuracy"] > 0.4, figures
    what_the_model_wrote_is_not_called_right(browser, folder)
