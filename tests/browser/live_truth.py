"""What the live page says is true of what it shows: its strips, names, lists and sentences belong to one model and one input."""

import json
import os

from browser import arguments
from live_page import begin, fresh, train, until

OWN = "at('own').value = {own}, at('own').dispatchEvent(new Event('change'))"


def an_own_input_is_shown_everywhere(browser):
    """A run is there; every part of the stage follows the input that takes the place of its own."""
    before = browser.run("live.film.probes[0].tokens.join(' ')")
    for own in ["A B C D", "D A B C"]:
        assert own != before
        browser.run(OWN.format(own="'A B C'"))
        until(browser, "at('happened').textContent.includes('tokens of this task')", 5, "the refusal of a short input")
        browser.run(OWN.format(own=json.dumps(own)))
        until(browser, f"live.film.probes[0].tokens.join(' ') === '{own}'", 5, own)
        until(browser, "at('happened').textContent === ''", 5, "the end of the refusal")
        tokens, targets = own.split(), browser.run("live.film.probes[0].targets")
        assert targets == tokens[::-1], targets
        each = "live.stage.tokens.buttons.map(({{ button }}) => button.querySelector('.{}').textContent)"
        assert browser.run(each.format("word")) == tokens
        assert browser.run(each.format("right-answer")) == targets
        labels = browser.run("live.stage.tokens.buttons.map(({ button }) => button.getAttribute('aria-label'))")
        assert [f"position {i}: {token}; right answer {targets[i]}," in labels[i] for i, token in enumerate(tokens)] == [True] * 4, labels
        assert browser.run("live.stage.map.cells.rowNames") == [f"{i}: {token}" for i, token in enumerate(tokens)]
        assert browser.run("live.stage.map.cells.columnNames") == [f"{i}: {token}" for i, token in enumerate(tokens)]
        assert browser.run("at('probe').options[0].textContent") == f"0: {own}"
    assert browser.run("[at('probe').selectedIndex, state.probe]") == [0, 0]


def rings(browser):
    """How many cells of the map and of the pipeline are drawn as the largest of their rows."""
    return browser.run("""(() => {
        const { cells } = live.stage.map;
        const context = cells.canvas.getContext('2d');
        let n = 0;
        context.strokeRect = () => n++;
        cells.drawRings(context);
        delete context.strokeRect;
        const { cell } = PipelineDrawing.prototype;
        let boxed = 0;
        PipelineDrawing.prototype.cell = function (name, value, x, y, how) {
            boxed += how?.isMost ? 1 : 0;
            return cell.call(this, name, value, x, y, how);
        };
        live.stage.draw();
        PipelineDrawing.prototype.cell = cell;
        return [n, boxed];
    })()""")


def an_absent_matrix_is_the_identity(browser):
    """Which matrices are absent is said beside those that are there, and what stands in their place is so."""
    for absent, settings, said in [
        ("", [], None),
        ("qkv", ["model.d_k=8"], "No matrices here, which is the identity: queries, keys and values are x itself."),
        ("qkv", ["model.n_heads=2", "model.d_k=4"], "No matrices here, which is the identity: queries, keys and values are a part of x for each head."),
        ("v", [], "Without WV, which is the identity, v is x itself."),
        ("qk", ["model.d_k=8"], "Without WQ and WK, which is the identity, q and k are x itself."),
        ("qv", ["model.n_heads=2", "model.d_k=4"], "Without WQ and WV, which is the identity, q and v are a part of x for each head."),
    ]:
        begin(browser, "letters", [*settings, *(f"model.projections.w_{part}=none" for part in absent)])
        words = browser.run("live.stage.matrices.words.textContent")
        assert words.endswith(said) if said else "identity" not in words, (absent, words)
        for part in absent:
            own = browser.run(f"Array.from(live.stage.moment.row('{part}', 1))")
            of_x = browser.run("Array.from(live.stage.moment.row('x', 1))")
            assert max(abs(a - b) for a, b in zip(own, of_x)) < 1e-3 * max(map(abs, of_x)), (absent, part, own, of_x)


