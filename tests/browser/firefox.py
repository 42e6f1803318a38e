"""A headless Firefox, driven over WebDriver BiDi with nothing but Python's standard library."""

import base64
import json
import os
import subprocess
import time

import keys
from browser import CLOSED_PROXY, PATIENCE, Browser, element, own_request
from web_socket import WebSocket

HOST, PORT = CLOSED_PROXY

PREFERENCES = {
    # Whatever a page might ask for, the only way out is closed.
    "network.proxy.type": 1,
    "network.proxy.http": HOST,
    "network.proxy.http_port": PORT,
    "network.proxy.ssl": HOST,
    "network.proxy.ssl_port": PORT,
    "network.proxy.socks": HOST,
    "network.proxy.socks_port": PORT,
    "network.proxy.socks_remote_dns": True,
    "network.proxy.no_proxies_on": "",
    "network.proxy.allow_hijacking_localhost": True,
    "network.dns.disabled": True,
    "browser.startup.page": 0,
    # There is no screen that could be touched, and without one `touch-action` has no effect.
    "dom.w3c_touch_events.enabled": 1,
}

# Only requests of the network are events of the protocol; a page may ask for files, too.
FILES = """globalThis.openedFiles = [],
Services.obs.addObserver({ observe: (channel) => openedFiles.push(channel.QueryInterface(Ci.nsIChannel).URI.spec) }, 'file-channel-opened')"""

# The protocol's touches are events alone and scroll nothing. These go the way of a real finger: ten moves of one frame
# each, then a rest, so that the page does not roll on.
SWIPE = """(async ({ x, y, up }) => {
    const { left, top } = gBrowser.selectedBrowser.getBoundingClientRect();
    const touch = async (state, share) => {
        const place = [mozInnerScreenX + left + x, mozInnerScreenY + top + y - share * up].map((at) => Math.round(at * devicePixelRatio));
        windowUtils.sendNativeTouchPoint(0, state, ...place, 1, 0, null);
        await new Promise((done) => setTimeout(done, 16));
    };
    for (let tenth = 0; tenth <= 10; tenth++) await touch(windowUtils.TOUCH_CONTACT, tenth / 10);
    await new Promise((done) => setTimeout(done, 250));
    await touch(windowUtils.TOUCH_CONTACT, 1);
    await touch(windowUtils.TOUCH_REMOVE, 1);
})"""

PAINTED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))"

# The browser sets preferences for tests while it starts. One of them would let a page read the files beside it, which a
# reader's Firefox does not.
AS_READERS_HAVE_IT = "Services.prefs.setBoolPref('security.fileuri.strict_origin_policy', true)"

# There are no entries of long tasks; so a timer that should come every few milliseconds measures how late it is.
WATCH = """(() => {
    const own = (globalThis.beats = { last: performance.now(), longest: 0 });
    const beat = () => {
        const now = performance.now();
        own.longest = Math.max(own.longest, now - own.last);
        own.last = now;
        if (own === beats) setTimeout(beat);
    };
    beat();
})()"""


