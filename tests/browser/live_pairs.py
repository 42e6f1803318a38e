"""Tasks of pairs in the live page: `dates` and `translate` train an encoder and a decoder, and open on the alignment of the
answer with its source. `proofs.py` lists it."""

import os

from live_page import begin, fresh, train

CROSS = "decoder.0.cross.attention"

# The map that is shown, and which positions are source and answer.
SHOWN = """(() => {
    const probe = live.film.probes[0], map = probe.maps.find(({ layer }) => layer === state.layer);
    return { layer: state.layer, size: map.size, sides: probe.sides };
})()"""


def check(browser, page, _, folder):
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
