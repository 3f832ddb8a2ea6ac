"""The binary as a client of a server, and servers that are not well."""

import socket
import subprocess
import threading

from client import BINARY, environment


class Client:
    """The binary as a client of one server."""

    def __init__(self, url, **variables):
        self.environment = environment(POSTERN_URL=url, **variables)

    def __call__(self, *arguments, stdin="", timeout=30):
        data = stdin if isinstance(stdin, bytes) else stdin.encode()
        done = subprocess.run(
            [BINARY, *map(str, arguments)], input=data, capture_output=True, timeout=timeout, env=self.environment
        )
        done.out, done.err = done.stdout.decode(errors="replace"), done.stderr.decode()
        return done

    def start(self, *arguments, **options):
        return subprocess.Popen(
            [BINARY, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
            **options,
        )


def is_one_line(text):
    return text.startswith("postern: ") and text.count("\n") == 1


class Severed:
    """A way to a server that loses the first reply: the request arrives, and the connection ends."""

    def __init__(self, server):
        self.server, self.severed = server, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, socket.create_connection((self.server.host, self.server.port)) as upstream:
                upstream.sendall(client.recv(65536))
                reply = upstream.recv(65536)
                if self.severed:
                    client.sendall(reply)
                else:
                    self.severed += 1


class Answering:
    """A server that answers everything the same, and closes."""

    def __init__(self, reply):
        self.reply = reply
        self.listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def __exit__(self, *_):
        self.listener.close()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                client.recv(65536)
                client.sendall(self.reply)