def equal_keys_have_no_winner(browser):
    begin(browser, "letters", [])
    assert rings(browser) == [4, 3], rings(browser)
    browser.run("document.querySelector('[data-matrix=w_q][data-what=zero]').click()")
    until(browser, "live.stage.moment.row('scaled', 0).every((score) => score === 0)", 5, "W_Q of zeros")
    sentence = browser.run("live.stage.words.textContent")
    assert sentence.startswith("All keys are equal for query") and ": 0 each." in sentence and "prefers" not in sentence, sentence
    assert rings(browser) == [0, 0], rings(browser)
    browser.run("undo()")
    until(browser, "live.kept.length === 0 && live.stage.moment.row('scaled', 0).some((score) => score !== 0)", 5, "Undo")
    assert rings(browser) == [4, 3], rings(browser)


def a_guess_between_equal_keys_is_not_judged(browser):
    begin(browser, "letters", [])
    until(browser, "guess.isAsking", 5, "a question")
    browser.run("guess.set({ key: 3 })")
    train(browser, "`letters`, learned")
    assert browser.run("guess.words.textContent").endswith((": right.", ": not this time.")), browser.run("guess.words.textContent")
    browser.run("document.querySelector('[data-matrix=w_q][data-what=zero]').click()")
    until(browser, "live.stage.moment.row('scaled', 0).every((score) => score === 0)", 5, "W_Q of zeros")
    words = browser.run("guess.words.textContent")
    assert words.startswith("You said ") and "gives it 0.25 of its attention." in words, words
    assert "Undo (Ctrl Z) goes back to step 200." in browser.run("at('happened').textContent")
    browser.run("undo()")
    until(browser, "live.kept.length === 0", 5, "Undo")


def what_is_too_large_is_said(browser):
    """A head has matrices, though they are not shown."""
    begin(browser, "letters", ["model.d_k=100000"])
    words = browser.run("[live.stage.matrices.words.textContent, live.stage.missing.hidden ? '' : live.stage.missing.textContent]")
    assert words[0] == "The matrices of this head are too large to be shown.", words
    assert "too large to be shown" in words[1] and "trained now" not in words[1], words
    browser.run("document.activeElement.blur()")
    browser.press("e")
    assert browser.run("!cellEditing.isOn && at('happened').textContent") == words[0]
    begin(browser, "letters", ["model.projections=none", "model.d_k=8"])
    assert browser.run("live.stage.matrices.words.textContent") == "No matrices here, which is the identity: queries, keys and values are x itself."
    begin(browser, "letters", [])


def learned(browser):
    begin(browser, "letters", [])
    train(browser, "`letters`, learned")


def a_line_about_a_cell_goes_with_it(browser):
    """What was said of a cell is not said of the model that comes after it."""
    begin(browser, "letters", [])
    picture = "live.stage.matrices.pictures.find(({ matrix }) => matrix.name === 'W_V').cells"
    where = "live.stage.where.textContent"
    browser.press("e")
    browser.run(f"{picture}.canvas.focus()")
    for key in ["ArrowDown", "9", "Enter"]:
        browser.press(key)
    until(browser, f"live.kept.length === 1 && {where}.startsWith('W_V') && {where}.includes(': 9.0')", 5, "the line of a cell of 9")
    browser.run("document.getElementById('reach-undo').focus()")
    browser.press("Enter")
    until(browser, f"live.kept.length === 0 && !{where}.includes('9.0')", 5, "the end of the line")
    browser.run("cellEditing.leave()")


