#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each numbered conformance case has a test, and each test that a page of promises names is there.

A test of a case is called "case 7: what holds" or "cases 24 and 25: what holds". The pages name tests in italics in the
last column of their tables; a table whose last column is "test" names one in every row.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = range(1, 81)
PAGES = ["docs/semantics.md", "docs/differences.md"]
TEST = re.compile(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"')
CASE = re.compile(r"cases? (\d+(?: and \d+)*): \S")
NAME = re.compile(r"(?<!\*)\*([^*]+)\*(?!\*)")


def test_names():
    files = [f for f in sorted((ROOT / "tests").rglob("*")) if f.suffix in (".cpp", ".hpp")]
    return {"".join(PIECE.findall(literals)) for file in files for literals in TEST.findall(file.read_text())}


def missing_cases(names):
    tested = {int(n) for name in names if (case := CASE.match(name)) for n in re.findall(r"\d+", case.group(1))}
    return [f"case {n} has no test" for n in CASES if n not in tested] + [f"there is no case {n}" for n in sorted(tested - set(CASES))]


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def wrong_rows(page, text, names):
    """Rows of the tables of tests that name none, or one that is not there."""
    found, rows, columns = [], 0, None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            columns = None
        elif columns is None:
            columns = cells(line)
        elif columns[-1] == "test" and set(line) - set("|-: "):
            rows += 1
            row = cells(line)
            named = NAME.findall(row[-1])
            if len(row) != len(columns):
                found.append(f"{page}:{number}: {len(row)} cells; the table has {len(columns)}")
            elif not named:
                found.append(f"{page}:{number}: names no test")
            found += [f"{page}:{number}: there is no test called '{name}'" for name in named if name not in names]
    return found if rows else [f"{page}: has no table of tests"]


def main():
    names = test_names()
    found = missing_cases(names)
    for page in PAGES:
        found += wrong_rows(page, (ROOT / page).read_text(), names)
    print("\n".join(found) if found else f"{len(CASES)} cases and the tests of {len(PAGES)} pages are there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
