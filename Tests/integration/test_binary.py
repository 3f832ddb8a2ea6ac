"""The release binary: what it links, how large it is, and that it starts by itself."""

import re
import shutil
import subprocess
import time

from client import BINARY, serving

# The C library's own parts, and OpenSSL, which the system keeps up to date; everything else the binary brings with it.
SYSTEM_LIBRARIES = {
    *("linux-vdso", "ld-linux-x86-64", "ld-linux-aarch64"),
    *("libcrypto", "libssl"),
    *("libc", "libm", "libdl", "libpthread", "librt", "libgcc_s", "libstdc++"),
}
# Of ICU, of FoundationInternationalization and of full Foundation, as the linker has them.
UNWANTED = re.compile(r"_?icu_|ures_|ucal_|uloc_|\$s20FoundationInternationalization|\$s10Foundation")
STRIPPED_LIMIT = 20 << 20


def linked_libraries():
    text = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout
    return {re.match(r"\s*(?:.*/)?([^/\s]+?)\.so", line)[1] for line in text.splitlines() if ".so" in line}


def test_swift_is_linked_statically_and_nothing_but_the_c_library_and_openssl_is_needed():
    assert linked_libraries() - SYSTEM_LIBRARIES == set()


def test_neither_full_foundation_nor_icu_is_in_it():
    """FoundationEssentials comes with the argument parser and is small; the rest of Foundation would bring ICU."""
    symbols = subprocess.run(["nm", BINARY], capture_output=True, text=True, check=True).stdout
    defined = [line.split(maxsplit=2)[-1] for line in symbols.splitlines() if " U " not in line]
    assert defined, "the binary has no symbols to look at"
    found = [name for name in defined if UNWANTED.match(name)]
    assert found == [], found[:10]


def test_stripped_it_keeps_to_its_size(tmp_path):
    copy = tmp_path / "postern"
    shutil.copy(BINARY, copy)
    subprocess.run(["strip", copy], check=True)
    assert copy.stat().st_size <= STRIPPED_LIMIT


def test_it_answers_soon_after_it_starts(record_property):
    """Reported, and bounded so generously that only a fault is over it."""
    began = time.monotonic()
    with serving("--loops", "1") as server, server.connect() as connection:
        assert connection.get("/livez").reply().status == 200
        seconds = time.monotonic() - began
    record_property("seconds_to_first_answer", seconds)
    print(f"{seconds * 1000:.1f} ms from start to the first answer")
    assert seconds < 5
