"""What the live page shows has its room: nothing is cut where a station, the presenter's view or a card takes some, on the
screen of a beamer and on a phone. `proofs.py` lists it."""

import os

from live_page import begin, fresh, pause, train, until
from live_stations import WAYS, by_training, keys, opened

DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

# What the transport or the edge of the window cuts; a strip of many tokens and a card of many words scroll.
CUT = """(() => {
    const floor = at('transport').getBoundingClientRect().top;
    return [...document.querySelectorAll('#stage :is(p, canvas, button, label, h2, figcaption, .heading)')].filter((one) => {
        if (!one.offsetParent || one.closest('.token-strip') || !one.textContent && !one.matches('canvas')) return false;
        if (one.matches('p') && !one.textContent.trim()) return false;
        // A column of many tokens is as wide as it is.
        const box = one.getBoundingClientRect();
        return box.width > 0 && (box.bottom > floor + 1 || !one.closest('.flow') && box.right > innerWidth + 1);
    }).map((one) => `${one.className || one.tagName}: ${one.textContent.slice(0, 40)}`);
})()"""

# A short vocabulary is shown whole, and a map of few tokens has its numbers.
SMALL = """[live.stage].map(({ pipeline, map, moment }) => ({
    answers: !moment.has('answers') || moment.size('answers')[1] > 8 || pipeline.nAnswers === moment.size('answers')[1],
    numbers: moment.nKeys > 4 || map.cells.size >= map.cells.room,
    rows: pipeline.rowHeight >= 16,
}))[0]"""
WHOLE = {"answers": True, "numbers": True, "rows": True}

# How far labels of the timeline stand above each other, in pixels; negative where they overlap.
LABELS = """[...['accuracy-name', 'loss-name']].flatMap((kind) => {
    const tops = [...document.querySelectorAll(`#timeline text.${kind}`)].filter((one) => one.textContent).map((one) => one.getBoundingClientRect()).sort((a, b) => a.top - b.top);
    return tops.slice(1).map((box, i) => Math.round(box.bottom - tops[i].bottom));
})"""


# Lines of headings above the columns that lie over each other, or over the column beside theirs.
HEADINGS = """(() => {
    const lines = [...document.querySelectorAll('.pipeline .heading > *')].map((one) => {
        const range = document.createRange();
        range.selectNodeContents(one);
        const own = one.getBoundingClientRect(), text = range.getBoundingClientRect();
        // What is cut by the edge of its line is not seen.
        return { one, left: text.left, right: getComputedStyle(one).overflow === 'hidden' ? Math.min(text.right, own.right) : text.right, top: own.top, bottom: own.bottom };
    });
    return lines.flatMap((a, i) => lines.slice(i + 1).filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom - 2 && b.top < a.bottom - 2).map((b) => `${a.one.textContent} over ${b.one.textContent}`));
})()"""


def views(browser):
    """Both views of a station, one after the other."""
    for is_on in [False, True]:
        if browser.run("presenter.isOn") != is_on:
            browser.run("presenter.toggle()")
        browser.run(DRAWN)
        yield "presenter" if is_on else "station"
    browser.run("presenter.leave()")


def stations_that_are_found(browser, folder):
    """The largest that a station is: with what was found."""
    for number, key in enumerate(keys(browser), 1):
        opened(browser, number)
        WAYS.get(key, by_training)(browser)
        until(browser, "lecture.isFound", 60, f"what station {number} asks for")
        pause(browser)
        for view in views(browser):
            assert browser.run(CUT) == [], (key, view, browser.run(CUT))
            assert browser.run(SMALL) == WHOLE, (key, view, browser.run(SMALL))
            assert min(browser.run(LABELS), default=99) >= 9, (key, view, browser.run(LABELS))
            browser.picture(os.path.join(folder, f"room-{view}-{number}.png"), whole=False)