def a_cell_keeps_the_focus(browser):
    """Pictures that get another size are the same pictures, so that what is typed goes to the cell that was chosen."""
    begin(browser, "letters", [])
    browser.press("e")
    matrix = "live.stage.matrices.pictures.find(({ matrix }) => matrix.name === 'W_K').cells"
    for width, cells in [(80, matrix), (70, "live.stage.map.cells")]:
        browser.run(f"{cells}.canvas.focus()")
        browser.press("ArrowDown")
        browser.press("ArrowRight")
        browser.run(f"live.stage.size = '', live.stage.root.style.width = '{width}%'")
        until(browser, "live.stage.size !== ''", 5, "another size of the stage")
        assert browser.run(f"document.activeElement === {cells}.canvas && {cells}.cell.join()") == "0,1", cells
    browser.run(f"{matrix}.canvas.focus()")
    for key in [*["ArrowDown"] * 8, "9"]:
        browser.press(key)
    before = browser.run(f"{matrix}.size")
    browser.run("live.stage.size = '', live.stage.root.style.height = '440px'")
    until(browser, "live.stage.size !== ''", 5, "another size below a field")
    assert browser.run(f"{matrix}.size") != before
    off = browser.run(f"""(({{ canvas, head, size }}) => {{
        const [field, picture] = [cellField.input, canvas].map((one) => one.getBoundingClientRect());
        return Math.abs((field.top + field.bottom) / 2 - (picture.top + canvas.clientTop + head + 7.5 * size));
    }})({matrix})""")
    assert off < 2, off
    browser.press("Enter")
    until(browser, f"{matrix}.values[14] === 9", 5, "a cell of 9")
    browser.press("Control+z")
    until(browser, "live.kept.length === 0", 5, "Undo")
    browser.press("m")
    wanted = "wantedMap.cells"
    browser.run(f"{wanted}.canvas.focus()")
    browser.press("ArrowDown")
    browser.run("Object.assign(live.stage.root.style, { width: '', height: '' }), live.stage.size = ''")
    until(browser, "live.stage.size !== ''", 5, "the size of before")
    assert browser.run(f"document.activeElement === {wanted}.canvas && {wanted}.cell.join()") == "0,0"
    browser.run("document.activeElement.blur()")
    browser.press("Escape")


def a_cell_of_another_head_is_not_chosen(browser):
    """The buttons of the card are about the head that is shown."""
    begin(browser, "reverse", ["model.n_heads=2"])
    browser.press("e")
    browser.run("live.stage.matrices.pictures[0].cells.canvas.focus()")
    browser.press("ArrowDown")
    assert browser.run("cellEditing.last.cell.join() === '0,0' && !document.getElementById('reach-row').disabled")
    browser.press("h")
    until(browser, "state.head === 1", 5, "the other head")
    assert browser.run("cellEditing.last === null && document.getElementById('reach-row').disabled")
    browser.run("document.activeElement.blur()")
    browser.press("Escape")


def undo_says_whether_it_can(browser):
    """In both places; with nothing to undo the buttons are off, and the key is answered."""
    begin(browser, "letters", [])
    off = "[at('undo').disabled, cellEditing.tools.at(-1).disabled]"
    assert browser.run(off) == [True, True]
    browser.press("e")
    assert browser.run("document.getElementById('reach-undo').disabled")
    browser.run("edit({ what: 'zero-head', layer: 0, head: 0 })")
    until(browser, f"live.kept.length === 1 && !({off}).includes(true)", 5, "a change")
    browser.run("document.getElementById('reach-undo').focus()")
    browser.press("Enter")
    until(browser, f"live.kept.length === 0 && !({off}).includes(false)", 5, "Undo")
    # The keys are still heard.
    assert browser.run("document.activeElement.id") == "reach-close"
    browser.press("Control+z")
    until(browser, "at('happened').textContent.startsWith('There is nothing to undo')", 5, "the answer to a key")
    browser.press("Escape")
    assert browser.run("!cellEditing.isOn && document.activeElement.id === 'mode-e'")


