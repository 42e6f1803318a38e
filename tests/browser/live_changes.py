"""What a reader changes while the live page trains, begins or is loaded: every button stays alive."""

import time

from live_page import begin, begun, pause, set_field, until

ZERO = "document.querySelector('[data-matrix=w_q][data-what=zero]').click()"


def change_of_mind(browser):
    """Another run while one trains as fast as it goes, just when a picture of the old one has come."""
    # Whatever the machine, none of them ends by itself.
    begin(browser, "reverse", ["train.steps=100000"])
    browser.choose("speed", "0")
    for seed in range(12):
        browser.run("at('play').click()")
        until(browser, "live.film.frames.length > 2", 10, f"the training before seed {seed}")
        before = browser.run("trainer.asked")
        browser.run(f"""new Promise((done) => {{
            const {{ frame }} = trainer.heard;
            trainer.heard.frame = (message) => {{
                trainer.heard.frame = frame;
                frame(message);
                {set_field("seed", str(seed))};
                done();
            }};
        }})""")
        begun(browser, before, f"seed {seed}")
    browser.run("document.forms.settings.elements.seed.value = ''")
    begin(browser, "reverse", [])


def two_at_once(browser):
    """Of two changes the second is refused: the first is the run that goes on."""
    before = browser.run("trainer.asked")
    browser.run(f"{set_field('model.d_model', '16')}, {set_field('model.d_model', '-3')}")
    until(browser, "document.querySelector('.refused:not(:empty)') !== null", 5, "the refusal of the second setting")
    assert browser.run("trainer.id") == before + 1
    assert browser.run("live.asked.begin.settings.includes('model.d_model=16')")
    until(browser, "live.film !== null", 5, "the picture of the first setting")
    browser.run("at('step').click()")
    until(browser, "live.film !== null && live.film.frames.at(-1).step === 1", 5, "a step of the first setting")
    # The key Enter changes the field and sends the form.
    before = browser.run("trainer.asked")
    browser.run(f"{set_field('model.d_model', '')}, document.forms.settings.requestSubmit()")
    begun(browser, before, "the key Enter")
    assert browser.run("trainer.asked") == before + 1, "one run is begun"


def set_and_press(browser):
    """A button that is pressed as a field is left is pressed for the run of that field."""
    for button, seed in [("play", "5"), ("step", "")]:
        before = browser.run("trainer.asked")
        browser.run(f"{set_field('seed', seed)}, at('{button}').click()")
        begun(browser, before, f"{button} after a setting")
        until(browser, "live.film.frames.at(-1).step > 0", 5, f"{button} after a setting")
    before = browser.run("trainer.asked")
    browser.run(f"{set_field('seed', '6')}, at('reset').click()")
    until(browser, f"trainer.asked === {before} + 2 && trainer.id === trainer.asked && live.film !== null", 10, "Reset after a setting")
    assert browser.run("live.asked.begin.settings.includes('seed=6')")
    browser.run(set_field("seed", ""))


def while_it_loads(browser):
    """A trainer that is started again is asked for another run before its module is unpacked."""
    before = browser.run("trainer.asked")
    browser.run(f"trainer.worker.terminate(), trainer.start(live.asked), {set_field('seed', '7')}, at('step').click()")
    until(browser, f"trainer.id === {before} + 2 && live.film !== null && live.film.frames.at(-1).step === 1", 10, "a setting while the trainer is unpacked")
    browser.run("document.forms.settings.elements.seed.value = ''")


def undo_it(browser):
    """Undo goes back to where it was, and waits there; what was refused leaves nothing to undo."""
    begin(browser, "reverse", ["train.steps=40"])
    browser.run(ZERO)
    until(browser, "live.kept.length === 1", 5, "the change")
    browser.run("at('play').click()")
    until(browser, "live.film.frames.at(-1).step >= 2", 5, "the training after a change")
    browser.run("at('undo').click()")
    until(browser, "live.film.frames.at(-1).step === 0 && !live.isPlaying", 5, "the undoing")
    time.sleep(0.5)
    assert browser.run("live.film.frames.at(-1).step") == 0, "the training waits after Undo"
    # From the last step it trains on.
    browser.choose("speed", "0")
    browser.run("at('play').click()")
    until(browser, "live.ended !== null && !live.isPlaying", 20, "the last step")
    browser.run(ZERO)
    until(browser, "live.kept.length === 1", 5, "the change at the last step")
    browser.run("at('undo').click()")
    until(browser, "live.kept.length === 0 && live.ended === 'finished'", 5, "the undoing at the last step")
    browser.run("at('play').click()")
    until(browser, "live.film.frames.at(-1).step > 40", 5, "the training on from the last step")
    pause(browser)
    # Play is pressed before the page has heard of the undoing: the run goes on, and ends where it was to end.
    begin(browser, "reverse", ["train.steps=40"])
    for _ in range(3):
        browser.run("at('step').click()")
    until(browser, "live.film.frames.at(-1).step === 3", 5, "three steps")
    browser.run(ZERO)
    until(browser, "live.kept.length === 1", 5, "the change at step 3")
    browser.run("at('play').click()")
    until(browser, "live.ended === 'finished' && !live.isPlaying", 20, "the last step after a change")
    browser.run("at('undo').click(), at('play').click()")
    until(browser, "live.kept.length === 0 && live.ended === 'finished' && !live.isPlaying && live.film.frames.length > 3", 20, "the last step after Undo")
    assert browser.run("live.film.frames.at(-1).step") == 40
    # Or as it hears of it.
    browser.run(ZERO)
    until(browser, "live.kept.length === 1", 5, "another change at the last step")
    browser.run("window.isPressed = false, accompany({ moved() { if (!isPressed) isPressed = true, at('play').click(); } }), at('undo').click()")
    until(browser, "live.film.frames.at(-1).step > 40", 5, "the training on from the last step, at once")
    pause(browser)
    # A layer that there is not.
    browser.run("edit({ what: 'zero-head', layer: 99, head: 0 })")
    until(browser, "at('happened').textContent.includes('99')", 5, "the refusal of a change")
    assert browser.run("live.kept.length === 0 && at('undo').disabled")
    # The page and the trainer have the same states.
    browser.run(f"for (let i = 0; i < 66; i++) {ZERO}")
    until(browser, "live.kept.at(-1)?.kept - live.kept[0]?.kept === 63", 10, "the states that are kept")
    assert browser.run("live.kept.length") == 64


def looking_back(browser):
    """In a long run frames and points of curves go, and the step that is looked at stays."""
    begin(browser, "reverse", [])
    for step in range(1, 4):
        browser.run("at('step').click()")
        until(browser, f"live.film.frames.at(-1).step === {step}", 5, "one step")
    # As after a long time.
    browser.run("live.film.log.losses.push(...Array.from({ length: 100_000 }, () => [3, 1]))")
    browser.run("for (let i = live.film.frames.length; i <= 256; i++) Object.assign(live.film, withColumns(live.film, (column) => [...column, column.at(-1)]))")
    browser.run("live.timeline.grown(), seek(2)")
    browser.run("at('step').click(), live.isFollowing = false")
    until(browser, "live.film.frames.at(-1).step === 4", 10, "a step of a long run")
    assert browser.run("live.film.frames.length <= 256 && live.film.log.losses.length <= 4096")
    assert browser.run("live.film.frames[state.frame].step") == 2, "who looks back stays at that step"


def changes(browser):
    change_of_mind(browser)
    two_at_once(browser)
    set_and_press(browser)
    while_it_loads(browser)
    undo_it(browser)
    looking_back(browser)
