"""The live page in print: no controls, no titles without what they name."""

import os

from live_page import begin, fresh, train

# What is said of print goes for the screen, and what is said of the screen alone for nothing.
PRINT = """[...document.styleSheets].forEach((sheet) => [...sheet.cssRules].filter((rule) => rule.media).forEach((rule) => {
    if (rule.media.mediaText === 'print') rule.media.mediaText = 'all';
    else if (rule.media.mediaText === 'screen') rule.media.mediaText = 'not all';
})), Object.defineProperty(printed, 'matches', { value: true }), printed.dispatchEvent(new Event('change'))"""

# Of the pictures, which are cut off, which lie over another one, and which are too small to be read.
PICTURES = """[...document.querySelectorAll('.panel canvas, .pipeline canvas, .plane canvas')].filter((one) => one.offsetParent).map((one) => ({ one, box: one.getBoundingClientRect() }))"""
CUT = f"{PICTURES}.filter(({{ one, box }}) => box.right > one.closest('.flow, section, figure').getBoundingClientRect().right + 1 || box.right > 719).map(({{ one }}) => one.getAttribute('aria-label'))"
OVER = f"{PICTURES}.flatMap(({{ one, box }}, i, all) => all.slice(i + 1).filter((other) => box.left < other.box.right - 1 && other.box.left < box.right - 1 && box.top < other.box.bottom - 1 && other.box.top < box.bottom - 1).map((other) => [one, other.one].map((canvas) => canvas.getAttribute('aria-label'))))"
MAP = "[document.querySelector('.panel.map canvas').getBoundingClientRect()].map(({ width, height }) => [width, height])[0]"

VISIBLE = "[...document.querySelectorAll('button, select, input, textarea, summary, a[href]')].filter((one) => one.offsetParent && getComputedStyle(one).visibility === 'visible' && one.getBoundingClientRect().height > 0)"
# Tokens, and the view of the matrices that is chosen, are what is shown as well as what is pressed.
CONTROLS = f"{VISIBLE}.filter((one) => !one.matches('.token, [role=radio], .chapter')).map((one) => one.outerHTML.slice(0, 160))"

# A heading with nothing below it, before the next heading of its rank or the end of its section.
ORPHANS = """[...document.querySelectorAll('h1, h2, h3')].filter((title) => title.offsetParent).filter((title) => {
    const place = title.closest('section, figure, .screen, main');
    const { bottom } = title.getBoundingClientRect();
    const isBelow = ({ height, bottom: end }) => height > 4 && end > bottom;
    return place && ![...place.querySelectorAll('p, canvas, svg, table, .token-strip')].some((one) => isBelow(one.getBoundingClientRect()));
}).map((title) => title.textContent)"""


def check(browser, page, binary, folder):
    fresh(browser, page)
    begin(browser, "letters", [])
    train(browser, "letters for print")
    browser.pdf(os.path.join(folder, "printed.pdf"))
    # Two pages of A4 beside the first are a story; more are controls that were not hidden.
    with open(os.path.join(folder, "printed.pdf"), "rb") as file:
        assert file.read(5) == b"%PDF-"
    # A browser may tell a page that it is printed while its window is as wide as before; paper is not.
    browser.run(PRINT)
    for width in [1280, 718]:
        browser.size(width, 1050)
        browser.run("new Promise((done) => setTimeout(done, 200))")
        assert browser.run(CONTROLS) == [], browser.run(CONTROLS)
        assert browser.run(ORPHANS) == [], browser.run(ORPHANS)
        assert browser.run(OVER) == [], browser.run(OVER)
        assert min(browser.run(MAP)) > 150, browser.run(MAP)
        # The formula of the context ends before the labels of the answers.
        assert browser.run("document.querySelector('.heading[data-part=context] .term').getBoundingClientRect().right - document.querySelector('.pipeline').getBoundingClientRect().left <= live.stage.pipeline.column('answers').x")
        widest = browser.run("Math.max(...[...document.querySelectorAll('.pipeline canvas')].map((one) => one.getBoundingClientRect().width))")
        assert widest <= 718, f"the pipeline is {widest} pixels wide, and paper 718"
    assert browser.run(CUT) == [], browser.run(CUT)
    browser.picture(os.path.join(folder, "printed.png"))
    browser.size(1280, 720)
