"""Who may do what: tokens of a file, signed tokens, and what each allows."""

import base64
import hashlib
import hmac
import json
import signal
import subprocess
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from client import BINARY, environment, eventually, request


def new_token(name, *arguments):
    """A token and its line, as the command makes them."""
    done = subprocess.run(
        [BINARY, "token", "new", "--name", name, *arguments], capture_output=True, text=True, timeout=20, check=True)
    token, line = done.stdout.splitlines()
    return token, line


GRANTS = {
    "writer": ["--publish", "orders.**"],
    "reader": ["--subscribe", "orders.*,news"],
    "both": ["--publish", "chat", "--subscribe", "chat"],
    "operator": ["--admin", "--publish", "**", "--subscribe", "**"],
    "brief": ["--subscribe", "**", "--expires", "3s"],
}


@pytest.fixture(scope="module")
def tokens():
    return {name: new_token(name, *arguments) for name, arguments in GRANTS.items() if name != "brief"}


@pytest.fixture(scope="module")
def token_file(tokens, tmp_path_factory):
    path = tmp_path_factory.mktemp("tokens") / "tokens"
    path.write_text("# those who may\n\n" + "\n".join(line for _, line in tokens.values()) + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def guarded(serve, token_file, tokens):
    server = serve("--tokens", str(token_file), "--loops", "2")
    server.credentials = {"headers": {"Authorization": f"Bearer {tokens['operator'][0]}"}}
    return server


def ask(server, method, path, token=None, *headers, body=b""):
    shown = [f"Authorization: Bearer {token}"] if token else []
    with server.connect() as connection:
        return connection.send(request(method, path, *shown, *headers, body=body)).reply(to=method)


def code(reply):
    return json.loads(reply.body)["code"]


class TestWithoutAToken:
    @pytest.mark.parametrize(
        "method,path",
        [
            ("GET", "/v1/topics"), ("GET", "/v1/topics/t"), ("PUT", "/v1/topics/t"), ("DELETE", "/v1/topics/t"),
            ("GET", "/v1/topics/t/messages"), ("POST", "/v1/topics/t/messages"), ("POST", "/v1/messages"),
            ("GET", "/metrics"), ("GET", "/v1/stats"), ("GET", "/"),
        ],
    )
    def test_all_but_probes_wants_one(self, guarded, method, path):
        reply = ask(guarded, method, path, body=b"x" if method in ("POST", "PUT") else b"")
        assert reply.status == 401 and code(reply) == "unauthorized"
        assert reply.headers["www-authenticate"] == 'Bearer realm="postern"'

    @pytest.mark.parametrize("path", ["/livez", "/readyz", "/openapi.yaml"])
    def test_probes_do_not(self, guarded, path):
        assert ask(guarded, "GET", path).status == 200

    def test_what_is_not_there_is_not_there(self, guarded):
        assert ask(guarded, "GET", "/nothing").status == 404

    def test_a_body_is_not_waited_for(self, guarded):
        with guarded.connect() as connection:
            connection.send("POST /v1/topics/t/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
            assert connection.reply().status == 401
            assert connection.is_closed_by_server()

    @pytest.mark.parametrize(
        "value", ["Basic YTpi", "Bearer", "Bearer ", "bearer a b", "Bearer é", "Bearer x,y", "Digest a=b", "Bearerx"])
    def test_other_forms_are_refused(self, guarded, value):
        with guarded.connect() as connection:
            reply = connection.get("/v1/topics", f"Authorization: {value}").reply()
            assert reply.status == 401 and reply.headers["www-authenticate"].startswith("Bearer")

    def test_two_are_refused(self, guarded, tokens):
        with guarded.connect() as connection:
            shown = f"Authorization: Bearer {tokens['operator'][0]}"
            reply = connection.get("/v1/topics", shown, shown).reply()
            assert reply.status == 400 and code(reply) == "invalid_request"


class TestStaticTokens:
    def test_a_writer_writes_and_reads_nothing(self, guarded, tokens):
        token = tokens["writer"][0]
        assert ask(guarded, "POST", "/v1/topics/orders.eu.created/messages", token, body=b"x").status == 201
        for method, path in [
            ("POST", "/v1/topics/news/messages"), ("GET", "/v1/topics/orders.eu.created/messages"),
            ("POST", "/v1/topics/orders/messages"), ("PUT", "/v1/topics/orders.a"), ("DELETE", "/v1/topics/orders.a"),
            ("GET", "/metrics"), ("GET", "/v1/stats"), ("GET", "/"),
        ]:
            reply = ask(guarded, method, path, token, body=b"x" if method == "POST" else b"")
            assert reply.status == 403 and code(reply) == "forbidden", path

    @pytest.mark.parametrize("selection", ["orders.a", "orders.*", "news", "orders.a,news", "orders.*,news"])
    def test_a_reader_reads_what_is_covered(self, guarded, tokens, selection):
        assert ask(guarded, "GET", f"/v1/topics/{selection}/messages", tokens["reader"][0]).status == 200

    @pytest.mark.parametrize("selection", ["**", "*", "orders.**", "orders.a.b", "news.*", "other", "orders.a,other", "*.a"])
    def test_and_no_more(self, guarded, tokens, selection):
        reply = ask(guarded, "GET", f"/v1/topics/{selection}/messages", tokens["reader"][0])
        assert reply.status == 403 and code(reply) == "forbidden"

    def test_a_batch_is_stored_whole_or_not_at_all(self, guarded, tokens):
        body = json.dumps({"messages": [{"topic": "orders.x", "data": 1}, {"topic": "secret", "data": 2}]}).encode()
        reply = ask(guarded, "POST", "/v1/messages", tokens["writer"][0], "Content-Type: application/json", body=body)
        assert reply.status == 403 and json.loads(reply.body)["path"] == "messages[1].topic"
        assert b'"messages":[]' in ask(guarded, "GET", "/v1/topics/orders.x,secret/messages", tokens["operator"][0]).body

    def test_nothing_tells_whether_a_topic_is_there(self, guarded, tokens):
        operator, reader = tokens["operator"][0], tokens["reader"][0]
        assert ask(guarded, "POST", "/v1/topics/hidden/messages", operator, body=b"x").status == 201
        for path in ("/v1/topics/{}", "/v1/topics/{}/messages"):
            there, not_there = (ask(guarded, "GET", path.format(name), reader) for name in ("hidden", "missing"))
            assert there.status == not_there.status == 403
            assert there.body == not_there.body

    def test_lists_show_what_may_be_seen(self, guarded, tokens):
        operator = tokens["operator"][0]
        for name in ["a", "news", "orders.1", "orders.2", "orders.2.deep", "orders.3", "z"]:
            ask(guarded, "POST", f"/v1/topics/{name}/messages", operator, body=b"x")

        def names(token, limit):
            found, page = [], ""
            while True:
                reply = json.loads(ask(guarded, "GET", f"/v1/topics?limit={limit}{page}", token).body)
                assert len(reply["topics"]) <= limit
                found += [topic["topic"] for topic in reply["topics"]]
                if "next_page" not in reply:
                    return found
                assert reply["next_page"] == found[-1], "a page's end tells of no other topic"
                page = "&page=" + reply["next_page"]

        for limit in (1, 2, 100):
            assert names(tokens["reader"][0], limit) == ["news", "orders.1", "orders.2", "orders.3"]
            assert names(tokens["writer"][0], limit) == ["orders.1", "orders.2", "orders.2.deep", "orders.3"]
            assert set(names(operator, limit)) >= {"a", "news", "orders.2.deep", "z"}
            assert names(tokens["both"][0], limit) == []

    @pytest.mark.parametrize("change", ["last", "cut", "longer", "case", "hash"])
    def test_others_are_refused(self, guarded, tokens, change):
        token, line = tokens["operator"]
        wrong = {
            "last": token[:-1] + ("A" if token[-1] != "A" else "B"), "cut": token[:-1], "longer": token + "A",
            "case": token.swapcase(), "hash": line.split("sha256:")[1].split()[0],
        }[change]
        reply = ask(guarded, "GET", "/v1/topics", wrong)
        assert reply.status == 401 and code(reply) == "invalid_token"
        assert reply.headers["www-authenticate"] == 'Bearer realm="postern", error="invalid_token"'

    def test_a_token_ends(self, serve, tmp_path):
        """And its stream with it."""
        token, line = new_token("brief", *GRANTS["brief"])
        path = tmp_path / "tokens"
        path.write_text(line + "\n")
        server = serve("--tokens", str(path))
        with server.connect() as connection:
            began = time.monotonic()
            connection.send(request(
                "GET", "/v1/topics/t/messages", f"Authorization: Bearer {token}", "Accept: text/event-stream"))
            stream = connection.reply()
            assert b'"reason":"token_expired"' in stream.body
            assert 1 < time.monotonic() - began < 5
        eventually(lambda: ask(server, "GET", "/v1/topics", token).status == 401, what="it is refused")
        assert code(ask(server, "GET", "/v1/topics", token)) == "token_expired"

    def test_a_wait_ends_with_its_token(self, serve, tmp_path):
        token, line = new_token("brief", *GRANTS["brief"])
        path = tmp_path / "tokens"
        path.write_text(line + "\n")
        began = time.monotonic()
        reply = ask(serve("--tokens", str(path)), "GET", "/v1/topics/t/messages?wait=30s", token)
        assert reply.status == 200 and json.loads(reply.body)["messages"] == []
        assert time.monotonic() - began < 5

    def test_a_token_that_is_taken_back(self, serve, tmp_path, tokens):
        """At SIGHUP: its stream ends, its poll is sent home, others go on."""
        path = tmp_path / "tokens"
        lines = [tokens["both"][1], tokens["operator"][1]]
        path.write_text("\n".join(lines) + "\n")
        server = serve("--tokens", str(path))
        server.credentials = {"headers": {"Authorization": f"Bearer {tokens['operator'][0]}"}}
        streams = {}
        for name in ("both", "operator"):
            streams[name] = server.connect()
            streams[name].send(request(
                "GET", "/v1/topics/chat/messages", f"Authorization: Bearer {tokens[name][0]}", "Accept: text/event-stream"))
            streams[name]._until(b"event: position")
        poll = server.connect()
        poll.get("/v1/topics/chat/messages?wait=50s", f"Authorization: Bearer {tokens['both'][0]}")
        server.waits_for("postern_poll_waiters", 1)
        path.write_text(lines[1] + "\n")
        server.process.send_signal(signal.SIGHUP)
        assert b'"reason":"token_revoked"' in streams["both"]._until(b"}") + streams["both"]._until(b"}")
        assert poll.reply().status == 200
        assert poll.get("/v1/topics/chat/messages", f"Authorization: Bearer {tokens['both'][0]}").reply().status == 401
        ask(server, "POST", "/v1/topics/chat/messages", tokens["operator"][0], body=b"go on")
        assert b"go on" in streams["operator"]._until(b'go on"') + b"go on"

    def test_what_is_wrong_with_a_file_is_told_and_the_old_is_kept(self, serve, tmp_path, tokens):
        path = tmp_path / "tokens"
        path.write_text(tokens["both"][1] + "\n")
        server = serve("--tokens", str(path))
        path.write_text("both sha256:xyz publish=chat\nother\n")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "line 2" in server.standard_error(), what="it is told")
        assert "line 1" in server.standard_error() and "stay as they were" in server.standard_error()
        assert ask(server, "POST", "/v1/topics/chat/messages", tokens["both"][0], body=b"x").status == 201
        done = subprocess.run(
            [BINARY, "serve", "--listen", "127.0.0.1:0", "--tokens", path], capture_output=True, text=True, timeout=20,
            env=environment())
        assert done.returncode == 78 and "line 1" in done.stderr and "line 2" in done.stderr

    def test_secrets_are_nowhere(self, guarded, tokens):
        token = tokens["writer"][0]
        for path in ("/v1/topics/orders.a/messages", "/metrics", f"/{token}", f"/v1/topics?prefix={token}&x={token}"):
            ask(guarded, "GET", path, token)
            ask(guarded, "GET", path, token + "x")
        for shown in (json.dumps(guarded.metrics()), guarded.standard_error(), open(f"/proc/{guarded.pid}/cmdline").read()):
            assert token[:12] not in shown


class TestBrowsers:
    def test_a_cookie(self, guarded, tokens):
        cookie = f"Cookie: a=b; postern_token={tokens['both'][0]}; c=d"
        with guarded.connect() as connection:
            assert connection.get("/v1/topics/chat/messages", cookie).reply().status == 200
            assert connection.get("/v1/topics/chat/messages", "Cookie: xpostern_token=1; postern_toke=2").reply().status == 401
            # A page from elsewhere must not publish with what the browser adds of itself.
            publish = request("POST", "/v1/topics/chat/messages", cookie, "Origin: https://evil.example", body=b"x")
            assert connection.send(publish).reply().status == 403
            own = request(
                "POST", "/v1/topics/chat/messages", cookie, f"Origin: http://127.0.0.1:{guarded.port}", body=b"x",
                host=f"127.0.0.1:{guarded.port}")
            assert connection.send(own).reply().status == 201

    def test_a_token_of_its_own_may_come_from_anywhere(self, guarded, tokens):
        reply = ask(
            guarded, "POST", "/v1/topics/chat/messages", tokens["both"][0], "Origin: https://app.example", body=b"x")
        assert reply.status == 201

    def test_a_parameter_where_it_is_allowed(self, serve, guarded, token_file, tokens):
        path = f"/v1/topics/chat/messages?access_token={tokens['both'][0]}"
        assert ask(guarded, "GET", path).status == 401
        server = serve("--tokens", str(token_file), "--token-parameter", "on")
        assert ask(server, "GET", path).status == 200
        assert ask(server, "GET", path, tokens["both"][0]).status == 400
        assert ask(server, "GET", "/v1/topics/chat/messages?access_token=x").status == 401
        assert tokens["both"][0][:12] not in server.standard_error()


SECRET = b"a secret of more than thirty-two bytes!"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    made = {
        "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }
    for name, key in made.items():
        (folder / f"{name}.pem").write_bytes(key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    (folder / "secret").write_bytes(SECRET)
    return folder, made


class TestSignedTokens:
    """Made by PyJWT."""

    @pytest.fixture
    def server(self, serve, keys):
        folder, _ = keys
        listed = ",".join(f"{name}:{folder}/{name}.pem" for name in ("RS256", "ES256", "EdDSA"))
        return serve(
            "--jwt-secret", f"{folder}/secret", "--jwt-key", listed, "--jwt-issuer", "https://issuer.example",
            "--jwt-audience", "postern,other", "--jwt-leeway", "2s")

    def claims(self, **changes):
        now = int(time.time())
        claims = {
            "sub": "alice", "iss": "https://issuer.example", "aud": "postern", "iat": now, "exp": now + 60,
            "postern": {"publish": ["chat.*"], "subscribe": ["chat.*", "news"], "admin": False},
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def signed(self, keys, algorithm, **changes):
        key = SECRET if algorithm == "HS256" else keys[1][algorithm]
        return jwt.encode(self.claims(**changes), key, algorithm)

    @pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA"])
    def test_each_algorithm(self, server, keys, algorithm):
        token = self.signed(keys, algorithm)
        assert ask(server, "POST", "/v1/topics/chat.a/messages", token, body=b"x").status == 201
        assert ask(server, "GET", "/v1/topics/chat.*,news/messages", token).status == 200
        assert ask(server, "POST", "/v1/topics/news/messages", token, body=b"x").status == 403
        assert ask(server, "GET", "/metrics", token).status == 403

    def test_an_operator(self, server, keys):
        token = self.signed(keys, "ES256", postern={"admin": True})
        assert ask(server, "GET", "/metrics", token).status == 200

    @pytest.mark.parametrize(
        "changes",
        [
            {"iss": "https://other.example"}, {"iss": None}, {"aud": "somebody"}, {"aud": None}, {"aud": ["x", "y"]},
            {"exp": None}, {"exp": "soon"}, {"nbf": int(time.time()) + 3600}, {"postern": {"publish": ["a b"]}},
            {"postern": {"publish": "chat"}}, {"postern": {"pubish": ["chat"]}}, {"postern": []},
        ],
        ids=str,
    )
    def test_claims_that_do_not_hold(self, server, keys, changes):
        reply = ask(server, "GET", "/v1/topics/news/messages", self.signed(keys, "ES256", **changes))
        assert reply.status == 401 and code(reply) == "invalid_token", reply.body

    def test_times_are_held_with_a_leeway(self, server, keys):
        now = int(time.time())
        assert ask(server, "GET", "/v1/topics/news/messages", self.signed(keys, "ES256", exp=now - 10)).status == 401
        assert ask(server, "GET", "/v1/topics/news/messages", self.signed(keys, "ES256", exp=now - 1)).status == 200
        late = ask(server, "GET", "/v1/topics/news/messages", self.signed(keys, "ES256", exp=now - 10))
        assert code(late) == "token_expired"

    def test_forgeries(self, server, keys):
        """RFC 8725, section 2: none, another algorithm's key as a secret, and bytes that were changed."""
        folder, made = keys
        good = self.signed(keys, "RS256")
        head, body, signature = good.split(".")

        def encoded(value):
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

        forged = [
            jwt.encode(self.claims(), None, "none"),
            f"{encoded({'alg': 'none'})}.{body}.", f"{encoded({'alg': 'None'})}.{body}.", f"{head}.{body}.",
            f"{encoded({'alg': 'HS256'})}.{body}.{signature}", f"{encoded({'alg': 'ES256'})}.{body}.{signature}",
            f"{head}.{encoded(self.claims(postern={'admin': True}))}.{signature}",
            f"{head}.{body}.{signature[:-8]}", f"{head}.{body}", f"{good}.", f".{good}", good.replace(".", ".." , 1),
            f"{head}.{body}.{signature}=",
            jwt.encode(self.claims(), rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256"),
            jwt.encode(self.claims(), b"another secret of more than thirty-two bytes", "HS256"),
        ]
        # HS256 with the public key as the secret, signed by hand: PyJWT will not.
        unsigned = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{body}"
        for key in ((folder / "RS256.pem").read_bytes(), (folder / "RS256.pem").read_bytes().rstrip()):
            mac = hmac.new(key, unsigned.encode(), hashlib.sha256).digest()
            forged.append(unsigned + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode())
        for token in forged:
            reply = ask(server, "GET", "/v1/topics/news/messages", token)
            assert reply.status == 401 and code(reply) == "invalid_token", token
        assert ask(server, "GET", "/v1/topics/news/messages", good).status == 200

    def test_a_key_set(self, serve, keys, tmp_path):
        folder, made = keys
        numbers = made["ES256"].public_key().public_numbers()
        text = lambda number: base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
        path = tmp_path / "keys.json"
        path.write_text(json.dumps({"keys": [
            {"kty": "EC", "crv": "P-256", "kid": "one", "alg": "ES256", "x": text(numbers.x), "y": text(numbers.y)}]}))
        server = serve("--jwks", str(path))
        good = jwt.encode(self.claims(aud=None), made["ES256"], "ES256", headers={"kid": "one"})
        other = jwt.encode(self.claims(aud=None), made["ES256"], "ES256", headers={"kid": "two"})
        assert ask(server, "GET", "/v1/topics/news/messages", good).status == 200
        assert ask(server, "GET", "/v1/topics/news/messages", other).status == 401

    @pytest.mark.parametrize("fault", ["short secret", "small key", "private key", "no key"])
    def test_keys_that_will_not_do(self, tmp_path, fault):
        path = tmp_path / "key"
        arguments = ["--jwt-key", f"RS256:{path}"]
        if fault == "short secret":
            path.write_bytes(b"x" * 31)
            arguments = ["--jwt-secret", str(path)]
        elif fault == "small key":
            key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
            path.write_bytes(key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        elif fault == "private key":
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            path.write_bytes(key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        done = subprocess.run(
            [BINARY, "serve", "--listen", "127.0.0.1:0", *arguments], capture_output=True, text=True, timeout=20,
            env=environment())
        assert done.returncode == 78 and str(path) in done.stderr, done.stderr


def test_what_tokens_cost_is_counted(guarded, tokens):
    before = guarded.metrics()
    for token, times in ((tokens["both"][0], 3), (None, 2), ("pst_" + "A" * 43, 1)):
        for _ in range(times):
            ask(guarded, "GET", "/v1/topics/chat/messages", token)
    after = guarded.metrics()
    grew = {name: after[name] - before[name] for name in after if name.startswith("postern_authentications_total")}
    assert grew['postern_authentications_total{result="missing"}'] == 2
    assert grew['postern_authentications_total{result="unknown"}'] == 1
    # The scrape that comes second counts itself.
    assert grew['postern_authentications_total{result="accepted"}'] == 4
