"""The live page on a telephone, at twice its size, and on the widest screen."""

import os

from live_page import begin, fresh, train

# Widths of windows, and the number of device pixels of each of theirs.
WINDOWS = [(360, 640, 1), (390, 844, 3), (640, 360, 2), (768, 1024, 2), (1024, 768, 1), (1280, 720, 1), (2560, 1440, 1)]

# What reaches beyond the window, and no ancestor of it scrolls or cuts it off.
BEYOND = """[...document.querySelectorAll('body *')].filter((one) => {
    const box = one.getBoundingClientRect();
    if (!box.width || !box.height || box.right <= innerWidth + 1 && box.left >= -1) return false;
    for (let up = one.parentElement; up; up = up.parentElement) if (getComputedStyle(up).overflowX !== 'visible') return false;
    return getComputedStyle(one).position !== 'fixed';
}).map((one) => one.outerHTML.slice(0, 120))"""

TOUCHED = "[...document.querySelectorAll('canvas, .timeline')].filter((one) => one.offsetParent).map((one) => [one.parentElement.className, getComputedStyle(one).touchAction])"


def nothing_is_beyond_the_window(browser, page, folder):
    for width, height, scale in WINDOWS:
        fresh(browser, page, width=width, height=height)
        browser.size(width, height, scale)
        browser.run("new Promise((done) => setTimeout(done, 150))")
        assert browser.run("document.documentElement.scrollWidth") <= width, (width, browser.run(BEYOND))
        browser.picture(os.path.join(folder, f"window-{width}.png"))
        if width >= 1280:
            assert browser.run("document.getElementById('screen').getBoundingClientRect().bottom") <= height, width
            for side in [".stage-left", ".stage-right"]:
                inner, outer = browser.run(f"[document.querySelector('{side}')].map((one) => [one.scrollHeight, one.clientHeight])[0]")
                assert inner <= outer, (width, side, inner, outer)
    browser.size(1280, 720)


def a_finger_moves_the_page(browser, page):
    fresh(browser, page, width=390, height=844)
    begin(browser, "letters", [])
    train(browser, "letters on a telephone")
    for parent, action in browser.run(TOUCHED):
        assert action == "auto" or "pan-y" in action, (parent, action)
    for selector in [".panel.map canvas", ".matrix canvas", ".pipeline canvas"]:
        x, y = browser.middle(selector)
        before = browser.run("scrollY")
        # Towards where there is more of the page.
        up = 200 if browser.run("document.documentElement.scrollHeight - innerHeight") > before + 250 else -200
        browser.swipe(x, y, up)
        moved = browser.run("scrollY") - before
        assert abs(moved) > 100, f"a finger on {selector} moves the page by {moved}"
    # What stays on the screen takes little of it.
    height = browser.run("at('transport').getBoundingClientRect().height")
    assert height <= 0.15 * 844, f"the bar takes {height} pixels of a telephone"
    # A finger finds the button.
    width, height = browser.run("[at('play').getBoundingClientRect()].map((box) => [box.width, box.height])[0]")
    assert width >= 44 and height >= 44, (width, height)


def check(browser, page, binary, folder):
    nothing_is_beyond_the_window(browser, page, folder)
    a_finger_moves_the_page(browser, page)
