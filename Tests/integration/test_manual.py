"""The manual page and the completions: made from the command line's own description, and good for those who read them."""

import os
import re
import subprocess
import sys

import pytest

from client import BINARY, ROOT


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("man") / "postern.1"
    done = subprocess.run([sys.executable, ROOT / "scripts/manual.py", BINARY], capture_output=True, check=True)
    path.write_bytes(done.stdout)
    return path


def shown(page):
    done = subprocess.run(
        ["man", "--warnings", "-l", page], capture_output=True, text=True,
        env=os.environ | {"MANWIDTH": "200", "MANPAGER": "cat", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""},
    )
    assert done.returncode == 0 and done.stderr == ""
    return re.sub(r".\x08", "", done.stdout)


def test_groff_has_no_complaint_and_every_section_is_there(page):
    text = shown(page)
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "SEE ALSO"):
        assert re.search(rf"^{section}$", text, re.M)


def test_mandoc_has_no_complaint_either(page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_command_and_option_is_in_it(page):
    text = shown(page)
    for command in ("serve", "publish", "subscribe", "topics", "status", "bench fanout", "health", "config check", "log verify", "token new"):
        assert re.search(rf"^ +postern {command}\b", text, re.M), command
        helped = subprocess.run([BINARY, *command.split(), "--help"], capture_output=True, text=True).stdout
        for option in re.findall(r"^  (?:-\w, )?(--[a-z-]+)", helped, re.M):
            assert option in ("--version", "--help") or option in text, (command, option)


class TestCompletions:
    def script(self, shell):
        done = subprocess.run([BINARY, f"--generate-completion-script={shell}"], capture_output=True, text=True, check=True)
        return done.stdout

    def test_bash(self, tmp_path):
        (tmp_path / "postern").write_text(self.script("bash"))
        program = f"""
            source {tmp_path}/postern
            complete -p postern >/dev/null || exit 1
            COMP_WORDS=(postern sub) COMP_CWORD=1 COMP_LINE='postern sub' COMP_POINT=11
            function=$(complete -p postern | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
            "$function" postern sub postern
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        done = subprocess.run(["bash", "-c", program], capture_output=True, text=True)
        assert done.stdout.split() == ["subscribe"], done.stderr

    def test_zsh(self, tmp_path):
        (tmp_path / "_postern").write_text(self.script("zsh"))
        program = f"fpath=({tmp_path} $fpath); autoload -Uz compinit && compinit -u -D; whence -v _postern && print -r -- $_comps[postern]"
        done = subprocess.run(["zsh", "-fc", program], capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout.splitlines()[-1] == "_postern", done.stderr

    def test_fish(self, tmp_path):
        (tmp_path / "postern.fish").write_text(self.script("fish"))
        program = f"source {tmp_path}/postern.fish; complete -C 'postern sub'"
        done = subprocess.run(
            ["fish", "--no-config", "-c", program], capture_output=True, text=True, env=os.environ | {"HOME": str(tmp_path)}
        )
        assert done.stdout.split()[:1] == ["subscribe"], done.stderr
