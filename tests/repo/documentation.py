#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every ```cpp block of the documentation is a program: it is compiled, run, and its output compared with the ```text
block that follows it. A relative link must lead to something, and docs/README.md to every page.

    documentation.py [COMPILER [FILE...]]     without files: every page at the top and in docs/
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = ["-std=c++20", "-O0", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-I", str(ROOT / "include")]
LIBRARIES = ["-lsqlite3", "-lfmt", "-lhiredis", "-pthread"]
BLOCK = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
SECONDS = 60


def programs(file):
    """(line, program, expected output or None) of each cpp block."""
    text = file.read_text()
    blocks = list(BLOCK.finditer(text))
    for block, following in zip(blocks, blocks[1:] + [None]):
        if block.group(1) != "cpp":
            continue
        beside = following and following.group(1) == "text" and not text[block.end():following.start()].strip()
        yield text.count("\n", 0, block.start()) + 1, block.group(2), following.group(2) if beside else None


def broken_links(file):
    """The relative links of a page that lead nowhere."""
    text = BLOCK.sub("", file.read_text())
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    return [t for t in targets if "://" not in t and not t.startswith("mailto:") and not (file.parent / t).exists()]


def unlinked_pages():
    """The pages of docs/ that its index does not name."""
    index = (ROOT / "docs" / "README.md").read_text()
    return [p.name for p in sorted((ROOT / "docs").glob("*.md")) if p.name != "README.md" and f"]({p.name})" not in index]


def trimmed(output):
    return [line.rstrip() for line in output.rstrip().splitlines()]


def failure(compiler, program, expected):
    """Why this block is wrong; None if it is right."""
    if expected is None:
        return "a cpp block needs a text block with its output directly after it (a fragment is a c++ block)"
    with tempfile.TemporaryDirectory() as folder:
        source, binary = pathlib.Path(folder) / "example.cpp", pathlib.Path(folder) / "example"
        source.write_text(program)
        launcher = ["ccache"] if shutil.which("ccache") else []
        for command in ([*launcher, compiler, *FLAGS, "-c", "example.cpp", "-o", "example.o"],
                        [compiler, "example.o", *LIBRARIES, "-o", str(binary)]):
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                return "does not build:\n" + done.stderr[:4000]
        try:
            done = subprocess.run([binary], cwd=folder, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return f"still runs after {SECONDS} s"
    if done.returncode:
        return f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
    if trimmed(done.stdout) != trimmed(expected):
        return f"prints\n{done.stdout}where the page says\n{expected}"
    return None


def main(arguments):
    compiler = arguments[0] if arguments else "g++"
    files = [pathlib.Path(f) for f in arguments[1:]] or [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    work = [(file, *found) for file in files for found in programs(file)]
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        reasons = list(pool.map(lambda item: failure(compiler, item[2], item[3]), work))
    bad = 0
    for (file, line, _, _), reason in zip(work, reasons):
        if reason:
            bad += 1
            print(f"{file.name}:{line}: {reason}\n")
    for file in files:
        for target in broken_links(file):
            bad += 1
            print(f"{file.name}: the link to {target} leads nowhere\n")
    for name in [] if arguments[1:] else unlinked_pages():
        bad += 1
        print(f"docs/README.md does not lead to {name}\n")
    print(f"{len(work)} documented programs in {len(files)} pages, {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
