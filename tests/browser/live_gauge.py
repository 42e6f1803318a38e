"""The main directions of a run that trains in the page: each frame comes alone, and is shown in the order and with the
signs of the one before it."""

from live_page import begin, until

# The last moment once more, with the two columns of W_Q and W_K in the other order, one of them with the other sign: what
# another frame may be without any step.
TURNED = """(() => {
    const film = JSON.parse(JSON.stringify(live.film));
    const moment = withColumns(JSON.parse(JSON.stringify(live.film)), (column) => column.slice(-1));
    const turned = (data) => {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        const codes = new Int16Array(bytes.buffer);
        for (let i = 0; i < codes.length; i += 2) [codes[i], codes[i + 1]] = [-codes[i + 1], codes[i]];
        return btoa(String.fromCharCode(...bytes));
    };
    const { balanced } = moment.layers[0].heads[0];
    for (const { frames } of balanced) frames[0].data = frames[0].data.map(turned);
    const cells = (matrix) => Array.from(cellsOf(matrix, matrix.frames.at(-1)));
    const before = balanced.map(cells);
    append(film, moment);
    return { turned: before, appended: film.layers[0].heads[0].balanced.map(cells) };
})()"""

# Of each frame and the one before: how much alike every column is to itself.
LIKENESS = """(() => {
    const { balanced } = live.film.layers[0].heads[0];
    return live.film.frames.slice(1).flatMap((_, i) => [0, 1].map((column) => balanced.reduce((sum, matrix) => {
        const [before, now] = [i, i + 1].map((frame) => cellsOf(matrix, matrix.frames[frame]));
        return sum + before.reduce((total, x, at) => total + (at % 2 === column ? x * now[at] : 0), 0);
    }, 0)));
})()"""


def main_directions_keep_their_place(browser):
    begin(browser, "letters", [])
    browser.choose("speed", "0")
    browser.run("at('play').click()")
    until(browser, "live.ended !== null", 60, "the training of `letters`")
    shown = "live.film.layers[0].heads[0].balanced.map((matrix) => Array.from(cellsOf(matrix, matrix.frames.at(-1))))"
    before, turned = browser.run(shown), browser.run(TURNED)
    assert turned["turned"] != before, "the columns were not turned"
    assert turned["appended"] == before, "a frame has other directions than that before it"
    likeness = browser.run(LIKENESS)
    assert len(likeness) > 10 and min(likeness) > 0, likeness
