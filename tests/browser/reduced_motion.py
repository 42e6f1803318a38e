"""A reader who wants less motion: nothing in the live page is animated, pictures follow one another at once."""

from live_page import begin, fresh, train, until

# What a style animates, for as long as it does.
ANIMATED = """[...document.querySelectorAll('*')].filter((one) => {
    const { transitionDuration, animationName, animationDuration, scrollBehavior } = getComputedStyle(one);
    const lasts = (list) => list.split(',').some((time) => parseFloat(time) > 0);
    return lasts(transitionDuration) || (animationName !== 'none' && lasts(animationDuration)) || scrollBehavior === 'smooth';
}).map((one) => `${one.localName}.${one.className}`)"""

# Everything that runs by itself, noted as often as the page is drawn.
NOTED = """(() => {
    globalThis.moving = [];
    const look = () => {
        moving.push(...document.getAnimations().map((one) => `${one.constructor.name} of ${one.effect?.target?.className}`));
        requestAnimationFrame(look);
    };
    look();
    const scroll = Element.prototype.scrollIntoView;
    Element.prototype.scrollIntoView = function (how) { if (how?.behavior === 'smooth') moving.push('a smooth scroll'); return scroll.call(this, how); };
})()"""


def check(browser, page, binary, folder):
    browser.motion("reduce")
    try:
        fresh(browser, page)
        browser.run(NOTED)
        assert browser.run("matchMedia('(prefers-reduced-motion: reduce)').matches")
        assert browser.run(ANIMATED) == [], browser.run(ANIMATED)
        begin(browser, "letters", [])
        for act in ["choose({ query: 2 })", "choose({ view: 'change' })", "oneStep()", "choose({ view: 'weights' })"]:
            browser.run(f"void {act}")
            browser.run("new Promise((done) => setTimeout(done, 100))")
        until(browser, "live.film.frames.at(-1).step === 1", 5, "a step")
        train(browser, "letters without motion")
        browser.run("document.querySelectorAll('details').forEach((one) => (one.open = true)), seek(0), seek(5)")
        browser.run("new Promise((done) => setTimeout(done, 300))")
        assert browser.run("[...new Set(moving)]") == [], browser.run("[...new Set(moving)]")
        assert browser.run(ANIMATED) == [], browser.run(ANIMATED)
    finally:
        browser.motion("no-preference")
    # The test sees what moves, if something does.
    fresh(browser, page)
    assert browser.run(ANIMATED) != [], "nothing is animated for any reader: this test proves nothing"
