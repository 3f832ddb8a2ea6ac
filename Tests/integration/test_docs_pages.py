"""What the documentation says to put into a page works in a browser."""

import http.server
import re
import threading

import pytest
from selenium.webdriver.common.by import By

from client import ROOT, Api, eventually
from documents import blocks, documents
from test_access import new_token

PAGES = {
    (str(path.relative_to(ROOT)), number): block.text
    for path in documents()
    for number, block in enumerate(block for block in blocks(path) if block.language == "html")
}
# Which of them a test below opens: one that is in no test is noticed.
OPENED = {("README.md", 0), ("docs/recipes/javascript.md", 0), ("docs/recipes/javascript.md", 1), ("docs/recipes/javascript.md", 2)}


@pytest.fixture
def site():
    """An origin that is not Postern's: pages by their path."""
    pages = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path in pages else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(pages.get(self.path, "").encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.pages, server.origin = pages, f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def show(browser, site):
    """Opens a document's page, which speaks to the server that is given."""

    def show(document, number, server, **replaced):
        text = PAGES[document, number].replace("localhost:8080", f"{server.host}:{server.port}")
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        site.pages["/page"] = f"<!doctype html><meta charset=utf-8><body>{text}"
        browser.get(f"{site.origin}/page")

    yield show
    browser.get("about:blank")


def text_of(browser):
    return browser.find_element(By.TAG_NAME, "body").text


def test_every_page_is_opened_here():
    assert set(PAGES) == OPENED


def test_a_page_of_the_servers_own_follows(serve, browser):
    server = serve()
    browser.get(f"{server.url}/livez")
    script = re.search(r"<script>(.*)</script>", PAGES["README.md", 0], re.S)[1]
    browser.execute_script("window.logged = []; console.log = (message) => logged.push(message);" + script)
    server.waits_for("postern_streams", 1)
    Api(server).publish_json("room.kitchen", {"temp": 21.5})
    eventually(lambda: [m["data"] for m in browser.execute_script("return logged")] == [{"temp": 21.5}], what="it is logged")
    browser.get("about:blank")


def test_a_page_follows(show, serve, site, browser):
    server = serve("--cors-origin", site.origin)
    show("docs/recipes/javascript.md", 0, server)
    server.waits_for("postern_streams", 1)
    Api(server).publish_json("room.kitchen", {"temp": 21.5})
    eventually(lambda: text_of(browser) == 'room.kitchen: {"temp":21.5}', what="it is shown")


def test_a_page_publishes(show, serve, site):
    server = serve("--cors-origin", site.origin)
    show("docs/recipes/javascript.md", 1, server)
    eventually(lambda: server.metric("postern_messages_published_total") == 1, what="it is published")
    assert Api(server).only_message("room.kitchen")["data"] == {"temp": 21.5}


def test_a_page_polls_with_a_token(show, serve, site, browser, tmp_path):
    (reader, line), (operator, other) = new_token("page", "--subscribe", "room.**"), new_token("operator", "--admin", "--publish", "**")
    (tmp_path / "tokens").write_text(f"{line}\n{other}\n")
    (tmp_path / "tokens").chmod(0o600)
    server = serve("--tokens", str(tmp_path / "tokens"), "--cors-origin", site.origin)
    server.credentials = {"headers": {"Authorization": f"Bearer {operator}"}}
    show("docs/recipes/javascript.md", 2, server, TOKEN=reader)
    server.waits_for("postern_poll_waiters", 1)
    Api(server).publish("room.kitchen", '{"temp":21.5}', "application/json", Authorization=f"Bearer {operator}")
    eventually(lambda: text_of(browser) == 'room.kitchen: {"temp":21.5}', what="it is shown")
    # It goes on behind what it has.
    server.waits_for("postern_poll_waiters", 1)
    Api(server).publish("room.hall", "dark", Authorization=f"Bearer {operator}")
    eventually(lambda: text_of(browser) == 'room.kitchen: {"temp":21.5}room.hall: "dark"', what="the next is shown")