def cards_in_a_station(browser, folder):
    """Who reaches in reads what it does, and the pipeline is whole above the card."""
    for number in [2, 3, 8]:
        opened(browser, number)
        for mode in ["m", "e"]:
            for view in views(browser):
                browser.run(f"document.activeElement.blur(), keyActions['{mode}']()")
                assert browser.run("reachCard.isOpen")
                for effect in ["", "loss 0.1234, the model has 0.2345 · " * 4]:
                    browser.run(f"reachCard.say('{effect}')")
                    browser.run(DRAWN)
                    cut = browser.run(CUT)
                    bottom = browser.run("[live.stage.flow, reachCard.root].map((one) => Math.round(one.getBoundingClientRect().bottom))")
                    top = browser.run("Math.round(reachCard.root.getBoundingClientRect().top)")
                    assert cut == [] and bottom[0] <= top, (number, mode, view, effect, cut, bottom, top)
                browser.picture(os.path.join(folder, f"card-{mode}-{view}-{number}.png"), whole=False)
                browser.run("reachCard.mode.leave()")
    # The words of the step come back.
    assert browser.run("!live.stage.root.classList.contains('in-reach') && document.querySelector('.sentences').offsetParent !== null")


# Words and pictures that a message lies over.
COVERED = """(() => {
    const said = at('message').getBoundingClientRect();
    return [...document.querySelectorAll('#stage :is(.sentence, canvas, .reach), #station p, #play')].filter((one) => one.offsetParent && !one.closest('.token-strip')).filter((one) => {
        const box = one.getBoundingClientRect();
        return box.width && box.left < said.right && box.right > said.left && box.top < said.bottom && box.bottom > said.top;
    }).map((one) => one.className || one.tagName);
})()"""


# The numbers on the canvases of the stage as they are drawn again: how large, and those that lie over another.
NUMBERS = """(() => {
    const drawn = [];
    const draw = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...more) {
        if (/^[+−]?[\\d.]+(e.\\d+)?$/.test(text) && this.font.includes('mono')) {
            const { a, e, f } = this.getTransform();
            const { actualBoundingBoxLeft, actualBoundingBoxRight, actualBoundingBoxAscent, actualBoundingBoxDescent } = this.measureText(text);
            drawn.push({ text, canvas: this.canvas, pixels: parseFloat(/([\\d.]+)px/.exec(this.font)[1]), left: x + e / a - actualBoundingBoxLeft, right: x + e / a + actualBoundingBoxRight, top: y + f / a - actualBoundingBoxAscent, bottom: y + f / a + actualBoundingBoxDescent, edge: this.canvas.width / a });
        }
        return draw.call(this, text, x, y, ...more);
    };
    live.stage.draw();
    CanvasRenderingContext2D.prototype.fillText = draw;
    // Those of the rows beside the names of tokens keep their size.
    const own = drawn.filter(({ canvas, left }) => canvas !== live.stage.pipeline.canvas || left > live.stage.pipeline.label);
    const over = own.filter((a, i) => a.left < 0 || a.right > a.edge || own.slice(i + 1).some((b) => a.canvas === b.canvas && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom));
    const on = (one) => own.filter(({ canvas }) => canvas === one).map(({ pixels }) => pixels);
    return [on(live.stage.pipeline.canvas), on(live.stage.map.cells.canvas), over.map(({ text }) => text)];
})()"""


def numbers_grow_for_a_hall(browser, folder):
    """The presenter's view has larger numbers, in the same cells, in small windows, too."""
    for width, height in [(1280, 720), (1920, 1080)]:
        browser.size(width, height)
        for number in [3, 5, 6]:
            opened(browser, number)
            seen = {}
            for view in views(browser):
                *sizes, over = browser.run(NUMBERS)
                assert over == [], (number, view, over)
                seen[view] = [min(one) for one in sizes]
                browser.picture(os.path.join(folder, f"numbers-{width}-{view}-{number}.png"), whole=False)
            (pipeline, in_map), before = seen["presenter"], seen["station"]
            assert pipeline > before[0] and in_map > before[1], (number, width, seen)
    browser.size(1280, 720)
    browser.run("lecture.close()")


