"""From one frame to the next in seven beats. `film.py` opens the page."""

from stage import step_now, to_step, wait


def a_step_is_shown_in_seven_beats(browser, page):
    browser.open(page)
    to_step(browser, 20)
    browser.run("at('slow').click()")
    titles = []
    for beat in range(7):
        titles.append(browser.run("document.querySelector('.beat-title').textContent"))
        assert browser.run("document.querySelector('.beat-line').textContent").strip()
        assert browser.run("document.querySelectorAll('.stage .dim').length") > 0, "the other parts are faint"
        browser.run("[...document.querySelectorAll('.beat-buttons button')][1].click()")
    assert [title[:6] for title in titles] == [f"{n} of 7" for n in range(1, 8)], titles
    assert step_now(browser) == 25 and browser.run("document.querySelectorAll('.stage .dim').length") == 0
    browser.run("at('slow').click()")
    browser.press("Escape")
    assert browser.run("document.querySelector('.beats').hidden")
    # Frames are five steps apart, which is said.
    to_step(browser, 20)
    assert browser.run("at('slow').textContent") == "5 steps in slow motion"
    browser.run("at('slow').click(), beats.to(2, false)")
    assert "after 5 steps" in browser.run("beats.line.textContent"), browser.run("beats.line.textContent")
    # The loss before and after, each of the step that begins with these weights.
    browser.run("beats.to(6, false)")
    losses = dict(browser.run("film.log.losses"))
    told = browser.run("beats.line.textContent")
    assert all(browser.run(f"number({losses[step]})") in told for step in [21, 26]), told


def slow_motion_ends_where_a_reader_goes_elsewhere(browser):
    others = {"seek(at20 + 3)": 3, "choose({ query: 5 })": 0, "choose({ head: 1 })": 0, "choose({ view: 'change' })": 0, "location.hash = '#step=40'": 4}
    for other, moved in others.items():
        to_step(browser, 20)
        browser.run("at('slow').click(), beats.to(6, false)")
        assert browser.run("beats.isRunning && stage.state.after === state.frame + 1")
        browser.run(f"(() => {{ const at20 = state.frame; {other} }})()")
        wait(browser, 100)
        assert browser.run("[beats.isRunning, beats.root.hidden, stage.state.after, stage.state.lit]") == [False, True, None, None], other
        assert browser.run("[stage.state.view === state.view, stage.state.frame === state.frame]") == [True, True], other
        assert browser.run("film.frames[state.frame].step") == 20 + 5 * moved, other
    browser.run("choose({ query: null, head: 0, view: 'weights' })")


def check(browser, page):
    for one in [
        lambda: a_step_is_shown_in_seven_beats(browser, page),
        lambda: slow_motion_ends_where_a_reader_goes_elsewhere(browser),
    ]:
        one()
        assert browser.complaints() == [], browser.complaints()