def escape_leaves_from_anywhere(browser):
    for key, mode in [("e", "cellEditing"), ("m", "wantedMap")]:
        for place in ["at('play')", "at('speed')", "at('timeline')", f"document.getElementById('mode-{key}')", f"{mode}.brush", "document.getElementById('reach-close')"]:
            browser.run("document.activeElement.blur()")
            browser.press(key)
            assert browser.run(f"{mode}.isOn"), (key, place)
            browser.run(f"{mode}.brush.hidden = false, {place}.focus()")
            browser.press("Escape")
            assert not browser.run(f"{mode}.isOn || document.querySelector('.reach') !== null"), (key, place)
    # It lets nothing else go at the same time.
    browser.run("document.activeElement.blur(), choose({ query: 2 })")
    browser.press("m")
    browser.press("Escape")
    assert browser.run("state.query") == 2 and not browser.run("wantedMap.isOn")
    browser.press("Escape")
    assert browser.run("state.query") is None
    assert "leaves these two" in browser.run("document.querySelector('[data-text=\"live.help.keys\"]').textContent")


def the_lectures_keys_are_its_own(browser):
    """A remote control leads through the stations, the timeline that was clicked or not; without a station it moves the timeline."""
    opened = "trainer.id === trainer.asked && !trainer.isBeginning && live.film !== null"
    browser.run("lecture.open(2)")
    until(browser, f"{opened} && lecture.isHere", 20, "station 3")
    for key, index in [("PageDown", 3), ("PageUp", 2)]:
        browser.run("at('timeline').focus()")
        browser.press(key)
        assert browser.run("lecture.index") == index, key
        until(browser, opened, 20, f"station {index + 1}")
    notes = browser.run("STATIONS.map(({ key }) => TEXTS[`station.${key}.notes`]).join(' ')")
    assert "Train on" not in notes and "nothing comes back" not in notes and "“Let it learn from here”" in notes
    browser.run("lecture.close()")
    learned(browser)
    last = browser.run("state.frame")
    browser.run("at('timeline').focus()")
    # As on every slider, up is more.
    browser.press("PageDown")
    assert browser.run("lecture.index === null && state.frame") < last
    browser.press("PageUp")
    assert browser.run("lecture.index === null && state.frame") == last


def heads_are_reached_by_a_key(browser):
    browser.run("lecture.open(2)")
    until(browser, "trainer.id === trainer.asked && !trainer.isBeginning && live.film !== null && lecture.isHere", 20, "station 3")
    browser.run("document.activeElement.blur()")
    browser.press("p")
    assert browser.run("presenter.isOn")
    begin(browser, "letters", ["model.n_heads=2"])
    browser.run("document.activeElement.blur()")
    for head in [1, 0, 1]:
        browser.press("h")
        assert browser.run("[state.head, Number(at('head').value), live.stage.moment.head]") == [head] * 3
        assert browser.run("at('happened').textContent") == f"Head {head} is shown, of 2 from 0 on."
    browser.press("Escape")
    browser.run("lecture.close()")


def a_step_past_the_end_goes_to_the_end(browser, page):
    fresh(browser, page, fragment="#step=500")
    until(browser, "at('happened').textContent !== ''", 10, "a word about the step")
    words = browser.run("at('happened').textContent")
    assert words.startswith("In the address, step is 500, and this run ends at step 200: it goes there"), words
    until(browser, "live.film.frames.at(-1).step === 200 && state.frame === live.film.frames.length - 1", 60, "the last step")


def what_is_not_finite_is_no_answer(browser):
    begin(browser, "letters", [])
    browser.run("live.stage.moment.isBroken(0) || edit({ what: 'matrix', place: { layer: 0, head: 0, matrix: 'w_v' }, values: Array.from({ length: 64 }, () => 3e38) })")
    until(browser, "live.kept.length === 1 && live.stage.moment.isBroken(0)", 5, "answers that are not finite")
    sentences = browser.run("live.stage.words.textContent")
    assert "is NaN or infinite." in sentences and "The model answers" not in sentences, sentences
    assert browser.run("live.stage.tokens.buttons.map(({ said }) => said.textContent)") == ["NaN ✗"] * 4
    browser.run("undo()")
    until(browser, "live.kept.length === 0 && !live.stage.moment.isBroken(0)", 5, "Undo")


