"""The documentation as programs: its fenced blocks, and how a test runs them.

- A block marked `sh` is run by bash with `set -euo pipefail`, all of a document's blocks in one shell and one fresh
  directory, in their order, so that later ones may use what earlier ones left.
- `sh timeout=N` is run by a shell of its own and ended after N seconds: for what follows without end.
- `python` and `js` are run by Python and Node, `timeout=N` as above.
- A server listens on 127.0.0.1:8080, in a network of the document's own; `<!-- server: none -->` before a block ends it.
- `<!-- output -->` before a `text` or `json` block: the block before it prints these lines; `…` stands for anything.
- `<!-- not run: REASON -->` before a block leaves it out.
- Blocks with other marks are no programs.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from client import BINARY, ROOT, environment

PROGRAMS = {"sh", "python", "js"}
# What begins a line of a shell session, wherever it stands: such a block has to be marked.
COMMANDS = re.compile(r"^\s*(?:sudo |\$ )?(?:postern|curl|make|docker|podman|systemctl|kubectl|apt|apt-get|pip|npm|kill|cat|openssl) ", re.M)


@dataclass
class Block:
    line: int
    language: str
    timeout: int | None
    text: str
    comments: list

    @property
    def reason(self):
        """Why it is not run; nothing where it is."""
        for comment in self.comments:
            if comment.startswith("not run:"):
                return comment.removeprefix("not run:").strip() or None
        return None

    @property
    def unknown(self):
        """Comments before it that mean nothing there: a misspelt one must not leave a check out."""
        if self.language in PROGRAMS:
            return [comment for comment in self.comments if comment != "server: none" and not self.reason]
        return [comment for comment in self.comments if comment != "output"]

    @property
    def is_run(self):
        return self.language in PROGRAMS and not any(comment.startswith("not run") for comment in self.comments)


def documents():
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md"), ROOT / "Benchmarks/README.md"])


def blocks(path):
    found, comments, fence = [], [], None
    for number, line in enumerate(path.read_text().split("\n"), 1):
        match = re.match(r"^(\s*)(```+)\s*(.*)$", line)
        if fence is None and match:
            words = match[3].split()
            options = dict(word.split("=", 1) for word in words[1:] if "=" in word)
            fence = match[1], match[2]
            timeout = int(options["timeout"]) if "timeout" in options else None
            found.append(Block(number, words[0] if words else "", timeout, "", comments))
            comments = []
        elif fence is not None and line.strip() == fence[1]:
            fence = None
        elif fence is not None:
            found[-1].text += line.removeprefix(fence[0]) + "\n"
        elif match := re.match(r"^\s*<!-- (.*) -->$", line):
            comments = comments + [match[1]]
        elif line.strip():
            comments = []
    return found


def run(path, directory, within=60):
    """Runs a document, for so many seconds at most. Returns the shell's status, its log, and what each block printed."""
    tools = directory / "tools"
    work = directory / "work"
    tools.mkdir()
    work.mkdir()
    (tools / "postern").symlink_to(BINARY)
    script = [
        "set -Eeuo pipefail; set -a; ip link set lo up; cd work; unset BASH_ENV",
        # A block's own output goes elsewhere.
        "exec 3>&1; failed() { echo \"line $line failed with $?\" >&3; cat ../err.$line >&3; }; trap failed ERR; line=start",
        "postern serve --log-level error > ../server.out 2> ../server.err & server=$!",
        "curl -sSf --retry 50 --retry-connrefused --retry-delay 0 --retry-max-time 10 -o /dev/null localhost:8080/livez",
    ]
    wanted = [block for block in blocks(path) if block.is_run]
    for block in wanted:
        suffix = {"sh": "sh", "python": "py", "js": "mjs"}[block.language]
        file = directory / f"block.{block.line}.{suffix}"
        file.write_text(block.text)
        files = f"> ../out.{block.line} 2> ../err.{block.line}"
        script.append(f"line={block.line}; echo line {block.line}; : > ../err.{block.line}")
        if "server: none" in block.comments:
            script.append("kill $server; wait $server || true")
        program = {"sh": "bash -euo pipefail", "python": "python3", "js": "node"}[block.language]
        if block.timeout:
            script.append(
                f"status=0; timeout -k 2 {block.timeout} {program} {file} {files} || status=$?; [[ $status == 0 || $status == 124 ]]"
            )
        elif block.language == "sh":
            script.append(f"source {file} {files}")
        else:
            script.append(f"{program} {file} {files}")
    (directory / "script").write_text("\n".join(script) + "\n")
    clean = environment(PATH=f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}", HOME=str(work), TZ="UTC")
    namespaces = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        namespaces.append("--map-root-user")
    with (directory / "log").open("w") as log:
        try:
            status = subprocess.run(
                [*namespaces, "bash", directory / "script"], cwd=directory, env=clean, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, timeout=within,
            ).returncode
        except subprocess.TimeoutExpired:
            status = 124
            print(f"it was not over within {within} s", file=log)
    printed = {block.line: read(directory / f"out.{block.line}") for block in wanted}
    return status, read(directory / "log"), printed


def read(path):
    return path.read_text(errors="replace") if path.exists() else ""


def is_like(printed, documented):
    """Whether the documented lines were printed, one below the other."""
    pattern = "\n".join(
        ".*".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ \t]*" for line in documented.strip().split("\n")
    )
    return re.search(rf"^{pattern}$", printed, re.M) is not None


def anchors(path):
    """What GitHub calls a document's headings in links."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.S | re.M)
    names = []
    for heading in re.findall(r"^#+ (.+)$", text, re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        names.append(name if name not in names else f"{name}-{sum(n == name or n.startswith(name + '-') for n in names)}")
    return set(names) | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


def links(path):
    """Links of a document to files of the repository, as (line, file, anchor)."""
    text = re.sub(r"^```.*?^```", lambda m: "\n" * m[0].count("\n"), path.read_text(), flags=re.S | re.M)
    for number, line in enumerate(text.split("\n"), 1):
        for target in re.findall(r"\]\(([^)\s]+)\)", line) + re.findall(r"^\[[^\]]+\]: (\S+)", line):
            if not re.match(r"[a-z]+:", target):
                file, _, anchor = target.partition("#")
                yield number, (path.parent / file).resolve() if file else path, anchor
