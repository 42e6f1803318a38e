"""The live page in print: no controls, no titles without what they name."""

import os

from live_page import begin, fresh, train

# What is said of print goes for the screen, and what is said of the screen alone for nothing.
PRINT = """[...document.styleSheets].forEach((sheet) => [...sheet.cssRules].filter((rule) => rule.media).forEach((rule) => {
    if (rule.media.mediaText === 'print') rule.media.mediaText = 'all';
    else if (rule.media.mediaText === 'screen') rule.media.mediaText = 'not all';
}))"""

VISIBLE = "[...document.querySelectorAll('button, select, input, textarea, summary, a[href]')].filter((one) => one.offsetParent && getComputedStyle(one).visibility === 'visible' && one.getBoundingClientRect().height > 0)"
# Tokens, and the view of the matrices that is chosen, are what is shown as well as what is pressed.
CONTROLS = f"{VISIBLE}.filter((one) => !one.matches('.token, [role=radio], .chapter')).map((one) => one.outerHTML.slice(0, 160))"

# A heading with nothing below it, before the next heading of its rank or the end of its section.
ORPHANS = """[...document.querySelectorAll('h1, h2, h3')].filter((title) => title.offsetParent).filter((title) => {
    const section = title.closest('section, figure, article, .screen, main');
    if (!section) return false;
    const below = title.getBoundingClientRect().bottom;
    return ![...section.querySelectorAll('p, canvas, svg, table, ol, ul, pre, .token-strip')].some((one) => one.getBoundingClientRect().height > 4 && one.getBoundingClientRect().bottom > below && one.offsetParent !== null && !title.contains(one)
        || one.ownerSVGElement === undefined && one.localName === 'svg' && one.getBoundingClientRect().height > 4 && one.getBoundingClientRect().bottom > below);
}).map((title) => title.textContent)"""


def check(browser, page, binary, folder):
    fresh(browser, page)
    begin(browser, "letters", [])
    train(browser, "letters for print")
    browser.pdf(os.path.join(folder, "printed.pdf"))
    # Two pages of A4 beside the first are a story; more are controls that were not hidden.
    with open(os.path.join(folder, "printed.pdf"), "rb") as file:
        assert file.read(5) == b"%PDF-"
    # As wide as a page of A4 between its margins.
    browser.size(718, 1050)
    browser.run(PRINT)
    browser.run("new Promise((done) => setTimeout(done, 200))")
    browser.picture(os.path.join(folder, "printed.png"))
    assert browser.run(CONTROLS) == [], browser.run(CONTROLS)
    assert browser.run(ORPHANS) == [], browser.run(ORPHANS)
    assert browser.run("document.querySelector('.panel.map canvas').offsetParent !== null")
    browser.size(1280, 720)
