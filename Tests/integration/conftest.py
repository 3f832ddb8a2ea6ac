"""Fixtures: one server that most tests share, servers of a test's own, topics that nobody else uses."""

import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from selenium import webdriver

import attacks
from client import BINARY, Api, Server, eventually


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: make build", returncode=1)


@pytest.fixture(scope="session")
def shared_server():
    server = Server("--loops", "2")
    yield server
    status = server.terminate()
    assert status == 0, f"exit status {status}: {server.standard_error()}"


@pytest.fixture
def server(shared_server):
    """The server that tests share. Whatever a test did, no arena and no waiter stays behind."""
    assert shared_server.process.poll() is None, f"the server died: {shared_server.standard_error()}"
    yield shared_server
    assert shared_server.process.poll() is None, f"the server died: {shared_server.standard_error()}"
    shared_server.gets_all_arenas_back()
    eventually(lambda: shared_server.metric("postern_poll_waiters") == 0, what="every waiter is freed")
    eventually(lambda: shared_server.metric("postern_streams") == 0, what="every stream is over")


@pytest.fixture
def serve():
    """Starts servers with flags of the test's own."""
    servers = []

    def start(*arguments, **options):
        servers.append(Server(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture(scope="module")
def browser():
    """A browser without a window."""
    options = webdriver.ChromeOptions()
    for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,1000"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = "/usr/bin/chromium"
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    yield browser
    browser.quit()


@pytest.fixture
def api(server):
    return Api(server)


numbers = itertools.count(1)


@pytest.fixture
def topic(request):
    """A topic that no other test uses."""
    return f"test-{next(numbers)}.{request.function.__name__[:60]}"


@pytest.fixture
def background():
    """Runs calls in threads; a test does not end before they have."""
    with ThreadPoolExecutor(max_workers=64) as executor:
        yield executor.submit


@pytest.fixture
def stop_flag():
    flag = threading.Event()
    yield flag
    flag.set()


@pytest.fixture(scope="session")
def figures(tmp_path_factory):
    """What attacks cost; a table of it is printed at the end, and kept in the file that ATTACK_FIGURES names."""
    attacks.many_descriptors()
    kept = []
    yield kept
    print(f"\n{attacks.table(kept)}")
    path = Path(os.environ.get("ATTACK_FIGURES") or tmp_path_factory.mktemp("attacks") / "figures.json")
    attacks.write(kept, path)


@pytest.fixture
def directory(tmp_path):
    """For a log on disk."""
    path = tmp_path / "log"
    path.mkdir()
    return path
