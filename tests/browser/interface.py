"""Whether the browsers report what the tests of the pages rely on: complaints, requests, long tasks, input and files.

    python3 tests/browser/interface.py [--browser chromium|firefox] FOLDER

FOLDER gets pages of a few lines and what is saved of them. A server on this machine counts the requests that reach it.
"""

import os
import struct
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from browser import arguments

# What a page does, and a part of the complaint about it. SERVER is the address of the server.
COMPLAINTS = [
    ("console.error('oh', 'no')", "oh"),
    ("console.warn('careful')", "careful"),
    ("setTimeout(() => { throw new Error('thrown') })", "thrown"),
    ("Promise.reject(new Error('rejected'))", "rejected"),
    ("not JavaScript", "SyntaxError"),
    ("fetch('http://SERVER/fetched').catch(() => {})", "asked for http://SERVER/fetched"),
    ("new Image().src = 'http://SERVER/image'", "asked for http://SERVER/image"),
    ("new WebSocket('ws://SERVER/socket')", "//SERVER/socket"),
    ("navigator.sendBeacon('http://SERVER/beacon', 'x')", "asked for http://SERVER/beacon"),
    ("fetch('http://example.org/').catch(() => {})", "asked for http://example.org/"),
    ("new Image().src = 'beside.png'", "/beside.png"),
    ("inWorker(`console.error('oh from a worker')`)", "oh from a worker"),
    ("inWorker(`throw new Error('thrown in a worker')`)", "thrown in a worker"),
    ("inWorker(`fetch('http://SERVER/worker').catch(() => {})`)", "asked for http://SERVER/worker"),
    ("forbid(), (new Image().src = 'http://SERVER/forbidden')", "ecurity"),
]

TOOLS = """
const inWorker = (text) => new Worker(URL.createObjectURL(new Blob([text])));
const forbid = () => document.head.append(Object.assign(document.createElement('meta'), { httpEquiv: 'Content-Security-Policy', content: "img-src 'none'" }));
const log = [];
"""

# What a page of ours may do without a complaint.
QUIET = """
const worker = inWorker(`postMessage(6 * 7)`);
worker.onmessage = ({ data }) => log.push(data);
document.body.append(Object.assign(new Image(), { src: 'data:image/gif;base64,R0lGODlhAQABAAAAACw=' }));
console.log('well');
history.replaceState(null, '', '#step=7');
"""

# In milliseconds: a page that does nothing answers sooner than STILL, in one of three seconds even where much else runs
# on the machine; a click makes it work for BLOCKED.
STILL, BLOCKED = 100, 150