def nearly_equal_is_equal(browser):
    found = browser.run("[[1, 1], [0.5, 0.50001, 0.1], [0.5, 0.501], [-3, -3.00001], [NaN, 2], [NaN, NaN], [0, 0]].map((row) => [winnerOf(Float32Array.from(row)), largestIn(Float32Array.from(row)).length])")
    assert found == [[None, 2], [None, 2], [1, 1], [None, 2], [1, 1], [None, 0], [None, 2]], found


def a_refusal_stands_at_the_field_that_was_changed(browser):
    message = json.dumps('model.projections must be one of `learned`, `frozen`, `none`, got { name = "learned", w_k = "none", w_q = "none" }')
    keys = "settings.all.map(({ key }) => key)"
    for last in ["w_q", "w_k", "w_v"]:
        key = f"model.projections.{last}"
        assert browser.run(f"keyIn({message}, {keys}, '{key}')") == key, last
    assert browser.run(f"keyIn('model.projections.w_k must be a name', {keys}, 'model.projections.w_q')") == "model.projections.w_k"


def a_map_in_blocks_says_what_is_missing(browser):
    begin(browser, "letters", ["task.seq_len=1000"])
    assert browser.run("!live.stage.moment.has('q')"), "a long input has no room for its trace"
    assert browser.run("!live.stage.missing.hidden && live.stage.missing.textContent").startswith("The attention map alone is here")
    assert browser.run("live.stage.map.hint.textContent").endswith("%, which is nearly white")


def an_arrows_line_goes_with_the_card(browser):
    begin(browser, "letters", ["model.d_k=2"])
    browser.run("document.activeElement.blur()")
    browser.press("e")
    browser.run("live.stage.plane.canvas.focus()")
    until(browser, "live.stage.where.textContent.includes('Arrow keys move it')", 5, "the line of an arrow")
    browser.press("Escape")
    assert browser.run("live.stage.where.textContent") == ""


def a_station_says_that_it_takes_its_own_run(browser, page):
    fresh(browser, page, fragment="#station=5&task=copy")
    until(browser, "lecture.index === 4 && lecture.isHere", 20, "station 5")
    until(browser, "at('happened').textContent.startsWith('The station of this address has a run of its own')", 5, "a word about the task")


def check(browser, page, binary, folder):
    fresh(browser, page)
    an_own_input_is_shown_everywhere(browser)
    an_absent_matrix_is_the_identity(browser)
    equal_keys_have_no_winner(browser)
    what_is_too_large_is_said(browser)
    a_line_about_a_cell_goes_with_it(browser)
    a_cell_keeps_the_focus(browser)
    a_cell_of_another_head_is_not_chosen(browser)
    undo_says_whether_it_can(browser)
    escape_leaves_from_anywhere(browser)
    heads_are_reached_by_a_key(browser)
    the_lectures_keys_are_its_own(browser)
    a_step_past_the_end_goes_to_the_end(browser, page)
    a_station_says_that_it_takes_its_own_run(browser, page)
    fresh(browser, page)
    a_guess_between_equal_keys_is_not_judged(browser)
    what_is_not_finite_is_no_answer(browser)
    nearly_equal_is_equal(browser)
    a_refusal_stands_at_the_field_that_was_changed(browser)
    an_arrows_line_goes_with_the_card(browser)
    a_map_in_blocks_says_what_is_missing(browser)


def main(maker, binary, page, folder):
    os.makedirs(folder, exist_ok=True)
    with maker() as browser:
        check(browser, page, binary, folder)
        assert browser.complaints() == [], browser.complaints()


if __name__ == "__main__":
    main(*arguments(__doc__, "qkv", "page", "folder"))
