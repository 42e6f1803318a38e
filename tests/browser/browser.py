"""One tab of a headless browser that has no network: what the tests of the pages need, the same for every browser.

The drivers (`chromium.py`, `firefox.py`) translate into the protocol of their browser; here stands what they share.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

# Commands that take longer than this have hung.
PATIENCE = 60.0

# A proxy that does not exist: port 9 is closed, and every request goes there, those to this machine, too.
CLOSED_PROXY = ("127.0.0.1", 9)

# Scrolling has ended when this many milliseconds brought no event of it.
STILL = 150

SCROLLED = f"""new Promise((done) => {{
    const ended = new AbortController();
    const end = () => (ended.abort(), done());
    let timer = setTimeout(end, {STILL});
    const again = () => (clearTimeout(timer), (timer = setTimeout(end, {STILL})));
    addEventListener('scroll', again, {{ capture: true, passive: true, signal: ended.signal }});
}})"""


class Browser:
    """Commands and their answers are JSON objects with an `id`; what else arrives is an event with a `method`.

    A driver has `name`, `_start()`, `_stop()`, `_write(text)`, `_receive(seconds)`, `_go(url)`, and what is missing here:
    `size`, `run`, `colours`, `motion`, `point`, `click`, `drag`, `press`, `wheel`, `swipe`, `picture`, `pdf`, `download`,
    `attach`, `watch_blocking`, `longest_block` and `complaints`.
    """

    # What a driver adds to every command, such as the session of its tab.
    _address = {}

    def __init__(self):
        # The helpers of a browser may still write for a moment when it has ended.
        self._folder = tempfile.TemporaryDirectory(prefix=f"qkv-{self.name}-", ignore_cleanup_errors=True)
        self._process = None
        self._n_sent = 0
        self.events = []

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        self._stop()
        self._folder.cleanup()

    def post(self, method, params, **address):
        """Sends one command, does not wait for its answer, and returns the id of both."""
        self._n_sent += 1
        self._write(json.dumps({"id": self._n_sent, "method": method, "params": params, **address}))
        return self._n_sent

    def send(self, method, _address=None, **params):
        """Sends one command and returns its result; what happens meanwhile is kept in `events`."""
        sent = self.post(method, params, **(self._address if _address is None else _address))
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._next(deadline, method)
            if message.get("id") == sent:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message}")
                return message["result"]

    def wait_for(self, method, wanted=lambda params: True):
        """The parameters of the first such event since the page was opened, or the next one."""
        deadline = time.monotonic() + PATIENCE
        n_seen = 0
        while True:
            for event in self.events[n_seen:]:
                if event["method"] == method and wanted(event["params"]):
                    return event["params"]
            n_seen = len(self.events)
            self._next(deadline, method)

    def _next(self, deadline, what):
        text = self._receive(deadline - time.monotonic())
        if text is None:
            raise TimeoutError(f"{self.name}: no {what} within {PATIENCE} s")
        message = json.loads(text)
        if "method" in message:
            self.events.append(message)
            self._heard(message)
        return message

    def _heard(self, event):
        """Does at once what an event asks for."""

    def open(self, path, width=1280, height=900, fragment=""):
        """Opens a file, at a fragment such as `#step=70`, and waits until it is loaded."""
        self._page = Path(path).resolve().as_uri()
        self.size(width, height)
        # Another fragment alone would load nothing, and what is left of the page before is not of this one.
        for url in ["about:blank", self._page + fragment]:
            self.events.clear()
            self._go(url)

    def choose(self, control, value):
        """Chooses the value of a control, by its id."""
        self.run(f"at('{control}').value = '{value}', at('{control}').dispatchEvent(new Event('change'))")

    def middle(self, selector):
        """The middle of the first such element, scrolled into the window."""
        found = element(selector)
        box = self.run(f"{found}.scrollIntoView({{block: 'center'}}), {found}.getBoundingClientRect().toJSON()")
        return box["left"] + box["width"] / 2, box["top"] + box["height"] / 2

    def _until_scrolled(self):
        self.run(SCROLLED)


def element(selector):
    return f"document.querySelector({json.dumps(selector)})"


def own_request(url):
    """Whether a page asks for what it has in itself, such as a worker made from its own text, which needs no network."""
    return url.startswith(("blob:", "data:"))


def arguments(doc, *names):
    """The driver of the chosen browser, and the arguments of these names."""
    # Both are made of what stands above.
    from chromium import Chromium
    from firefox import Firefox

    known = {driver.name: driver for driver in [Chromium, Firefox]}
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browser", choices=known, default="chromium")
    for name in names:
        parser.add_argument(name)
    given = parser.parse_args()
    return known[given.browser], *(getattr(given, name) for name in names)
