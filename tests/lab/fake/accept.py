# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy that replaces the Accept header of its client: a Prometheus 2.42, which has no setting for
the format, gets the one of `accept`.

    with AcceptProxy("text/plain;version=0.0.4") as proxy:
        ... proxy_url: proxy.url ...

`types` collects the Content-Types that came back.
"""
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASSED_ON = ("Accept-Encoding", "User-Agent", "X-Prometheus-Scrape-Timeout-Seconds")
PASSED_BACK = ("Content-Type", "Content-Encoding")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        headers = {name: self.headers[name] for name in PASSED_ON if self.headers[name]}
        request = urllib.request.Request(self.path, headers={**headers, "Accept": self.server.accept})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            body = answer.read()
            self.server.types.add(answer.headers["Content-Type"])
            self.send_response(answer.status)
            for name in PASSED_BACK:
                if answer.headers[name]:
                    self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class AcceptProxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, accept):
        super().__init__(("127.0.0.1", 0), Handler)
        self.accept, self.types = accept, set()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.shutdown()
        self.thread.join()
        self.server_close()
