"""The live page by keyboard alone: every control has a name and a role, Tab reaches it, and the focus is seen."""


import controls
from live_page import fresh, until

# So many controls a page has at most between two others.
MOST = 400

# What has the focus, what marks it, and where it lies.
FOCUSED = """(() => {
    const one = document.activeElement;
    if (!one || one === document.body || one === document.documentElement) return null;
    const marks = [one, one.closest('label')].filter(Boolean).map((place) => getComputedStyle(place)).map(({ outlineStyle, outlineWidth, outlineColor }) => outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1.5 && !/rgba\\(.*, 0\\)|transparent/.test(outlineColor));
    const box = one.getBoundingClientRect();
    return { key: controls.keyOf(one), isMarked: marks.includes(true) && (one.matches(':focus-visible') || one.closest('label')?.matches(':focus-within')), isInside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth };
})()"""

# In the order of the document, which is the one of reading: what Tab is to reach. Of radio buttons that share a name and
# of lists with a cursor of their own, one stands for all.
WANTED = """controls.all().filter((one) => controls.isSeen(one) && !one.disabled && one.tabIndex >= 0)
    .filter((one) => one.type !== 'radio' || one.checked || ![...document.getElementsByName(one.name)].some((other) => other.checked))
    .map(controls.keyOf)"""


def names_and_roles(browser):
    found = controls.found(browser)
    assert len(found) > 30, f"a live page has more controls than {len(found)}"
    nameless = [one["key"] for one in found if one["isSeen"] and not one["name"]]
    assert nameless == [], f"controls without a name: {nameless}"
    roleless = [one["key"] for one in found if one["isSeen"] and not one["role"] and one["tabIndex"] >= 0 and one["kind"] != "div"]
    assert roleless == [], f"controls without a role: {roleless}"
    # Pictures, too.
    bare = browser.run("[...document.querySelectorAll('canvas, svg, img')].filter((one) => controls.isSeen(one) && !one.closest('[aria-hidden=true]') && !controls.nameOf(one) && !one.closest('button, [role=slider]')).map((one) => one.outerHTML.slice(0, 120))")
    assert bare == [], f"pictures that a screen reader has no words for: {bare}"
    doubled = browser.run("[...document.querySelectorAll('[id]')].map((one) => one.id).filter((id, i, all) => all.indexOf(id) !== i)")
    assert doubled == [], f"ids that occur twice: {doubled}"
    assert browser.run("document.documentElement.lang") == "en" and browser.run("document.querySelectorAll('main, [role=main]').length") == 1
    assert browser.run("document.querySelectorAll('h1').length") == 1


def tab_reaches_everything(browser):
    wanted = browser.run(WANTED)
    reached, unmarked, outside = [], [], []
    # From the top, wherever the drawers have taken the focus.
    browser.run("document.body.tabIndex = -1, document.body.focus(), document.body.removeAttribute('tabindex'), scrollTo(0, 0)")
    for _ in range(MOST):
        browser.press("Tab")
        at = browser.run(FOCUSED)
        # Beyond the last control the browser's own begin.
        if at is None or at["key"] in reached:
            break
        reached.append(at["key"])
        if not at["isMarked"]:
            unmarked.append(at["key"])
        if not at["isInside"]:
            outside.append(at["key"])
    missing = [key for key in wanted if key not in reached]
    assert missing == [], f"Tab does not reach {missing}; it went {reached}"
    assert unmarked == [], f"the focus is not seen on {unmarked}"
    assert outside == [], f"the focus is outside of the window on {outside}"
    order = [key for key in reached if key in wanted]
    assert order == wanted, f"Tab goes {order}, and the document {wanted}"
    print(f"Tab reaches {len(reached)} controls, each with a name and a mark")


def it_is_trained_by_keys_alone(browser, page):
    """Tab to the button, Space, and Space again; and back with Shift."""
    fresh(browser, page)
    controls.found(browser)
    reached = []
    while "button#play" not in reached:
        browser.press("Tab")
        reached.append(browser.run(FOCUSED)["key"])
        assert len(reached) < MOST, reached
    browser.press(" ")
    until(browser, "live.isPlaying && live.film.frames.length > 1", 5, "the training after Space on Train")
    browser.press(" ")
    until(browser, "!live.isPlaying", 5, "the pause after Space on Train")
    browser.press("Shift+Tab")
    assert browser.run(FOCUSED)["key"] == reached[-2], (browser.run(FOCUSED), reached)


def check(browser, page, binary, folder):
    fresh(browser, page)
    names_and_roles(browser)
    # Every drawer is opened, so that what it holds is reached, too.
    browser.run(controls.OPEN)
    browser.run("new Promise((done) => setTimeout(done, 100))")
    names_and_roles(browser)
    tab_reaches_everything(browser)
    it_is_trained_by_keys_alone(browser, page)
