#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Instructions per call, counted by callgrind: the figure that does not depend on what else the machine is doing.

    instructions.py --write PROGRAM    counts every scenario of the program and writes docs/instructions.md
    instructions.py --check PROGRAM    exits with 1 if a scenario is more than a tenth over the table, or is not in it

Each scenario runs twice, a few and many times; the difference has no start-up in it.
"""
import pathlib
import re
import shutil
import subprocess
import sys

TABLE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "instructions.md"
FEW, MANY = 1_000, 11_000
HEAD = """# Instructions per call

Counted by callgrind, g++ 12, `-O2`, x86-64: repeatable where nanoseconds are not. One thread; the clock is a variable, so that reading it
costs next to nothing here; `benchmarks/` measures the time with real clocks. An atomic update counts as one instruction and takes longer than one. The
table is written by `./dev instructions`; a test keeps every row within a tenth of it.

| scenario | instructions |
|---|---|
"""


def total(program, scenario, times):
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, scenario, str(times)],
                         capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr).group(1))


def measure(program):
    names = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    return {name: round((total(program, name, MANY) - total(program, name, FEW)) / (MANY - FEW), 1) for name in names}


def table():
    rows = re.findall(r"^\| (.+?) \| ([0-9.]+) \|$", TABLE.read_text(), re.MULTILINE) if TABLE.exists() else []
    return {name: float(count) for name, count in rows}


def check(program):
    known, found = table(), []
    for name, count in measure(program).items():
        if name not in known:
            found.append(f"{name!r} is not in {TABLE.name}: ./dev instructions")
        elif count > known[name] * 1.1 + 1:
            found.append(f"{name!r} takes {count} instructions; the table says {known[name]}. Find what costs them, or write the "
                         "table anew by ./dev instructions and say why")
    print("\n".join(found) if found else f"{len(known)} scenarios within a tenth of {TABLE.name}")
    return 1 if found else 0


def main(arguments):
    if len(arguments) != 2 or arguments[0] not in ("--write", "--check"):
        print(__doc__)
        return 2
    if shutil.which("valgrind") is None:
        print("instructions.py: valgrind is not installed; on Debian: apt-get install valgrind")
        return 1
    if not pathlib.Path(arguments[1]).is_file():
        print(f"instructions.py: there is no program {arguments[1]}; ./dev instructions builds it")
        return 1
    if arguments[0] == "--check":
        return check(arguments[1])
    TABLE.write_text(HEAD + "".join(f"| {name} | {count} |\n" for name, count in measure(arguments[1]).items()))
    return 0


sys.exit(main(sys.argv[1:]))
