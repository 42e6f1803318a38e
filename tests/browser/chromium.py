"""A headless Chromium, driven over its debugging pipe with nothing but Python's standard library."""

import base64
import os
import select
import subprocess
import time

import keys
from browser import CLOSED_PROXY, PATIENCE, Browser, element, own_request

# Tasks of 50 ms and more, by the browser's own account.
WATCH = """globalThis.longTasks?.disconnect(),
globalThis.longTasks = new PerformanceObserver((list) => longTasks.keep(list.getEntries())),
longTasks.since = performance.now(), longTasks.longest = 0,
longTasks.keep = (tasks) => tasks.filter(({startTime}) => startTime >= longTasks.since)
    .forEach(({duration}) => (longTasks.longest = Math.max(longTasks.longest, duration))),
longTasks.observe({type: 'longtask'})"""

# The browser reports a task when the next one begins.
LONGEST = """new Promise((done) => setTimeout(() => (longTasks.keep(longTasks.takeRecords()), done(longTasks.longest)), 50))"""


class Chromium(Browser):
    """Messages are JSON that ends with a zero byte: we write to the browser's descriptor 3, and read from 4."""

    name = "chromium"

    def _start(self):
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()

        def wire():
            # First out of the way, so that neither is overwritten by the other.
            high = [os.dup2(to_browser, 103), os.dup2(from_browser, 104)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        arguments = [
            "--headless=new",
            "--no-sandbox",
            "--remote-debugging-pipe",
            f"--user-data-dir={self._folder.name}",
            "--no-first-run",
            "--disable-gpu",
            # Whatever a page might ask for, no name has an address, and the only way out is closed.
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--proxy-server={}:{}".format(*CLOSED_PROXY),
            "--proxy-bypass-list=<-loopback>",
            "about:blank",
        ]
        self._process = subprocess.Popen(
            ["chromium", *arguments],
            preexec_fn=wire,
            pass_fds=(3, 4, to_browser, from_browser),
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b""
        self._preferences = {}
        session = self.send("Target.attachToTarget", targetId=self._tab(), flatten=True)["sessionId"]
        self._address = {"sessionId": session}
        for method, params in [("Page.enable", {}), *self._watching()]:
            self.send(method, **params)
        # A window without a screen has no focus otherwise.
        self.send("Emulation.setFocusEmulationEnabled", enabled=True)

    def _stop(self):
        os.close(self._in)
        os.close(self._out)

    def _tab(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for target in self.send("Target.getTargets")["targetInfos"]:
                if target["type"] == "page":
                    return target["targetId"]
            time.sleep(0.05)
        raise TimeoutError("chromium opened no tab")

    @staticmethod
    def _watching():
        """What makes the page and each of its workers report, and takes their network."""
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        return [
            ("Runtime.enable", {}),
            ("Log.enable", {}),
            ("Network.enable", {}),
            ("Network.emulateNetworkConditions", offline),
            ("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}),
        ]

    def _heard(self, event):
        # A worker waits until it is watched.
        if event["method"] == "Target.attachedToTarget" and event["params"]["waitingForDebugger"]:
            worker = event["params"]["sessionId"]
            for method, params in [*self._watching(), ("Runtime.runIfWaitingForDebugger", {})]:
                self.post(method, params, sessionId=worker)

    def _write(self, text):
        os.write(self._out, text.encode() + b"\0")

    def _receive(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            chunk = os.read(self._in, 1 << 20)
            if not chunk:
                raise RuntimeError(f"chromium ended with {self._process.wait()}")
            self._buffer += chunk
        message, self._buffer = self._buffer.split(b"\0", 1)
        return message

    def _go(self, url):
        self.send("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def size(self, width, height, scale=1):
        """Changes the window; a page at 200 % zoom has half the width, and a scale of 2."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **metrics)

    def run(self, script):
        """The value of a JavaScript expression, as JSON has it; a promise is awaited."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def colours(self, scheme):
        """`light` or `dark`."""
        self._prefer("prefers-color-scheme", scheme)

    def motion(self, wish):
        """`reduce` or `no-preference`."""
        self._prefer("prefers-reduced-motion", wish)

    def _prefer(self, name, value):
        self._preferences[name] = value
        features = [{"name": name, "value": value} for name, value in self._preferences.items()]
        self.send("Emulation.setEmulatedMedia", features=features)

    def point(self, x, y):
        """Moves the mouse to a place in the window."""
        self._mouse("mouseMoved", x, y)

    def click(self, x, y):
        """Presses and releases the mouse at a place in the window."""
        self.drag([(x, y)])

    def drag(self, places):
        """Presses the mouse at the first place, moves it to the others and releases it at the last."""
        self._mouse("mouseMoved", *places[0])
        self._mouse("mousePressed", *places[0], button="left", buttons=1, clickCount=1)
        for place in places[1:]:
            self._mouse("mouseMoved", *place, button="left", buttons=1)
        self._mouse("mouseReleased", *places[-1], button="left", clickCount=1)

    def wheel(self, x, y, down):
        """Turns the wheel at a place, and waits until nothing scrolls any more."""
        self._mouse("mouseWheel", x, y, deltaX=0, deltaY=down)
        self._until_scrolled()

    def _mouse(self, kind, x, y, **more):
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def swipe(self, x, y, up):
        """Moves a finger up from a place, and waits until nothing scrolls any more."""
        for kind, share in [("touchStart", 0), *(("touchMove", tenth / 10) for tenth in range(1, 11))]:
            self.send("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y - share * up}])
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self._until_scrolled()

    def press(self, key):
        """Presses and releases a key, such as `ArrowLeft`, `.` or `Control+z`."""
        modifiers, key = keys.read(key)
        event = {"key": key.name, "code": key.code, "windowsVirtualKeyCode": key.number}
        event["modifiers"] = sum(bit for bit, _ in modifiers)
        text = {"text": key.text} if key.text and not event["modifiers"] & ~8 else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", **event, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **event)

    def picture(self, path, whole=True):
        """Saves what is seen, or the whole page, as PNG."""
        self._save(path, self.send("Page.captureScreenshot", captureBeyondViewport=whole))

    def pdf(self, path):
        """Saves what is printed."""
        self._save(path, self.send("Page.printToPDF", printBackground=True))

    @staticmethod
    def _save(path, answer):
        with open(path, "wb") as file:
            file.write(base64.b64decode(answer["data"]))

    def download(self, folder, script):
        """The path of the file that the page gives its reader when the script runs."""
        # The behaviour is that of the whole browser.
        behaviour = {"behavior": "allow", "downloadPath": os.path.abspath(folder), "eventsEnabled": True}
        self.send("Browser.setDownloadBehavior", _address={}, **behaviour)
        self.events = [event for event in self.events if not event["method"].startswith("Browser.download")]
        self.run(script)
        ended = self.wait_for("Browser.downloadProgress", lambda params: params["state"] != "inProgress")
        assert ended["state"] == "completed", ended
        return ended["filePath"]

    def attach(self, selector, path):
        """Gives a file to the first such field of the page."""
        field = self.send("Runtime.evaluate", expression=element(selector))["result"]["objectId"]
        self.send("DOM.setFileInputFiles", files=[os.path.abspath(path)], objectId=field)

    def watch_blocking(self):
        """From now on, the time is measured in which the page answers nothing."""
        self.run(WATCH)

    def longest_block(self):
        """The longest such time in milliseconds; 0 if all are below 50."""
        return self.run(LONGEST)

    def complaints(self):
        """Errors and warnings of the console, exceptions, and everything that was asked for but the page itself."""
        # One answer more, so that nothing is still under way.
        self.run("0")
        found = []
        for event in self.events:
            params = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(str(params["exceptionDetails"]))
            if event["method"] == "Runtime.consoleAPICalled" and params["type"] in ["error", "warning", "assert"]:
                found.append(str(params["args"]))
            if event["method"] == "Log.entryAdded" and params["entry"]["level"] in ["error", "warning"]:
                found.append(params["entry"]["text"])
            if event["method"] == "Network.webSocketCreated":
                found.append(f"asked for {params['url']}")
            if event["method"] == "Network.requestWillBeSent":
                url = params["request"]["url"]
                document = params.get("type") == "Document" and url == self._page
                if not document and not own_request(url):
                    found.append(f"asked for {url}")
        return found