def a_message_covers_nothing_of_a_station(browser, folder):
    opened(browser, 6)
    for view in views(browser):
        browser.run("lecture.buttons[0].click()")
        until(browser, "at('happened').textContent.includes('held-out')", 10, "what the edit has done")
        browser.run(DRAWN)
        assert browser.run(COVERED) == [], (view, browser.run(COVERED))
        box = browser.run("at('message').getBoundingClientRect().toJSON()")
        assert box["height"] > 20 and 0 <= box["left"] and box["bottom"] <= 720, box
        browser.picture(os.path.join(folder, f"message-{view}.png"), whole=False)
        browser.run("undo()")
        until(browser, "live.kept.length === 0 && !at('happened').textContent.includes('held-out')", 10, "the undoing")


def what_the_notes_speak_of_is_there(browser):
    """Heads are looked at in turn, and a change is undone, from the presenter's view."""
    opened(browser, 7)
    browser.run("presenter.toggle()")
    assert browser.run("at('head').offsetParent !== null && at('head').options.length") == 4
    browser.choose("head", "2")
    assert browser.run("state.head") == 2
    opened(browser, 6)
    assert browser.run("at('undo').offsetParent === null"), "there is nothing to undo"
    browser.run("lecture.buttons[0].click()")
    until(browser, "at('undo').offsetParent !== null && !at('undo').disabled", 10, "Undo")
    browser.run("at('undo').click()")
    until(browser, "live.kept.length === 0", 10, "the undoing")
    browser.run("presenter.leave()")
    assert browser.run("at('head').closest('.chosen') !== null && at('undo').closest('#station') === null"), "both are back"
    browser.run("lecture.close()")


def headings_stand_apart(browser, folder):
    """Formulas of every length, each above its own column."""
    browser.size(1280, 720)
    long = ["model.score=additive", "model.d_k=256", "model.bias=true", "model.qk_norm=true", "model.positions=rope"]
    for task, settings in [("letters", []), ("letters", ["model.score=additive"]), ("reverse", ["model.score=additive", "model.positions=alibi"]), ("letters", long), ("copy", ["model.softmax=quiet", "model.n_layers=2"]), ("letters", ["task.seq_len=130", "train.batch_size=1"])]:
        begin(browser, task, settings)
        browser.run("at('step').click()")
        until(browser, "live.film.frames.at(-1).step === 1", 10, "a step")
        for layer in range(browser.run("live.film.layers.length")):
            browser.run(f"choose({{ layer: live.lanes[0].layers[{layer}] }})")
            for width, height in [(1280, 720), (1600, 900), (1000, 720)]:
                browser.size(width, height)
                browser.run(DRAWN)
                assert browser.run(HEADINGS) == [], (task, settings, width, browser.run(HEADINGS))
                cut = browser.run("[...document.querySelectorAll('.heading .shape')].filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)")
                assert cut == [], (task, settings, width, cut)
        browser.size(1280, 720)
        browser.run(DRAWN)
        browser.picture(os.path.join(folder, f"headings-{task}-{len(settings)}.png"), whole=False)


def best_answers_are_counted(browser, folder):
    """Of a vocabulary that has no bar for every token, how many there are is said below the bars, within the canvas."""
    browser.size(1280, 720)
    note = """[live.stage].map(({ pipeline, moment, query }) => {
        const row = moment.row('answers', query), right = moment.film.vocabulary.indexOf(moment.target(query));
        const { shown, note } = pipeline.answers(row, right);
        const best = row.filter((x) => x > row[right]).length < shown.length;
        const bottom = pipeline.answersTop + shown.length * pipeline.answerRow + (note ? 16 : 0);
        return [note, shown.length, row.length, best, shown.includes(right), bottom <= pipeline.height];
    })[0]"""
    for task, settings in [("letters", []), ("letters", ["task.n_symbols=8"]), ("letters", ["task.n_symbols=9"]), ("reverse", []), ("modular-addition", [])]:
        begin(browser, task, settings)
        said = set()
        for query in range(browser.run("live.film.probes[0].tokens.length")):
            browser.run(f"choose({{ query: {query} }})")
            browser.run(DRAWN)
            if not browser.run("live.stage.moment.hasTarget(live.stage.query)"):
                continue
            words, shown, known, is_best, has_right, fits = browser.run(note)
            wanted = "" if shown == known else f"best {shown} of {known}" if is_best else f"best {shown - 1} + right, of {known}"
            assert words == wanted and has_right and fits and (known > 4) == bool(words), (task, settings, query, words, wanted)
            said.add(words)
        assert said == {""} or all(said), (task, said)
        browser.picture(os.path.join(folder, f"answers-{task}-{len(said)}.png"), whole=False)