class Server:
    """Counts what reaches it."""

    def __enter__(self):
        self.asked = asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            do_POST = do_GET

            def log_message(self, *_):
                """Prints nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.name = "127.0.0.1:{}".format(self._server.server_address[1])
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def page(folder, script, body=""):
    path = os.path.join(folder, "page of a few lines.html")
    with open(path, "w") as file:
        file.write(f'<!doctype html><meta charset="utf-8"><title>A page</title><body>{body}<script>{TOOLS}</script><script>{script}</script>')
    return path


def wait(browser, milliseconds):
    browser.run(f"new Promise((done) => setTimeout(done, {milliseconds}))")


def every_complaint_is_reported(browser, folder, server):
    for script, part in COMPLAINTS:
        script, part = (text.replace("SERVER", server.name) for text in [script, part])
        browser.open(page(folder, script))
        deadline = time.monotonic() + 5
        while not any(part in complaint for complaint in browser.complaints()):
            assert time.monotonic() < deadline, f"{script}: {browser.complaints()}"
            time.sleep(0.02)


def the_server_is_there_and_the_browser_does_not_reach_it(browser, folder, server):
    assert server.asked == [], server.asked
    browser.open(page(folder, ""))
    for name in [server.name, server.name.replace("127.0.0.1", "localhost")]:
        assert browser.run(f"fetch('http://{name}/', {{ mode: 'no-cors' }}).then(() => 'here', () => 'failed')") == "failed"
    assert server.asked == [], server.asked
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{server.name}/python").close()
    assert server.asked == ["/python"], server.asked


def a_quiet_page_has_no_complaint_and_a_complaint_ends_with_its_page(browser, folder):
    browser.open(page(folder, "console.error('of the page before'), setTimeout(() => console.error('late'), 60)"))
    browser.open(page(folder, QUIET), fragment="#step=70")
    wait(browser, 300)
    assert browser.run("[log, location.hash]") == [[42], "#step=7"]
    assert browser.complaints() == [], browser.complaints()


def values_come_as_json_has_them(browser, folder):
    browser.open(page(folder, "const twice = [1], film = { none: undefined, a: [1.5, -2, true, 'x', null, NaN, [twice, twice]] }"))
    assert browser.run("film") == {"a": [1.5, -2, True, "x", None, None, [[1], [1]]]}
    assert browser.run("Promise.resolve(film.a.length)") == 7
    assert browser.run("undefined") is None
    for script, part in [("nothing.here", "nothing"), ("Promise.reject(new Error('refused'))", "refused"), ("1 +", "SyntaxError")]:
        try:
            value = browser.run(script)
        except RuntimeError as error:
            assert part in str(error), error
        else:
            raise AssertionError(f"{script} gave {value}")


def a_blocked_page_is_measured(browser, folder):
    busy = f"const end = performance.now() + {BLOCKED}; while (performance.now() < end);"
    browser.open(page(folder, f"document.querySelector('button').onclick = () => {{ {busy} }}", "<button>Block</button>"))
    for _ in range(3):
        # What ended before is not counted.
        browser.click(*browser.middle("button"))
        browser.watch_blocking()
        wait(browser, 1000)
        still = browser.longest_block()
        if still < STILL:
            break
    assert still < STILL, still
    browser.click(*browser.middle("button"))
    wait(browser, 50)
    blocked = browser.longest_block()
    # Clocks of pages are rounded to milliseconds.
    assert blocked >= BLOCKED - 1, blocked
    print(f"{browser.name}: {still:.0f} ms where nothing happens, {blocked:.0f} ms where the page is blocked for {BLOCKED} ms")


def mouse_and_keys_arrive_as_from_a_reader(browser, folder):
    script = """
    for (const kind of ['pointerdown', 'pointermove', 'pointerup', 'click'])
        document.querySelector('div').addEventListener(kind, (event) => log.push([kind, event.clientX, event.clientY, event.buttons, event.isTrusted]));
    document.querySelector('input').addEventListener('keydown', ({ key, code, ctrlKey }) => log.push([key, code, ctrlKey]));
    """
    browser.open(page(folder, script, '<div style="position: fixed; inset: 0 50% 50% 0"></div><input style="margin-left: 60%">'))
    browser.point(20, 30)
    browser.drag([(40, 50), (60, 70), (80, 90)])
    assert browser.run("log.splice(0)") == [
        ["pointermove", 20, 30, 0, True],
        ["pointermove", 40, 50, 0, True],
        ["pointerdown", 40, 50, 1, True],
        ["pointermove", 60, 70, 1, True],
        ["pointermove", 80, 90, 1, True],
        ["pointerup", 80, 90, 0, True],
        ["click", 80, 90, 0, True],
    ]
    browser.click(*browser.middle("input"))
    for key in ["a", "7", ".", " ", "b", "Backspace", "Enter", "ArrowLeft", "Escape"]:
        browser.press(key)
    wanted = [["a", "KeyA"], ["7", "Digit7"], [".", None], [" ", "Space"], ["b", "KeyB"]]
    wanted += [[name, name] for name in ["Backspace", "Enter", "ArrowLeft", "Escape"]]
    for (key, code, control), (name, place) in zip(browser.run("log.splice(0)"), wanted, strict=True):
        assert (key, code if place else None, control) == (name, place, False), (key, code, control)
    assert browser.run("document.querySelector('input').value") == "a7. "
    browser.press("Control+z")
    assert browser.run("log.filter(([key]) => key === 'z')") == [["z", "KeyZ", True]]
    browser.press("Tab")
    assert browser.run("document.activeElement.localName") == "body"


def wheel_and_finger_scroll_where_a_page_lets_them(browser, folder):
    bars = '<div style="height: 100px; touch-action: none"></div><div style="height: 4000px"></div>'
    browser.open(page(folder, "", bars), width=360, height=640)
    browser.wheel(180, 300, 200)
    assert browser.run("scrollY") > 0
    browser.run("scrollTo(0, 0)")
    browser.swipe(180, 500, 300)
    assert browser.run("scrollY") > 100, browser.run("scrollY")
    browser.run("scrollTo(0, 0)")
    browser.swipe(180, 90, 80)
    assert browser.run("scrollY") == 0


def window_and_wishes_are_those_of_a_reader(browser, folder):
    browser.open(page(folder, ""), width=1280, height=720)
    shown = "[innerWidth, innerHeight, devicePixelRatio, document.hasFocus()]"
    assert browser.run(shown) == [1280, 720, 1, True], browser.run(shown)
    browser.size(640, 360, scale=2)
    assert browser.run(shown) == [640, 360, 2, True], browser.run(shown)
    wish = "[matchMedia('(prefers-color-scheme: dark)').matches, matchMedia('(prefers-reduced-motion: reduce)').matches]"
    for scheme, motion in [("dark", "reduce"), ("light", "no-preference"), ("dark", "no-preference")]:
        browser.colours(scheme)
        browser.motion(motion)
        wait(browser, 50)
        wanted = [scheme == "dark", motion == "reduce"]
        assert browser.run(wish) == wanted, (scheme, motion)
        # Another page is shown so, too.
        browser.open(page(folder, ""))
        assert browser.run(wish) == wanted, (scheme, motion)


def pictures_prints_and_downloads_are_files_and_a_file_comes_back(browser, folder):
    changed = "document.querySelector('input').onchange = async ({ target }) => log.push([...new Uint8Array(await target.files[0].arrayBuffer())])"
    browser.open(page(folder, changed, '<input type="file"><div style="height: 2000px"></div>'), width=400, height=300)
    picture, printed = (os.path.join(folder, name) for name in ["picture.png", "printed.pdf"])
    for whole, least, most in [(False, 300, 300), (True, 2000, 2100)]:
        browser.picture(picture, whole=whole)
        with open(picture, "rb") as file:
            width, height = struct.unpack("!II", file.read(24)[16:])
        assert 380 <= width <= 400 and least <= height <= most, (width, height)
    browser.pdf(printed)
    with open(printed, "rb") as file:
        assert file.read(5) == b"%PDF-"
    give = "Object.assign(document.createElement('a'), { download: 'given.bin', href: URL.createObjectURL(new Blob([new Uint8Array([0, 255, 10])])) }).click()"
    given = os.path.join(folder, "given")
    os.mkdir(given)
    for _ in range(2):
        path = browser.download(given, give)
        assert os.path.dirname(path) == given, path
        with open(path, "rb") as file:
            assert file.read() == bytes([0, 255, 10])
    browser.attach("input", path)
    wait(browser, 200)
    assert browser.run("log") == [[0, 255, 10]], browser.run("log")
    assert browser.complaints() == [], browser.complaints()


def main():
    start, folder = arguments(__doc__, "folder")
    folder = os.path.abspath(folder)
    begun = time.monotonic()
    with Server() as server, start() as browser:
        print(f"{browser.name} started in {time.monotonic() - begun:.1f} s")
        every_complaint_is_reported(browser, folder, server)
        the_server_is_there_and_the_browser_does_not_reach_it(browser, folder, server)
        for check in [
            a_quiet_page_has_no_complaint_and_a_complaint_ends_with_its_page,
            values_come_as_json_has_them,
            a_blocked_page_is_measured,
            mouse_and_keys_arrive_as_from_a_reader,
            wheel_and_finger_scroll_where_a_page_lets_them,
            window_and_wishes_are_those_of_a_reader,
            pictures_prints_and_downloads_are_files_and_a_file_comes_back,
        ]:
            check(browser, folder)
    print(f"{browser.name} reports what the tests rely on")


if __name__ == "__main__":
    main()
