"""A TLS client that does what Python's ssl does not: key updates, by libssl itself."""

import ctypes
import ctypes.util
import socket

libssl = ctypes.CDLL(ctypes.util.find_library("ssl"))
REQUESTED = 1

for name, result, *arguments in [
    ("TLS_client_method", ctypes.c_void_p),
    ("SSL_CTX_new", ctypes.c_void_p, ctypes.c_void_p),
    ("SSL_CTX_free", None, ctypes.c_void_p),
    ("SSL_new", ctypes.c_void_p, ctypes.c_void_p),
    ("SSL_free", None, ctypes.c_void_p),
    ("SSL_set_fd", ctypes.c_int, ctypes.c_void_p, ctypes.c_int),
    ("SSL_connect", ctypes.c_int, ctypes.c_void_p),
    ("SSL_key_update", ctypes.c_int, ctypes.c_void_p, ctypes.c_int),
    ("SSL_do_handshake", ctypes.c_int, ctypes.c_void_p),
    ("SSL_write", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int),
    ("SSL_read", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int),
]:
    function = getattr(libssl, name)
    function.restype, function.argtypes = result, arguments


class UpdatingClient:
    """One connection by TLS 1.3; the server's certificate is not looked at."""

    def __init__(self, server, timeout=10):
        self.socket = socket.create_connection((server.host, server.port))
        seconds = timeout.to_bytes(8, "little") + bytes(8)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, seconds)
        self.context = libssl.SSL_CTX_new(libssl.TLS_client_method())
        self.session = libssl.SSL_new(self.context)
        libssl.SSL_set_fd(self.session, self.socket.fileno())
        assert libssl.SSL_connect(self.session) == 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        libssl.SSL_free(self.session)
        libssl.SSL_CTX_free(self.context)
        self.socket.close()

    def update_keys(self):
        """Sends new keys and asks for the server's; False where the connection is over."""
        return libssl.SSL_key_update(self.session, REQUESTED) == 1 and libssl.SSL_do_handshake(self.session) == 1

    def ask(self, request):
        """The first bytes of the reply; none where the connection is over."""
        libssl.SSL_write(self.session, request, len(request))
        reply = ctypes.create_string_buffer(4096)
        count = libssl.SSL_read(self.session, reply, len(reply))
        return reply.raw[: max(0, count)]
