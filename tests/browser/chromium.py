"""A headless Chromium, driven over its debugging pipe with nothing but Python's standard library."""

import base64
import json
import os
import select
import subprocess
import tempfile
import time

# Commands that take longer than this have hung.
PATIENCE = 60.0


class Chromium:
    """One tab. Messages are JSON that ends with a zero byte: we write to the browser's descriptor 3, and read from 4."""

    def __init__(self):
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        # Its helpers may still write for a moment when it has ended.
        self._folder = tempfile.TemporaryDirectory(prefix="qkv-chromium-", ignore_cleanup_errors=True)

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
            # Whatever a page might ask for, no name has an address.
            "--host-resolver-rules=MAP * ~NOTFOUND",
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
        self._n_sent = 0
        self._session = None
        self.events = []
        target = self._tab()
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.send(f"{domain}.enable")
        # A window without a screen has no focus otherwise.
        self.send("Emulation.setFocusEmulationEnabled", enabled=True)
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        self.send("Network.emulateNetworkConditions", **offline)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()

    def _tab(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for target in self.send("Target.getTargets")["targetInfos"]:
                if target["type"] == "page":
                    return target["targetId"]
            time.sleep(0.05)
        raise TimeoutError("chromium opened no tab")

    def send(self, method, **params):
        """Sends one command and returns its result; what happens meanwhile is kept in `events`."""
        self._n_sent += 1
        message = {"id": self._n_sent, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._receive(deadline - time.monotonic())
            if message is None:
                raise TimeoutError(f"{method} was not answered within {PATIENCE} s")
            if message.get("id") == self._n_sent:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

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
        return json.loads(message)

    def open(self, path, width=1280, height=900):
        """Opens a file and waits until it is loaded."""
        self.events.clear()
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **metrics)
        self.send("Page.navigate", url="file://" + os.path.abspath(path))
        deadline = time.monotonic() + PATIENCE
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            message = self._receive(deadline - time.monotonic())
            if message is None:
                raise TimeoutError(f"{path} was not loaded within {PATIENCE} s")
            self.events.append(message)

    def run(self, script):
        """The value of a JavaScript expression."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def choose(self, control, value):
        """Chooses the value of a control, by its id."""
        self.run(f"at('{control}').value = '{value}', at('{control}').dispatchEvent(new Event('change'))")

    def colours(self, scheme):
        """`light` or `dark`."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def point(self, x, y):
        """Moves the mouse to a place in the window."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key):
        """Presses and releases a key, such as `ArrowLeft`."""
        for kind in ["keyDown", "keyUp"]:
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def picture(self, path, whole=True):
        """Saves what is seen as PNG."""
        data = self.send("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def complaints(self):
        """Errors and warnings of the console, exceptions, and everything that was asked of the network."""
        # One answer more, so that nothing is still under way.
        self.run("0")
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                found.append(str(params["exceptionDetails"]))
            if event["method"] == "Runtime.consoleAPICalled" and params["type"] in ["error", "warning", "assert"]:
                found.append(str(params["args"]))
            if event["method"] == "Log.entryAdded" and params["entry"]["level"] in ["error", "warning"]:
                found.append(params["entry"]["text"])
            if event["method"] == "Network.requestWillBeSent":
                url = params["request"]["url"]
                if not url.startswith(("file://", "data:")) or params["type"] != "Document":
                    found.append(f"asked for {url}")
        return found
