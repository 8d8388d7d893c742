#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# An HTTPS server on a free loopback port, for those who fetch: prints its port, serves until its standard input ends.
#
#   https.py CERTIFICATE KEY
#
#   /ok: "hello"   /big: 1 MB   /moved: 302 to /ok   /missing: 404   /slow: an octet a second
import http.server
import ssl
import sys
import threading
import time


class handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            self.answer()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass

    def answer(self):
        status = {"/missing": 404, "/moved": 302}.get(self.path, 200)
        self.send_response(status)
        if self.path == "/moved":
            self.send_header("Location", "/ok")
        self.end_headers()
        if self.path == "/big":
            self.wfile.write(b"x" * 1_000_000)
        elif self.path == "/slow":
            for _ in range(60):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(1)
        else:
            self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


class quiet_server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):  # clients that trust nobody, and those that leave
        pass


server = quiet_server(("127.0.0.1", 0), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
