"""Requests whose end a proxy and the server behind it might see in different places.

Each hides a publish to a canary topic in what a right reading takes for a body, or for no request at all. So the canary
topic comes to be only where somebody read it wrong.
"""

from client import request

OUTER = "/v1/topics/outer/messages"
# 400 and the like: refused, and the connection is closed.
BAD, UNKNOWN = 400, 501


def hidden(canary):
    """The publish that must not be served."""
    return request("POST", f"/v1/topics/{canary}/messages", body=b"sings")


def head(*fields, method="POST", target=OUTER, version="HTTP/1.1", host="postern.test"):
    """A head of exactly these fields."""
    lines = [f"{method} {target} {version}", *([f"Host: {host}"] if host else []), *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def chunk(data, size=None, after=b"\r\n", line=b"\r\n"):
    return (size or b"%x" % len(data)) + line + data + after


LAST = b"0\r\n\r\n"


def attempts(canary):
    """By name: the bytes, and what the server says to them directly."""
    inner = hidden(canary)
    length = len(inner)
    # A body that ends at once for those who read chunks, and is all of it for those who read a length.
    ends_early = LAST + inner
    # A body that is all of it for those who read chunks, and ends before the hidden request for those of a length.
    ends_late = chunk(inner) + LAST
    first_line = len(ends_late.split(b"\r\n")[0]) + 2
    te, cl = "Transfer-Encoding: chunked", f"Content-Length: {length}"
    made = {}

    def add(name, status, *parts):
        assert name not in made
        made[name] = (b"".join(parts), status)

    # Both lengths
    add("CL.TE", BAD, head(f"Content-Length: {len(ends_early)}", te), ends_early)
    add("TE.CL", BAD, head(te, f"Content-Length: {first_line}"), ends_late)
    for way, end, size in (("CL.TE", ends_early, len(ends_early)), ("TE.CL", ends_late, first_line)):
        for name, field in {
            "in two fields": f"{te}\r\n{te}",
            "and identity in two fields": f"{te}\r\nTransfer-Encoding: identity",
            "and an unknown one": f"{te}\r\nTransfer-Encoding: x",
        }.items():
            add(f"{way}, TE {name}", BAD, head(f"Content-Length: {size}", field), end)
    # Chunked in odd spellings, where a length says the right thing
    for name, field, status in [
        ("x before", "Transfer-Encoding: xchunked", UNKNOWN),
        ("x behind", "Transfer-Encoding: chunkedx", UNKNOWN),
        ("quotes", 'Transfer-Encoding: "chunked"', UNKNOWN),
        ("single quotes", "Transfer-Encoding: 'chunked'", UNKNOWN),
        ("identity", "Transfer-Encoding: identity", UNKNOWN),
        ("list with identity", "Transfer-Encoding: chunked, identity", UNKNOWN),
        ("identity, list", "Transfer-Encoding: identity, chunked", UNKNOWN),
        ("chunked twice", "Transfer-Encoding: chunked, chunked", UNKNOWN),
        ("gzip first", "Transfer-Encoding: gzip, chunked", UNKNOWN),
        ("comma before", "Transfer-Encoding: , chunked", UNKNOWN),
        ("comma behind", "Transfer-Encoding: chunked,", UNKNOWN),
        ("parameter", "Transfer-Encoding: chunked;a=b", UNKNOWN),
        ("empty", "Transfer-Encoding:", UNKNOWN),
        ("vertical tab", "Transfer-Encoding:\x0bchunked", BAD),
        ("form feed", "Transfer-Encoding: chunked\x0c", BAD),
        ("null behind", "Transfer-Encoding: chunked\x00", BAD),
        ("null within", "Transfer-Encoding: chu\x00nked", BAD),
        ("high byte", "Transfer-Encoding: chunked\xa0", UNKNOWN),
        ("blank before colon", "Transfer-Encoding : chunked", BAD),
        ("tab before colon", "Transfer-Encoding\t: chunked", BAD),
        ("blank before name", " Transfer-Encoding: chunked", BAD),
        ("folded", "Transfer-Encoding:\r\n chunked", UNKNOWN),
        ("folded behind another", "X: y\r\n\tTransfer-Encoding: chunked", BAD),
        ("CR before", "X: y\rTransfer-Encoding: chunked", BAD),
        ("LF before", "X: y\nTransfer-Encoding: chunked", BAD),
        ("CR LF CR before", "X: y\r\n\rTransfer-Encoding: chunked", BAD),
        ("null in name", "Transfer\x00-Encoding: chunked", BAD),
        ("colon first", ":Transfer-Encoding: chunked", BAD),
        # A name like another, of which the right reading knows nothing: the length holds.
        ("underscore", "Transfer_Encoding: chunked", 201),
        ("X- before name", "X-Transfer-Encoding: chunked", 201),
        ("dot in name", "Transfer.Encoding: chunked", 201),
    ]:
        whole = ends_early
        add(f"TE with {name}", status, head(f"Content-Length: {len(whole)}", field), whole)
    for name, field in [
        ("capitals", "TRANSFER-ENCODING: CHUNKED"),
        ("tab", "Transfer-Encoding:\tchunked \t"),
        ("no blank", "Transfer-Encoding:chunked"),
    ]:
        add(f"TE in {name}, alone", 201, head(field), ends_late)

    # Content-Length
    for name, fields, status in [
        ("twice, the same", [cl, cl], BAD),
        ("twice, 0 first", ["Content-Length: 0", cl], BAD),
        ("twice, 0 last", [cl, "Content-Length: 0"], BAD),
        ("list of the same", [f"Content-Length: {length}, {length}"], BAD),
        ("list with 0", [f"Content-Length: {length}, 0"], BAD),
        ("plus", [f"Content-Length: +{length}"], BAD),
        ("minus", [f"Content-Length: -{length}"], BAD),
        ("leading zeros", [f"Content-Length: 000{length}"], 201),
        ("blanks around", [f"Content-Length:  \t{length}\t "], 201),
        ("blank within", [f"Content-Length: {length} 0"], BAD),
        ("blank before colon", [f"Content-Length : {length}"], BAD),
        ("tab before name", [cl, "X: y", "\tContent-Length: 0"], BAD),
        ("hexadecimal", [f"Content-Length: 0x{length:x}"], BAD),
        ("underscore in number", [f"Content-Length: {length // 10}_{length % 10}"], BAD),
        ("exponent", [f"Content-Length: {length}e0"], BAD),
        ("fraction", [f"Content-Length: {length}.0"], BAD),
        ("vertical tab", [f"Content-Length:\x0b{length}"], BAD),
        ("null", [f"Content-Length: {length}\x00"], BAD),
        ("quotes", [f'Content-Length: "{length}"'], BAD),
        ("empty", ["Content-Length:"], BAD),
        ("2 to the 64 more", [f"Content-Length: {(1 << 64) + length}"], 413),
        ("folded", [f"Content-Length:\r\n {length}"], BAD),
        ("bare LF behind", [f"X: y\nContent-Length: {length}"], BAD),
        ("bare CR behind", [f"X: y\rContent-Length: 0\r\n{cl}"], BAD),
        ("underscore in name", [cl, "Content_Length: 0"], 201),
        ("blank in name", [cl, "Content Length: 0"], BAD),
        ("named in Connection", [cl, "Connection: Content-Length"], 201),
        ("named in Connection, keep-alive", [cl, "Connection: keep-alive, Content-Length"], 201),
    ]:
        add(f"CL {name}", status, head(*fields), inner)
    add("TE named in Connection", 201, head(te, "Connection: Transfer-Encoding"), ends_late)

    # Chunks
    for name, body, status in [
        ("0x before", chunk(inner, b"0x%x" % length) + LAST, BAD),
        ("plus", chunk(inner, b"+%x" % length) + LAST, BAD),
        ("minus", chunk(inner, b"-1") + LAST, BAD),
        ("blank before", chunk(inner, b" %x" % length) + LAST, BAD),
        ("blank behind", chunk(inner, b"%x " % length) + LAST, BAD),
        ("leading zeros", chunk(inner, b"000%x" % length) + LAST, 201),
        ("twenty zeros", chunk(inner, b"0" * 20 + b"%x" % length) + LAST, 413),
        ("2 to the 64 more", chunk(inner, b"%x" % ((1 << 64) + length)) + LAST, 413),
        ("underscore", chunk(inner, b"0_%x" % length) + LAST, BAD),
        ("empty", chunk(inner, b"").replace(b"%x" % length, b"", 1) + LAST, BAD),
        ("LF behind", chunk(inner, line=b"\n") + LAST, BAD),
        ("CR behind", chunk(inner, line=b"\r") + LAST, BAD),
        ("CR CR LF behind", chunk(inner, line=b"\r\r\n") + LAST, BAD),
        ("null behind", chunk(inner, b"%x\x00" % length) + LAST, BAD),
        ("LF in extension", chunk(inner, b"%x;a\nb" % length) + LAST, BAD),
        ("CR in extension", chunk(inner, b"%x;a\rb" % length) + LAST, BAD),
        ("extension", chunk(inner, b"%x;a=b" % length) + LAST, 201),
        ("quoted extension", chunk(inner, b'%x;a="b;c"' % length) + LAST, 201),
        ("data without its end", chunk(inner, after=b"") + LAST, BAD),
        ("data with LF behind", chunk(inner, after=b"\n") + LAST, BAD),
        ("data with two bytes more", chunk(inner, after=b"xx\r\n") + LAST, BAD),
        ("data with two other bytes behind", chunk(inner, after=b"xx") + LAST, BAD),
        ("last with LF", chunk(inner) + b"0\n\n", BAD),
        ("last with CR", chunk(inner) + b"0\r\n\r\r\n", BAD),
        ("trailer that frames", chunk(inner) + b"0\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", 201),
        ("trailer folded", chunk(inner) + b"0\r\nX: y\r\n Z: w\r\n\r\n", BAD),
        ("trailer with LF", chunk(inner) + b"0\r\nX: y\nZ: w\r\n\r\n", BAD),
    ]:
        add(f"chunk: {name}", status, head(te), body)

    # Lines
    add("bare LF everywhere", BAD, head(cl).replace(b"\r\n", b"\n"), inner)
    add("bare CR everywhere", BAD, head(cl).replace(b"\r\n", b"\r"), inner)
    add("null in a value", BAD, head("X: a\x00b", cl), inner)
    add("null in the target", BAD, head(cl, target=OUTER + "\x00"), inner)
    add("no colon", BAD, head("X", cl), inner)
    add("a name with a parenthesis", BAD, head("X(: y", cl), inner)
    add("blank before the first field", BAD, head(cl, host=None).replace(b"\r\nCon", b"\r\n Host: a\r\nCon", 1), inner)
    add("blank in the target", BAD, head(cl, target=OUTER + " x"), inner)
    add("tab in the request line", BAD, head(cl).replace(b" HTTP", b"\tHTTP", 1), inner)
    add("two versions", BAD, head(cl, version="HTTP/1.1 HTTP/1.1"), inner)

    # Versions
    add("HTTP/1.0 with TE", BAD, head(te, version="HTTP/1.0"), ends_late)
    add("HTTP/1.0 with both", BAD, head(te, f"Content-Length: {len(ends_early)}", version="HTTP/1.0"), ends_early)
    add("HTTP/1.0 kept alive", 201, head(cl, "Connection: keep-alive", version="HTTP/1.0"), inner)
    add("HTTP/1.2", 201, head(cl, version="HTTP/1.2"), inner)
    add("HTTP/2.0", 505, head(cl, version="HTTP/2.0"), inner)
    add("HTTP/1.01", BAD, head(cl, version="HTTP/1.01"), inner)
    add("http/1.1 in small letters", BAD, head(cl, version="http/1.1"), inner)

    # Hosts and targets
    add("another host in the target", 201, head(cl, target=f"http://other.test{OUTER}"), inner)
    add("user information in the target", BAD, head(cl, target=f"http://a@other.test{OUTER}"), inner)
    add("two hosts", BAD, head("Host: other.test", cl), inner)
    add("no host", BAD, head(cl, host=None), inner)
    add("blank in the host", BAD, head(cl, host="a b"), inner)

    # Bodies where none is expected: whoever answers before the body takes it for the next request.
    for name, method, target, status in [
        ("GET", "GET", "/livez", 200),
        ("HEAD", "HEAD", "/livez", 200),
        ("DELETE", "DELETE", "/v1/topics/outer-never", 404),
        ("a path that is not there", "POST", "/nothing", 404),
        ("a method that is not there", "POST", "/livez", 405),
        ("an unknown method", "BREW", "/livez", None),
        ("a topic that may not be", "POST", "/v1/topics/a..b/messages", 400),
    ]:
        add(f"body: {name}", status, head(cl, method=method, target=target), inner)
    add("chunked body of a GET", 200, head(te, method="GET", target="/livez"), ends_late)
    add("body of a stream", 200, head(cl, "Accept: text/event-stream", method="GET", target=OUTER), inner)
    add("expected and sent", 201, head(cl, "Expect: 100-continue"), inner)
    add("expected by a GET", 200, head(cl, "Expect: 100-continue", method="GET", target="/livez"), inner)
    add("another expectation", 417, head(cl, "Expect: 100-continue, x"), inner)
    add(
        "upgrade to h2c",
        201,
        head(cl, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
        inner,
    )
    add(
        "upgrade to websocket",
        201,
        head(cl, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
        inner,
    )
    add("a mebibyte announced", 413, head(f"Content-Length: {2 << 20}"), inner)
    return made


NAMES = list(attempts("x"))
