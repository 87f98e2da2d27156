#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What including a public header costs: non-blank preprocessed lines, which are a budget, and g++ time, which informs.

    header_cost.py --check [COMPILER]  exits with 1 if a header is over its budget or missing in a table, with 77 if this
                                       compiler is not the one that the budgets were made with
    header_cost.py --write             measures, writes docs/header-cost.md and budgets for new headers; a budget that is
                                       there already is lowered if it can be, and never raised
    header_cost.py --write --raise     raises budgets too: a decision, so explain it in the commit
"""
import math
import os
import resource
import subprocess
import sys

import headers
import preprocess

BUDGETS = headers.ROOT / "tools" / "header_budgets.txt"
TABLE = headers.ROOT / "docs" / "header-cost.md"
HEADROOM = 1.05
REFERENCE = "g++ 12"
SKIPPED = 77


def compiler_name(compiler):
    macros = subprocess.run([compiler, "-dM", "-E", "-x", "c++", os.devnull], capture_output=True, text=True, check=True).stdout
    defined = dict(line.split(" ", 2)[1:] for line in macros.splitlines() if line.count(" ") >= 2)
    return ("clang " + defined["__clang_major__"]) if "__clang__" in defined else ("g++ " + defined["__GNUC__"])


def read_budgets():
    if not BUDGETS.exists():
        return {}
    rows = (line.split() for line in BUDGETS.read_text().splitlines() if line and not line.startswith("#"))
    return {header: int(lines) for header, lines in rows}


def ceiling(lines):
    return math.ceil(lines * HEADROOM / 100) * 100


def measured_lines():
    return {header: lines for header, (lines, _) in preprocess.preprocess_all(headers.public_headers()).items()}


def milliseconds(header):
    """The CPU time of one compilation, in ms."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["g++", "-std=c++20", "-fsyntax-only", "-x", "c++", "-", *preprocess.include_flags()],
                   input=f"#include <{header}>\n", text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))


def check(compiler):
    name = compiler_name(compiler)
    if name != REFERENCE:
        print(f"the budgets are those of {REFERENCE}; this is {name}")
        return SKIPPED
    budgets, table = read_budgets(), TABLE.read_text() if TABLE.exists() else ""
    lines = measured_lines()
    found = []
    for header, count in lines.items():
        if header not in budgets:
            found.append(f"{header} has no budget: ./dev headers")
        elif count > budgets[header]:
            found.append(f"{header}: {count} preprocessed lines; its budget is {budgets[header]}. Find the include that costs it, "
                         "or raise the budget by tools/header_cost.py --write --raise and say why")
        if f"| `{header}` |" not in table:
            found.append(f"{header} is not in {TABLE.name}: ./dev headers")
    found += [f"{header} has a budget but does not exist: ./dev headers" for header in budgets if header not in lines]
    print("\n".join(found) if found else f"{len(lines)} headers within their budgets")
    return 1 if found else 0


def write(may_raise):
    lines, old = measured_lines(), read_budgets()
    budgets = {h: ceiling(n) if may_raise else min(ceiling(n), old.get(h, ceiling(n))) for h, n in lines.items()}
    over = [h for h, n in lines.items() if n > budgets[h]]
    for header in over:
        print(f"{header}: {lines[header]} lines are over the budget of {budgets[header]}, which stays")
    BUDGETS.write_text(f"# Non-blank preprocessed lines that a header may cost, {REFERENCE}. Kept by `./dev headers`.\n" +
                       "".join(f"{h} {n}\n" for h, n in budgets.items()))
    umbrella = [h for h in lines if h.count("/") == 1 and h != "gabion/version.hpp"]
    rows = {h: f"| `{h}` | {lines[h]:,} | {milliseconds(h)} |\n" for h in lines}
    scale = ", ".join(f"`<{h}>` {n:,}" for h, (n, _) in preprocess.preprocess_all(["string", "chrono", "functional"]).items())
    head = "| header | lines | ms |\n|---|---:|---:|\n"
    TABLE.write_text(
        "# Header cost\n\n"
        "What one `#include` costs a translation unit that has nothing else: non-blank lines after preprocessing, and the CPU time of\n"
        f"`{REFERENCE.replace(' ', '-')} -std=c++20 -fsyntax-only` in ms (one run on one machine: compare them with each other only).\n"
        "The lines are a budget that a test enforces. `./dev headers` writes this page.\n\n"
        f"For scale, of the standard library alone: {scale}.\n\n"
        "## Components\n\n" + head + "".join(rows[h] for h in umbrella) +
        "\n## Every header\n\n" + head + "".join(rows[h] for h in lines if h not in umbrella))
    return 1 if over else 0


def main(arguments):
    if arguments[:1] == ["--check"]:
        return check(*(arguments[1:2] or ["g++"]))
    if arguments[:1] == ["--write"]:
        return write("--raise" in arguments)
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
