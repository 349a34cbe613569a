"""A proxy in front of an S3 server that applies requests and then loses or spoils the answers.

    with Proxy(("127.0.0.1", 17070), chance=0.2, seed=1) as proxy:
        ... http://127.0.0.1:{proxy.port} ...; proxy.spoilt

Bytes pass unchanged, so signatures hold. Every spoilt request was applied in full before: what is
tested is what a client makes of an outcome that it does not know.

proxy.refuse, a function of method and target, answers instead of the server where it returns a
status and an error code, and more header lines if it likes: (403, "ExpiredToken", "Date: ..").
proxy.requests counts what was asked, by method; proxy.bytes_sent what was answered.
"""

import collections
import random
import socket
import struct
import threading

HOWS = ("drop", "reset", "half", "500", "503", "504")


class Proxy:
    def __init__(self, upstream, chance=0.0, seed=0, methods=("PUT", "POST", "DELETE", "GET",
                                                              "HEAD")):
        self.upstream, self.chance, self.methods = upstream, chance, methods
        self.random = random.Random(seed)
        self.refuse = lambda method, target: None
        self.refused = 0
        self.requests, self.bytes_sent = collections.Counter(), 0
        self.spoilt, self.passed, self.lock = 0, 0, threading.Lock()
        self.stopping = False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.listener.close()

    def accept(self):
        while not self.stopping:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        upstream = None
        try:
            upstream = socket.create_connection(self.upstream, 30)
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client_in, upstream_in = client.makefile("rb"), upstream.makefile("rb")
            while self.one_request(client, client_in, upstream, upstream_in):
                pass
        except OSError:
            pass
        finally:
            client.close()
            if upstream is not None:
                upstream.close()

    def one_request(self, client, client_in, upstream, upstream_in):
        head = read_head(client_in)
        if not head:
            return False
        method, target = head.split(b" ", 2)[:2]
        method = method.decode()
        refusal = self.refuse(method, target.decode())
        if refusal:
            return self.say_no(client, client_in, method, head, *refusal)
        upstream.sendall(head)
        size = int(header(head, b"content-length") or 0)
        while size > 0:
            block = client_in.read(min(size, 1 << 16))
            if not block:
                return False
            upstream.sendall(block)
            size -= len(block)
        answer_head = read_head(upstream_in)
        if not answer_head:
            return False
        body = read_body(method, answer_head, upstream_in)
        return self.answer(client, method, answer_head, body)

    def say_no(self, client, client_in, method, head, status, code, more=""):
        client_in.read(int(header(head, b"content-length") or 0))
        with self.lock:
            self.refused += 1
        body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode()
        client.sendall(f"HTTP/1.1 {status} Refused\r\nContent-Length: {len(body)}\r\n"
                       f"Content-Type: application/xml\r\n{more}\r\n".encode()
                       + (b"" if method == "HEAD" else body))
        return True

    def answer(self, client, method, head, body):
        with self.lock:
            how = None
            if method in self.methods and self.random.random() < self.chance:
                how = self.random.choice(HOWS)
                self.spoilt += 1
            else:
                self.passed += 1
            self.requests[method] += 1
            self.bytes_sent += len(head) + len(body)
        if how is None:
            client.sendall(head + body)
            return header(head, b"connection") != b"close"
        if how == "half":
            client.sendall(head[:len(head) // 2] if len(body) < 2 else head + body[:len(body) // 2])
        elif how == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how.isdigit():
            client.sendall(f"HTTP/1.1 {how} Spoilt\r\nContent-Length: 0\r\n"
                           "Connection: close\r\n\r\n".encode())
        return False


def read_head(stream):
    lines = []
    while True:
        line = stream.readline(65536)
        if not line:
            return b""
        lines.append(line)
        if line in (b"\r\n", b"\n"):
            return b"".join(lines)


def header(head, name):
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip().lower()
    return None


def read_body(method, head, stream):
    status = int(head.split(b" ", 2)[1])
    if method == "HEAD" or status in (204, 304):
        return b""
    if header(head, b"transfer-encoding") == b"chunked":
        parts = []
        while True:
            line = stream.readline()
            parts.append(line)
            size = int(line.split(b";")[0], 16)
            parts.append(stream.read(size + 2))
            if size == 0:
                return b"".join(parts)
    return stream.read(int(header(head, b"content-length") or 0))
