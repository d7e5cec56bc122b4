"""Answers a prompt badly: the last part of the path says how. Prints its port.

endpoint.py [CERTIFICATE KEY [AUTHORITY [hasty]]]: TLS with these; clients need a certificate of the authority;
hasty: a connection whose handshake fails ends at once.
"""
import json
import socket
import socketserver
import ssl
import struct
import sys
import threading

GOOD = b'{"output": "Paris."}'
ROLE = '{"choices": [{"delta": {"role": "assistant", "content": ""}}]}'
TOKEN = '{"choices": [{"delta": {"content": "Paris."}}]}'


def head(status="200 OK", kind="application/json", *more, length=None):
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *more]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Stub(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline().decode()
        length, key = 0, ""
        while (header := self.rfile.readline().strip()):
            name, _, value = header.decode().partition(": ")
            length = int(value) if name.lower() == "content-length" else length
            key = value if name.lower() == "authorization" else key
        self.rfile.read(length)
        how = line.split()[1].rsplit("/", 1)[-1]
        try:
            getattr(self, how.replace("-", "_"), self.good)(key)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def good(self, key):
        self.wfile.write(head("200 OK", "application/json", "Connection: close", length=len(GOOD)) + GOOD)

    def echo_key(self, key):
        body = json.dumps({"output": f"you sent {key}"}).encode()
        self.wfile.write(head(length=len(body)) + body)

    def slow_loris(self, key):
        self.wfile.write(head(length=len(GOOD)))
        for byte in GOOD:
            self.wfile.write(bytes([byte]))
            threading.Event().wait(0.3)

    def huge(self, key):
        self.wfile.write(head(length=100_000_000))
        for _ in range(100):
            self.wfile.write(b"x" * 1_000_000)

    def refuse(self, key):
        self.wfile.write(head("503 Busy", "text/plain", length=4) + b"busy")

    def silent(self, key):
        self.rfile.read()

    def empty(self, key):
        self.wfile.write(head(length=0))

    def other(self, key):
        body = b'{"output": "London."}'
        self.wfile.write(head(length=len(body)) + body)

    def events(self, *data, end=True):
        self.wfile.write(head("200 OK", "text/event-stream", "Transfer-Encoding: chunked"))
        for text in data:
            event = f"data: {text}\n\n".encode()
            self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        if end:
            self.wfile.write(b"0\r\n\r\n")

    def stream(self, key):
        self.events(ROLE, TOKEN, "[DONE]")

    def killed_stream(self, key):
        self.events(ROLE, TOKEN, end=False)

    def no_end_stream(self, key):
        self.events(ROLE, TOKEN)

    def role_only_stream(self, key):
        self.events(ROLE, "[DONE]")

    def no_choices_stream(self, key):
        self.events('{"object": "chat.completion.chunk"}', "[DONE]")

    def not_utf8(self, key):
        body = b'{"output": "Par\xff\xfeis"}'
        self.wfile.write(head(length=len(body)) + body)

    def chunk_garbage(self, key):
        self.wfile.write(head("200 OK", "application/json", "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n")

    def loop(self, key):
        self.wfile.write(head("302 Found", "text/plain", "Location: /loop", length=0))

    def nothing(self, key):
        pass

    def last(self, key):
        self.server.socket.shutdown(socket.SHUT_RDWR)  # close() alone waits for who polls it
        self.server.socket.close()
        self.good(key)
        threading.Thread(target=self.server.shutdown).start()

    def garbage(self, key):
        self.wfile.write(b"\x00\x01\x02 this is no HTTP\r\n\r\n")

    def reset(self, key):
        self.wfile.write(head(length=1000) + b'{"out')
        self.connection.setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    context = None

    def finish_request(self, request, address):
        """The handshake belongs to the connection's thread: one that fails holds up nobody, and is told
        before the connection ends, but for hasty."""
        if self.context:
            spare = request.dup()
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except ssl.SSLError:
                if "hasty" in sys.argv:
                    spare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    spare.shutdown(socket.SHUT_WR)
                    while spare.recv(4096):
                        pass
                raise
        super().finish_request(request, address)

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Stub)
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    if len(sys.argv) > 3:
        context.load_verify_locations(sys.argv[3])
        context.verify_mode = ssl.CERT_REQUIRED
    server.context = context
print(server.server_address[1], flush=True)
server.serve_forever()
