#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lists the known faults: those with a test of the right behaviour that fails today, and is expected to.

    faults.py            lists the open faults with their tests
    faults.py --mended   lists the mended faults with their tests
    faults.py --check    exits with 1 if a test of a fault has no id or a documented fault has no test

A test of a fault is called "M1: what is right" and tagged [fault]; [!shouldfail] marks it as open. A pair of sources that must not
compile is marked by FAULT <id> and OPEN in CMake. `./dev test` runs them all: an open fault whose test passes fails the run.
"""
import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FAULTS = ROOT / "tests" / "faults"
CASE = re.compile(r'(?:TEST_CASE|TEMPLATE_TEST_CASE|SCENARIO)\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', re.DOTALL)
PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"')
ID = re.compile(r"([A-Z]\d+[a-z]*): (.+)", re.DOTALL)
COMPILE = re.compile(r"gabion_add_\w+_fail\(((?:[^()\"]|\"(?:[^\"\\]|\\.)*\")*)\)", re.DOTALL)
ROW = re.compile(r"^\|\s*([A-Z]\d+[a-z]*)\s*\|", re.MULTILINE)


def joined(text):
    return "".join(PIECE.findall(text))


def cases():
    """(id, what is right, open, where) of each test of a fault; id is None where the name has none."""
    for file in sorted((ROOT / "tests").rglob("*.test.cpp")):
        text = file.read_text()
        for match in CASE.finditer(text):
            tags = joined(match.group(2))
            if "[fault]" not in tags and "[!shouldfail]" not in tags:
                continue
            name = ID.fullmatch(joined(match.group(1)))
            where = f"{file.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}"
            title = name.group(2) if name else joined(match.group(1))
            yield name and name.group(1), title, "[!shouldfail]" in tags, where


def pairs():
    """The same for sources that must not compile, and for other tests that CMake marks."""
    for file in sorted((ROOT / "tests").rglob("CMakeLists.txt")):
        text = file.read_text()
        for match in COMPILE.finditer(text):
            words = match.group(1).split()
            if "FAULT" in words and "${" not in words[words.index("FAULT") + 1]:
                where = f"{file.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}"
                name = words[words.index("NAME") + 1]
                yield words[words.index("FAULT") + 1], f"{name} does not compile, and says why", "OPEN" in words, where


def order(fault):
    letter, number, rest = re.fullmatch(r"([A-Z])(\d+)([a-z]*)", fault[0]).groups()
    return "RMQSP".find(letter), int(number), rest


def found():
    every = [*cases(), *pairs()]
    return sorted((f for f in every if f[0]), key=order), [f for f in every if not f[0]]


def show(faults):
    for identifier, title, _, where in faults:
        print(f"{identifier:5} {title}\n      {where}")
    print(f"{len({f[0] for f in faults})} faults, {len(faults)} tests")


def check(faults, nameless):
    wrong = [f"{where}: the test of a fault must be called \"<id>: <what is right>\"" for _, _, _, where in nameless]
    known = {f[0] for f in faults}
    for page in sorted(FAULTS.glob("*.md")):
        wrong += [f"tests/faults/{page.name}: {row} has no test" for row in ROW.findall(page.read_text()) if row not in known]
    print("\n".join(wrong) if wrong else f"{len(faults)} tests of faults have their ids")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(prog="./dev faults", description="Lists the known faults with their tests.")
    parser.add_argument("--mended", action="store_true", help="list the mended faults instead")
    parser.add_argument("--check", action="store_true", help="check that each test has an id and each documented fault a test")
    arguments = parser.parse_args()
    faults, nameless = found()
    if arguments.check:
        return check(faults, nameless)
    show([f for f in faults if f[2] != arguments.mended])
    return 0


if __name__ == "__main__":
    sys.exit(main())
