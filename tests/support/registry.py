"""A registry that wants a token and keeps its blobs elsewhere. Prints its port and that of the other place.

registry.py LOG: every request's server, path and credentials go to LOG, a line each. The repository says what it
does: `token` asks for one, `clear` asks for it where it would go unencrypted, `away` redirects blobs to the other
place, `far` to where nobody should follow, `loop` for ever."""
import base64
import hashlib
import http.server
import json
import sys
import threading
import urllib.parse

CONFIG = b'{"os": "linux"}'
ENVELOPE = b'{"payloadType": "no", "payload": "", "signatures": []}'


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def manifest(media, data):
    return json.dumps({"schemaVersion": 2, "config": {"digest": digest(CONFIG), "size": len(CONFIG)},
                       "layers": [{"mediaType": media, "digest": digest(data), "size": len(data)}]}).encode()


IMAGE = manifest("application/vnd.oci.image.layer.v1.tar", b"")
ATTACHED = manifest("application/vnd.dsse.envelope.v1+json", ENVELOPE)


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        given = self.headers.get("Authorization", "")
        with open(sys.argv[1], "a", encoding="utf-8") as log:
            log.write(f"{self.server.name} {self.path} {given}\n")
        url = urllib.parse.urlsplit(self.path)
        if self.server.name == "other":
            return self.answer(200, ENVELOPE)
        if url.path == "/token":
            return self.token(given, urllib.parse.parse_qs(url.query))
        repo, what, name = url.path.removeprefix("/v2/team/").split("/")
        port = self.server.server_address[1]
        if repo in ("token", "clear") and given != f"Bearer for-repository:team/{repo}:pull":
            host = f"127.0.0.1:{port}" if repo == "token" else "registry.example"
            return self.answer(401, WWW_Authenticate=f'Bearer realm="http://{host}/token",service="here",'
                               f'scope="repository:team/{repo}:pull"')
        if what == "blobs":
            places = {"away": f"http://127.0.0.1:{other.server_address[1]}/blob", "far": "http://127.0.0.1.example/blob",
                      "loop": self.path}
            return self.answer(307, Location=places[repo])
        return self.answer(200, ATTACHED if name.endswith(".att") else IMAGE)

    def token(self, given, query):
        if given != "Basic " + base64.b64encode(b"ada:secret").decode() or query["service"] != ["here"]:
            return self.answer(401)
        return self.answer(200, json.dumps({"token": "for-" + query["scope"][0]}).encode())

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


def serve(name):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.name = name
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


other = serve("other")
registry = serve("registry")
print(registry.server_address[1], other.server_address[1], flush=True)
threading.Event().wait()