class Firefox(Browser):
    """Messages are texts of a WebSocket. What no command of the protocol does is done in the browser's own window."""

    name = "firefox"
    _socket = None

    def _start(self):
        profile = self._folder.name
        with open(os.path.join(profile, "user.js"), "w") as file:
            for name, value in PREFERENCES.items():
                file.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        self._process = subprocess.Popen(
            [
                "firefox-esr",
                "--headless",
                "--no-remote",
                "--profile",
                profile,
                "--remote-debugging-port",
                "0",
                "--remote-allow-system-access",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._socket = WebSocket(self._port(), "/session", PATIENCE)
        self.send("session.new", capabilities={})
        self._tab = self._first("content")
        self._window = self._first("chrome")
        for script in [AS_READERS_HAVE_IT, FILES]:
            self._evaluate(script, self._window)
        events = ["log.entryAdded", "network.beforeRequestSent", "browsingContext.downloadEnd"]
        self.send("session.subscribe", events=events)
        self.send("emulation.setNetworkConditions", networkConditions={"type": "offline"}, contexts=[self._tab])

    def _stop(self):
        if self._socket is not None:
            self._socket.close()

    def _port(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"firefox ended with {self._process.returncode}")
            try:
                with open(os.path.join(self._folder.name, "WebDriverBiDiServer.json")) as file:
                    return json.load(file)["ws_port"]
            except (FileNotFoundError, json.JSONDecodeError):
                # Not there, or not yet whole.
                time.sleep(0.05)
        raise TimeoutError("firefox opened no port")

    def _first(self, scope):
        return self.send("browsingContext.getTree", **{"moz:scope": scope})["contexts"][0]["context"]

    def _write(self, text):
        self._socket.send(text)

    def _receive(self, seconds):
        return self._socket.receive(seconds)

    def _go(self, url):
        # The focus may be in the address bar, where it is at first, or on a button, where Tab took it.
        self._evaluate("gBrowser.selectedBrowser.focus(), (openedFiles.length = 0)", self._window)
        self.send("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def size(self, width, height, scale=1):
        """Changes the window; a page at 200 % zoom has half the width, and a scale of 2."""
        viewport = {"width": width, "height": height}
        self.send("browsingContext.setViewport", context=self._tab, viewport=viewport, devicePixelRatio=scale)

    def run(self, script):
        """The value of a JavaScript expression, as JSON has it; a promise is awaited."""
        return self._evaluate(script, self._tab)

    def _evaluate(self, script, context):
        return plain(self._answer(script, context), {})

    def _answer(self, script, context):
        answer = self.send("script.evaluate", expression=script, target={"context": context}, awaitPromise=True)
        if answer["type"] == "exception":
            raise RuntimeError(f"{script}: {answer['exceptionDetails']['text']}")
        return answer["result"]

    def colours(self, scheme):
        """`light` or `dark`."""
        self._prefer("layout.css.prefers-color-scheme.content-override", ["dark", "light"].index(scheme))

    def motion(self, wish):
        """`reduce` or `no-preference`."""
        self._prefer("ui.prefersReducedMotion", ["no-preference", "reduce"].index(wish))

    def _prefer(self, name, value):
        self._evaluate(f"Services.prefs.setIntPref('{name}', {value})", self._window)

    def point(self, x, y):
        """Moves the mouse to a place in the window."""
        self._pointer([move(x, y)])

    def click(self, x, y):
        """Presses and releases the mouse at a place in the window."""
        self.drag([(x, y)])

    def drag(self, places):
        """Presses the mouse at the first place, moves it to the others and releases it at the last."""
        down, up = ({"type": kind, "button": 0} for kind in ["pointerDown", "pointerUp"])
        self._pointer([move(*places[0]), down, *(move(*place) for place in places[1:]), up])

    def _pointer(self, actions):
        self._act({"type": "pointer", "id": "mouse", "actions": actions})

    def _act(self, source):
        self.send("input.performActions", context=self._tab, actions=[source])

    def wheel(self, x, y, down):
        """Turns the wheel at a place, and waits until nothing scrolls any more."""
        turn = {"type": "scroll", "x": int(x), "y": int(y), "deltaX": 0, "deltaY": down}
        self._act({"type": "wheel", "id": "wheel", "actions": [turn]})
        self._until_scrolled()

    def swipe(self, x, y, up):
        """Moves a finger up from a place, and waits until nothing scrolls any more."""
        # What is touched is decided on the last picture of the page, not on the page.
        self.run(PAINTED)
        self._evaluate(f"{SWIPE}({json.dumps({'x': x, 'y': y, 'up': up})})", self._window)
        self._until_scrolled()

    def press(self, key):
        """Presses and releases a key, such as `ArrowLeft`, `.` or `Control+z`."""
        modifiers, key = keys.read(key)
        letters = [*(letter for _, letter in modifiers), key.letter]
        actions = [{"type": "keyDown", "value": letter} for letter in letters]
        actions += [{"type": "keyUp", "value": letter} for letter in reversed(letters)]
        self._act({"type": "key", "id": "keyboard", "actions": actions})

    def picture(self, path, whole=True):
        """Saves what is seen, or the whole page, as PNG."""
        origin = "document" if whole else "viewport"
        self._save(path, self.send("browsingContext.captureScreenshot", context=self._tab, origin=origin))

    def pdf(self, path):
        """Saves what is printed."""
        self._save(path, self.send("browsingContext.print", context=self._tab, background=True))

    @staticmethod
    def _save(path, answer):
        with open(path, "wb") as file:
            file.write(base64.b64decode(answer["data"]))

    def download(self, folder, script):
        """The path of the file that the page gives its reader when the script runs."""
        behaviour = {"type": "allowed", "destinationFolder": os.path.abspath(folder)}
        self.send("browser.setDownloadBehavior", downloadBehavior=behaviour)
        self.events = [event for event in self.events if event["method"] != "browsingContext.downloadEnd"]
        self.run(script)
        ended = self.wait_for("browsingContext.downloadEnd")
        assert ended["status"] == "complete", ended
        return ended["filepath"]

    def attach(self, selector, path):
        """Gives a file to the first such field of the page."""
        field = self._answer(element(selector), self._tab)["sharedId"]
        self.send("input.setFiles", context=self._tab, element={"sharedId": field}, files=[os.path.abspath(path)])

    def watch_blocking(self):
        """From now on, the time is measured in which the page answers nothing."""
        self.run(WATCH)

    def longest_block(self):
        """The longest such time in milliseconds."""
        return self.run("Math.max(beats.longest, performance.now() - beats.last)")

    def complaints(self):
        """Errors and warnings of the console, exceptions, and everything that was asked for but the page itself."""
        # One answer more, so that nothing is still under way.
        self.run("0")
        files = self._evaluate("openedFiles", self._window)
        found = [f"asked for {url}" for url in files if url.split("#")[0] != self._page]
        for event in self.events:
            params = event["params"]
            if event["method"] == "log.entryAdded" and params["level"] in ["error", "warn"]:
                found.append(params["text"])
            if event["method"] == "network.beforeRequestSent":
                url = params["request"]["url"]
                if not own_request(url):
                    found.append(f"asked for {url}")
        return found


def move(x, y):
    return {"type": "pointerMove", "x": x, "y": y}


def plain(value, seen):
    """A value of the protocol as JSON has it: what is no number, or not there, is `None`."""
    kind, content = value["type"], value.get("value")
    if kind == "number":
        return content if not isinstance(content, str) else -0.0 if content == "-0" else None
    if kind in ["undefined", "null"]:
        return None
    if kind in ["string", "boolean"]:
        return content
    assert kind in ["array", "object"], f"a script gave its test something that is no JSON: {value}"
    # What occurs twice has its content once.
    if content is None:
        return seen[value["internalId"]]
    if kind == "array":
        found = [plain(one, seen) for one in content]
    else:
        found = {key: plain(one, seen) for key, one in content if one["type"] != "undefined"}
    if "internalId" in value:
        seen[value["internalId"]] = found
    return found
