"""The browser's page, in a real browser: it publishes, follows, resumes, and shows what strangers sent as text."""

import contextlib
import re
import socket
import threading

import pytest
import requests
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from client import Api, eventually


class Line:
    """A TCP proxy before the server, which can be cut and mended."""

    def __init__(self, server):
        self.server, self.pairs, self.is_cut = server, [], False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                if self.is_cut:
                    near.close()
                    continue
                far = socket.create_connection((self.server.host, self.server.port))
                self.pairs.append((near, far))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    @staticmethod
    def _pump(one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        self.is_cut = True
        for pair in self.pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self.pairs.clear()

    def mend(self):
        self.is_cut = False

    def close(self):
        self.listener.close()
        self.cut()


@pytest.fixture
def page(serve, browser):
    server = serve("--loops", "2")
    line = Line(server)
    browser.get_log("browser")
    browser.get(f"http://127.0.0.1:{line.port}/")
    yield Page(browser, server, line)
    # Nothing may be blocked by the page's own policy, nor fail.
    severe = [entry["message"] for entry in browser.get_log("browser") if "Content Security" in entry["message"] or "Uncaught" in entry["message"]]
    browser.get("about:blank")
    line.close()
    assert not severe, severe


class Page:
    def __init__(self, browser, server, line):
        self.browser, self.server, self.line, self.api = browser, server, line, Api(server)

    def find(self, name):
        return self.browser.find_element(By.ID, name)

    def text(self, name):
        return self.browser.execute_script("return document.getElementById(arguments[0]).textContent", name)

    def fill(self, name, value):
        self.find(name).clear()
        self.find(name).send_keys(value)

    def follow(self, topics, filter="", since="latest"):
        self.fill("tail-topics", topics)
        self.fill("tail-filter", filter)
        self.browser.execute_script("document.getElementById('tail-since').value = arguments[0]", since)
        self.find("tail-start").click()
        eventually(lambda: self.text("tail-status") == "Following.", what="the page follows")

    def publish(self, topic, data, attributes="", type_="text/plain"):
        self.fill("publish-topic", topic)
        self.fill("publish-data", data)
        self.fill("publish-attributes", attributes)
        self.browser.execute_script("document.getElementById('publish-type').value = arguments[0]", type_)
        self.find("publish-form").find_element(By.TAG_NAME, "button").click()

    def shown(self):
        """What the tail shows, the newest first, without its heads."""
        script = """return [...document.querySelectorAll('#tail li[data-cursor]')].map((item) => item.lastChild.textContent)"""
        return self.browser.execute_script(script)


def test_what_is_published_in_the_page_arrives_in_it(page):
    page.follow("orders.**")
    page.publish("orders.eu", "hello from the page", "region=eu, kind=new")
    eventually(lambda: page.shown() == ["hello from the page"])
    eventually(lambda: page.text("publish-status").startswith("Published as "))
    [message] = page.api.messages("orders.eu")
    assert (message["data"], message["attributes"]) == ("hello from the page", {"region": "eu", "kind": "new"})
    page.publish("orders.us", '{"a": [1, 2]}', type_="application/json")
    eventually(lambda: page.shown()[0] == '{"a":[1,2]}')
    eventually(lambda: "orders.eu" in page.text("topics"))


def test_a_cut_connection_is_resumed_without_loss(page):
    page.follow("t")
    for number in range(3):
        page.api.publish("t", f"before {number}")
    eventually(lambda: len(page.shown()) == 3)
    page.line.cut()
    for number in range(50):
        page.api.publish("t", f"meanwhile {number}")
    eventually(lambda: "trying again" in page.text("tail-status"))
    page.line.mend()
    page.api.publish("t", "after")
    eventually(lambda: page.shown()[:1] == ["after"], timeout=20)
    expected = [f"before {n}" for n in range(3)] + [f"meanwhile {n}" for n in range(50)] + ["after"]
    assert page.shown() == expected[::-1]


def test_a_page_that_saw_no_message_resumes_too(page):
    page.follow("t")
    page.line.cut()
    page.api.publish("t", "while it was away")
    eventually(lambda: "trying again" in page.text("tail-status"))
    page.line.mend()
    eventually(lambda: page.shown() == ["while it was away"], timeout=20)


def test_the_filter_filters(page):
    page.follow("t", filter="region:eu kind!old")
    for region, kind in [("us", "new"), ("eu", "old"), ("eu", "new")]:
        page.api.publish("t", f"{region} {kind}", Attr_Region=region, Attr_Kind=kind)
    eventually(lambda: page.shown() == ["eu new"])


def test_a_mistake_is_told(page):
    page.fill("tail-filter", "no good name:x")
    page.fill("tail-topics", "a..b")
    page.find("tail-start").click()
    eventually(lambda: "token" in page.text("tail-status"))
    page.publish("a", "{", type_="application/json")
    eventually(lambda: "bad" in page.find("publish-status").get_attribute("class"))


def test_what_a_message_holds_is_never_taken_for_markup(page):
    page.follow("**")
    evil = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>'
    page.api.publish("t", evil, Attr_Note="<b>bold</b>", Message_Key="<i>")
    eventually(lambda: page.shown() == [evil])
    assert page.browser.execute_script("return window.broken") is None
    assert page.browser.execute_script("return document.querySelectorAll('#tail img, #tail script, #tail b').length") == 0


def test_the_figures_move(page):
    def drawn():
        return page.browser.execute_script(
            "return [...document.querySelectorAll('polyline')].map((line) => (line.getAttribute('points') || '').split(' ').length)"
        )

    eventually(lambda: len(drawn()) == 6 and min(drawn()) >= 2)
    assert "topics" in page.text("summary")


def test_it_can_be_used_by_keyboard_alone(page):
    seen = []
    for _ in range(30):
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
        seen.append(page.browser.execute_script("return document.activeElement.id || document.activeElement.className"))
    for name in ["skip", "tail-topics", "tail-filter", "tail-since", "tail-start", "tail", "publish-topic", "publish-data"]:
        assert name in seen, (name, seen)
    page.find("tail-topics").send_keys(Keys.ENTER)
    eventually(lambda: page.text("tail-status") == "Following.")


@pytest.mark.parametrize("width", [320, 400, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(page, width, scheme):
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    page.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    )
    try:
        overflow, background = page.browser.execute_script(
            "return [document.documentElement.scrollWidth - window.innerWidth, getComputedStyle(document.body).backgroundColor]"
        )
        assert overflow <= 0
        assert (int(re.findall(r"\d+", background)[0]) < 100) == (scheme == "dark")
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_its_policy_is_strict_and_new_each_time(server):
    policies = set()
    for _ in range(2):
        reply = requests.get(server.url + "/", timeout=10)
        policy = reply.headers["Content-Security-Policy"]
        [nonce] = set(re.findall(r"'nonce-([0-9a-f]{32})'", policy))
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy
        assert re.findall(r"<(?:script|style)[^>]*>", reply.text) == [f'<style nonce="{nonce}">', f'<script nonce="{nonce}">']
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", reply.text), "it loads nothing from elsewhere"
        assert not re.search(r" (?:on\w+|style)=", reply.text)
        policies.add(policy)
    assert len(policies) == 2


def test_it_can_be_switched_off(serve):
    server = serve("--console", "off")
    assert requests.get(server.url + "/", timeout=10).status_code == 404
    assert requests.get(server.url + "/livez", timeout=10).status_code == 200


def test_stats_are_the_metrics_in_json(serve):
    server = serve()
    api = Api(server)
    api.publish("a", "x")
    api.publish("b", "x")
    api.messages("a")
    stats = api.get("/v1/stats").json()
    assert stats["messages"]["published"] == 2 and stats["topics"] == 2
    assert stats["messages"]["delivered"] == {"poll": 1, "sse": 0, "ndjson": 0}
    assert stats["log"]["latest"] == api.messages("b")[0]["cursor"]
    assert stats["arenas"]["in_use"] == 1
    metrics = server.metrics()
    assert stats["log"]["bytes"] == metrics["postern_log_bytes"]
    assert stats["arenas"]["retain_target_bytes"] == metrics["postern_arena_retain_target_bytes"]
