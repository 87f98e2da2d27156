# SPDX-License-Identifier: MIT
"""What a public header drags in, as the compiler's preprocessor sees it."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import tempfile

import headers


def include_flags(extra=()):
    return ["-I", str(headers.INCLUDE), *extra]


def preprocess(header, compiler="g++", flags=()):
    """(number of non-blank lines, set of files read) of a translation unit that includes `header` alone."""
    with tempfile.TemporaryDirectory() as folder:
        rules = pathlib.Path(folder) / "rules"
        done = subprocess.run(
            [compiler, "-std=c++20", "-E", "-P", "-x", "c++", "-", *include_flags(flags), "-MD", "-MF", str(rules), "-MT", "x"],
            input=f"#include <{header}>\n", capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{header} cannot be preprocessed:\n{done.stderr}")
        files = rules.read_text().replace("\\\n", " ").split()[1:]
    lines = sum(1 for line in done.stdout.splitlines() if line.strip())
    return lines, {f for f in files if f != "-"}


def preprocess_all(names, compiler="g++", flags=()):
    """header -> (lines, files), two at a time."""
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        return dict(zip(names, pool.map(lambda name: preprocess(name, compiler, flags), names)))


def own(files):
    """Of the files read, gabion's own, as include names."""
    root = headers.INCLUDE.as_posix() + "/"
    return {os.path.normpath(f).removeprefix(root) for f in files if os.path.normpath(f).startswith(root)}


def direct_includes(header):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', (headers.INCLUDE / header).read_text(), re.MULTILINE)
