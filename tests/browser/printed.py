"""A film of `letters` on paper: its short strips have numbers that can be read, and its stills are sharp."""

import os
import subprocess

from stage import to_step, wait

# Of A4 between the margins of a browser.
PAPER = 695
# Pixels that a number of two digits takes.
NUMBER = 36
# Pixels of a still for each of the style sheet's: paper shows at least three.
SHARP = 3

# What is said of print goes for the screen.
AS_PRINTED = "[...document.styleSheets[0].cssRules].filter((rule) => rule.media?.mediaText === 'print').forEach((rule) => (rule.media.mediaText = 'all'))"


def film_of_letters(qkv, folder):
    run, page = os.path.join(folder, "letters-run"), os.path.join(folder, "letters.html")
    subprocess.run([qkv, "train", "letters", "--quiet", "--out", run], check=True)
    subprocess.run([qkv, "report", run, "--out", page], check=True, stdout=subprocess.DEVNULL)
    return page


def check(browser, qkv, folder):
    browser.open(film_of_letters(qkv, folder), width=PAPER, height=1000)
    browser.run(AS_PRINTED)
    browser.run("redraw()")
    to_step(browser, 200)
    wait(browser, 200)
    for kind in ["k", "scores", "scaled", "weights"]:
        room = browser.run(f"stage.pipeline.column('{kind}').width / stage.pipeline.column('{kind}').n")
        assert room >= NUMBER, f"{kind}: {room} pixels for a number"
    assert browser.run("stage.pipeline.width") <= PAPER
    right = browser.run("Math.max(...[...document.querySelectorAll('.token')].map((one) => one.getBoundingClientRect().right))")
    assert right <= PAPER, right
    sharp = browser.run("[...document.querySelectorAll('.still canvas')].map((one) => one.height / one.clientHeight)")
    assert len(sharp) == 24 and min(sharp) >= SHARP, sharp
    browser.picture(os.path.join(folder, "printed.png"))
    assert browser.complaints() == [], browser.complaints()
