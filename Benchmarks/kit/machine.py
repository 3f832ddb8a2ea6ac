"""What a reader must know of the machine to judge a figure."""
import os
import platform
import re
import resource
import subprocess

from .paths import POSTERN


def _first_match(path, pattern, fallback="unknown"):
    try:
        with open(path) as file:
            found = re.search(pattern, file.read(), re.MULTILINE)
            return found.group(1).strip().strip('"') if found else fallback
    except OSError:
        return fallback


def _output(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=10)
        return (done.stdout or done.stderr).strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def describe():
    memory = int(_first_match("/proc/meminfo", r"^MemTotal:\s+(\d+)", "0"))
    return {
        "processor": _first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)$", platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / (1 << 20), 1),
        "kernel": re.match(r"[\d.]+", platform.release()).group(0).rstrip("."),
        "system": _first_match("/etc/os-release", r"^PRETTY_NAME=(.*)$"),
        "open_files_limit": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "nginx": _output("nginx", "-v").removeprefix("nginx version: nginx/") or "unknown",
        "nchan": _output("dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-nchan") or "unknown",
        "postern": _output(POSTERN, "--version") or "unknown",
    }
