"""What goes along with a run of the live page is called by name: what has another thing by such a name is refused at once."""

from live_page import fresh

# Of each name that is called, what a part of the page may have by it: nothing, a function, or anything else.
REFUSED = """HEARD.flatMap((name) => [0, null, '', {}, [], false].filter((value) => {
    try {
        accompany({ [name]: value });
    } catch (error) {
        return !(error instanceof Error && error.message.includes(`the field ${name} of a companion`) && error.message.includes(`got ${JSON.stringify(value)};`));
    }
    return true;
}).map((value) => `${name} ${JSON.stringify(value)}`))"""


def check(browser, page, binary, folder):
    fresh(browser, page)
    n = browser.run("companions.length")
    assert browser.run(REFUSED) == []
    # None of several comes in with one that is refused.
    message = browser.run("(() => { try { accompany({ grown() {} }, { moved: 3 }); } catch ({ message }) { return message; } })()")
    assert message == "the field moved of a companion of the page: expected a function, which the page calls, got 3; give the field another name", message
    assert browser.run("companions.length") == n
    # What is left out is not called, and what is there hears of the step.
    browser.run("accompany({ heard: 0, grown() { this.heard += 1; } }), at('step').click()")
    browser.run("new Promise((done) => { const wait = () => (companions.at(-1).heard ? done() : setTimeout(wait, 20)); wait(); })")
    assert browser.run("[companions.length, companions.at(-1).heard].join()") == f"{n + 1},1"
