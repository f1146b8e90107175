# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium for tests: opens pages and reads what they show, by the DevTools protocol over a pipe."""
import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from lab.wait import LabError

PATIENCE = 60


class Browser(contextlib.AbstractContextManager):
    """One page. `complaints` is what came to its console, and what it was not allowed to do."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="containerd_exporter-chromium-")
        to_browser, self.write = os.pipe()
        self.read, from_browser = os.pipe()

        def fds():
            high = [os.dup(to_browser), os.dup(from_browser)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--remote-debugging-pipe", f"--user-data-dir={self.folder}", "--no-first-run", "about:blank"],
            preexec_fn=fds, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.rest, self.number, self.session = b"", 0, None
        self.complaints, self.loaded = [], 0
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Network.setCacheDisabled", cacheDisabled=True)
        self.requests = []

    def receive(self, until):
        while b"\0" not in self.rest:
            if not select.select([self.read], [], [], max(0, until - time.monotonic()))[0]:
                raise LabError("Chromium does not answer")
            piece = os.read(self.read, 1 << 16)
            if not piece:
                raise LabError("Chromium has ended")
            self.rest += piece
        message, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(message)
        method, params = message.get("method"), message.get("params", {})
        if method == "Page.loadEventFired":
            self.loaded += 1
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.complaints.append(params)
        return message

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            answer = self.receive(until)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise LabError(f"{method}: {answer['error']}")
                return answer.get("result", {})

    def look(self, width=1280, height=900, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        self.complaints.clear()
        self.requests = []
        loaded, until = self.loaded, time.monotonic() + PATIENCE
        self.call("Page.navigate", url=url)
        while self.loaded == loaded:
            self.receive(until)

    def ask(self, expression):
        """The value of a JavaScript expression in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise LabError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def picture(self, path=None):
        """The whole page as PNG."""
        data = base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True,
                                          clip={**self.size(), "x": 0, "y": 0, "scale": 1})["data"])
        if path:
            with open(path, "wb") as file:
                file.write(data)
        return data

    def size(self):
        return self.ask("({width: innerWidth, height: document.documentElement.scrollHeight})")

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()
        os.close(self.write)
        os.close(self.read)
        shutil.rmtree(self.folder, ignore_errors=True)
