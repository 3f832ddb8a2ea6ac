#!/usr/bin/env python3
"""Writes the manual page postern(1) from the command line's own description.

usage: manual.py POSTERN > postern.1

The description is what `postern --experimental-dump-help` prints (swift-argument-parser's ToolInfo, as JSON), so that the
page says what the help says. The format is man(7).
"""

import datetime
import json
import os
import subprocess
import sys


def escaped(text):
    """Text as man(7) takes it: no line of it is a request, no hyphen a typographer's."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def paragraphs(text):
    """Running text, and examples, which are indented, as they stand."""
    for block in filter(None, text.strip("\n").split("\n\n")):
        lines = block.split("\n")
        if all(line.startswith("  ") for line in lines):
            yield ".RS 2\n.PP\n.nf\n" + escaped("\n".join(line[2:] for line in lines)) + "\n.fi\n.RE"
        else:
            yield ".PP\n" + escaped(block)


def names(argument):
    """`-f, --follow` or `--limit n`, each part as it is typed or replaced."""
    value = "" if argument["kind"] == "flag" else " \\fI" + escaped(argument.get("valueName", "value")) + "\\fR"
    if argument["kind"] == "positional":
        return "\\fI" + escaped(argument["valueName"]) + "\\fR"
    spelt = [("-" if name["kind"] == "short" else "--") + name["name"] for name in argument["names"]]
    return ", ".join("\\fB" + escaped(name) + "\\fR" for name in sorted(spelt, key=len)) + value


def described(arguments):
    shown = [argument for argument in arguments if argument["shouldDisplay"] and argument.get("abstract")]
    section = None
    for argument in shown:
        title = argument.get("sectionTitle")
        if title and title != section:
            section = title
            yield ".PP\n.B " + escaped(title)
        yield ".TP\n" + names(argument) + "\n" + escaped(argument["abstract"])


COMMON = ("version", "help")


def command(description, path):
    """A subcommand and those below it, each as a subsection."""
    if not description["shouldDisplay"] or description["commandName"] == "help":
        return
    path = f"{path} {description['commandName']}"
    arguments = [a for a in description.get("arguments", []) if a.get("preferredName", {}).get("name") not in COMMON]
    positional = " ".join(
        names(argument) if not argument["isOptional"] else "[" + names(argument) + "]"
        for argument in arguments
        if argument["kind"] == "positional"
    )
    options = " [\\fIoptions\\fR]" if any(a["kind"] != "positional" for a in arguments) else ""
    children = [child for child in description.get("subcommands", []) if child["shouldDisplay"]]
    yield f'.SS "{escaped(path)}"'
    if not children:
        yield f"\\fB{escaped(path)}\\fR{' ' + positional if positional else ''}{options}\n.PP"
    yield escaped(description["abstract"])
    yield from paragraphs(description.get("discussion", ""))
    yield from described(arguments)
    for child in children:
        yield from command(child, path)


def page(tool, version, date):
    root = tool["command"]
    statuses, _, rest = root["discussion"].partition("Exit statuses of client commands:\n")
    yield f'.TH POSTERN 1 "{date}" "postern {version}" "User Commands"'
    yield ".SH NAME\npostern \\- " + escaped(root["abstract"].rstrip("."))
    yield ".SH SYNOPSIS\n\\fBpostern\\fR \\fIcommand\\fR [\\fIoptions\\fR]"
    yield ".SH DESCRIPTION\n" + escaped(root["abstract"])
    yield from paragraphs(statuses)
    yield ".SH COMMANDS"
    for child in root["subcommands"]:
        yield from command(child, "postern")
    yield ".SH EXIT STATUS\nOf the commands that talk to a server:"
    for line in rest.strip().split("\n"):
        number, meaning = line.split(None, 1)
        yield f".TP\n.B {number}\n{escaped(meaning)}"
    yield (
        ".PP\n\\fBpostern serve\\fR ends with 0 when it was asked to, with 64 where a flag or a variable is wrong, with 78 "
        "where the file of settings or a file that it names is wrong, and with 69 where it cannot listen."
    )
    yield ".SH ENVIRONMENT"
    for name, meaning in (
        ("POSTERN_URL", "the server that client commands talk to"),
        ("POSTERN_TOKEN, POSTERN_TOKEN_FILE", "the token they show, or a file whose first line it is"),
        ("POSTERN_CACERT", "authorities that they trust in place of the system's"),
        ("POSTERN_CONFIG", "the file of settings of postern serve"),
        ("POSTERN_NAME", "any setting of postern serve: \\-\\-max\\-topics is POSTERN_MAX_TOPICS"),
    ):
        yield f".TP\n.B {name}\n{meaning}"
    yield ".SH SEE ALSO\n.BR curl (1),\n.BR jq (1),\n.BR systemd.service (5)"


def main():
    [_, binary] = sys.argv
    dumped = subprocess.run([binary, "--experimental-dump-help"], check=True, capture_output=True).stdout
    version = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    moment = int(os.environ.get("SOURCE_DATE_EPOCH", datetime.datetime.now().timestamp()))
    date = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%d")
    print("\n".join(page(json.loads(dumped), version, date)))


if __name__ == "__main__":
    main()
