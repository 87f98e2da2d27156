# SPDX-License-Identifier: MIT
"""What a public header drags in, as the compiler's preprocessor sees it."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import tempfile

import headers

NOT_BLANK = re.compile(rb"^[ \t]*\S", re.MULTILINE)


def include_flags(extra=()):
    return ["-I", str(headers.INCLUDE), *extra]


def preprocess(names, compiler="g++", flags=()):
    """(number of non-blank lines, set of files read) of a translation unit that includes these headers alone."""
    names = [names] if isinstance(names, str) else names
    with tempfile.TemporaryDirectory() as folder:
        rules = pathlib.Path(folder) / "rules"
        done = subprocess.run(
            [compiler, "-std=c++20", "-E", "-P", "-x", "c++", "-", *include_flags(flags), "-MD", "-MF", str(rules), "-MT", "x"],
            input="".join(f"#include <{name}>\n" for name in names).encode(), capture_output=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(names)} cannot be preprocessed:\n{done.stderr.decode(errors='replace')}")
        files = rules.read_text().replace("\\\n", " ").split()[1:]
    return sum(1 for _ in NOT_BLANK.finditer(done.stdout)), {f for f in files if f != "-"}


def preprocess_all(names, compiler="g++", flags=()):
    """header -> (lines, files), two at a time."""
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        return dict(zip(names, pool.map(lambda name: preprocess(name, compiler, flags), names)))


def own(files):
    """Of the files read, gabion's own, as include names."""
    root = headers.INCLUDE.as_posix() + "/"
    return {os.path.normpath(f).removeprefix(root) for f in files if os.path.normpath(f).startswith(root)}


def direct_includes(header):
    """What a header includes by angle brackets; version.hpp has an include that only stops an old compiler."""
    return re.findall(r"^\s*#\s*include\s*<([^>]+)>", (headers.INCLUDE / header).read_text(), re.MULTILINE)