def a_map_is_as_wide_as_its_column(browser):
    for settings in [["model.projections=none", "model.d_k=8"], ["model.projections=learned", "model.d_k=100000"]]:
        begin(browser, "letters", settings)
        browser.run(DRAWN)
        column, canvas, window = browser.run("[[live.stage.right.scrollWidth, live.stage.right.clientWidth], [live.stage.map.cells.width, live.stage.map.root.clientWidth], [document.documentElement.scrollWidth, innerWidth]]")
        assert all(held <= room for held, room in [column, canvas, window]), (settings, column, canvas, window)


def a_long_input(browser, folder):
    """The keys that have no row are counted whole, also where nothing but their names has room."""
    begin(browser, "letters", ["task.seq_len=1000", "train.batch_size=1"])
    browser.run(DRAWN)
    words = browser.run("live.stage.pipeline.canvas.getContext('2d').font = '12px system-ui, sans-serif', 22 + live.stage.pipeline.canvas.getContext('2d').measureText(say('moreKeys', { n: 980 })).width")
    assert browser.run("live.stage.pipeline.most < live.stage.moment.nKeys && live.stage.pipeline.width") >= words, words
    browser.picture(os.path.join(folder, "length-1000.png"), whole=False)


def bars_are_seen_in_the_dark(browser):
    """The brightness of the bar of an answer, against that of the ground."""
    begin(browser, "letters", ["model.projections=learned"])
    browser.colours("dark")
    train(browser, "`letters` in the dark")
    seen = browser.run("""(() => {
        const { pipeline, moment, query } = live.stage;
        const { x, width } = pipeline.column('answers');
        const row = Array.from(moment.row('answers', query));
        const best = row.indexOf(Math.max(...row));
        const y = pipeline.answersTop + (best + 0.5) * pipeline.answerRow;
        const [r, g, b] = pipeline.canvas.getContext('2d').getImageData((x + 36) * pipeline.ratio, y * pipeline.ratio, 1, 1).data;
        return [0.2126 * r + 0.7152 * g + 0.0722 * b, row[best]];
    })()""")
    browser.colours("light")
    assert seen[1] > 0.9 and seen[0] > 120, seen


def on_a_phone(browser, folder):
    browser.size(390, 844)
    opened(browser, 3)
    browser.run("presenter.toggle()")
    browser.run(DRAWN)
    wide = browser.run("[...document.querySelectorAll('#station, #station *, .topbar, .readout')].filter((one) => one.offsetParent && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.textContent.slice(0, 40))")
    assert wide == [], wide
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert browser.run("at('said').getBoundingClientRect().bottom <= lecture.dots[0].getBoundingClientRect().top"), "the step stands above the dots"
    browser.picture(os.path.join(folder, "phone-presenter.png"), whole=False)
    browser.run("lecture.close()")
    browser.size(1280, 720)


def check(browser, page, binary, folder):
    fresh(browser, page)
    for one in [
        lambda: stations_that_are_found(browser, folder),
        lambda: cards_in_a_station(browser, folder),
        lambda: numbers_grow_for_a_hall(browser, folder),
        lambda: a_message_covers_nothing_of_a_station(browser, folder),
        lambda: what_the_notes_speak_of_is_there(browser),
        lambda: headings_stand_apart(browser, folder),
        lambda: best_answers_are_counted(browser, folder),
        lambda: a_map_is_as_wide_as_its_column(browser),
        lambda: a_long_input(browser, folder),
        lambda: bars_are_seen_in_the_dark(browser),
        lambda: on_a_phone(browser, folder),
    ]:
        one()
        assert browser.complaints() == [], browser.complaints()
