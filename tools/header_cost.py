#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What including a public header costs: non-blank preprocessed lines, which are a budget, and g++ time, which informs.

    header_cost.py --check [COMPILER]  exits with 1 if a header is over its budget or missing in a table, or an umbrella is
                                       over its ratio; the test repo.headers does the same
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
# A budget that is a promise: --write neither lowers nor raises it.
FIXED = {"gabion/circuit_breaker.hpp": 46_100}
# An umbrella costs at most this many times the standard headers that it needs.
MOST = 1.08
# Those that do not reach it, and what they keep to. A small baseline weighs against a header, so the breaker's went up as
# its lines went down. See the page.
ALSO_ALLOWED = {"gabion/circuit_breaker.hpp": 1.10, "gabion/cqrs.hpp": 1.11, "gabion/resilience.hpp": 1.27}


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


def umbrellas(names):
    return [h for h in names if h.count("/") == 1 and h != "gabion/version.hpp"]


def needed_standard_headers(header):
    """The standard headers that a header and all that it includes name themselves."""
    return sorted({i for h in headers.closure(header) for i in preprocess.direct_includes(h) if not i.startswith("gabion/")})


def baselines(names):
    """umbrella -> the lines of the standard headers that it needs, without any of gabion's."""
    return {h: preprocess.preprocess(needed_standard_headers(h))[0] for h in names}


def most(header):
    return ALSO_ALLOWED.get(header, MOST)


def milliseconds(names):
    """The CPU time of one compilation, in ms."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["g++", "-std=c++20", "-fsyntax-only", "-x", "c++", "-", *preprocess.include_flags()],
                   input="".join(f"#include <{name}>\n" for name in names), text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))


def violations(compiler, reached):
    """What is wrong. `reached`: header -> (lines, files), as preprocess_all gives it. The budgets are those of one compiler."""
    name = compiler_name(compiler)
    if name != REFERENCE:
        print(f"the budgets are those of {REFERENCE}; with {name} they are not checked")
        return []
    budgets, table = read_budgets(), TABLE.read_text() if TABLE.exists() else ""
    found = []
    for header, (count, _) in reached.items():
        if header not in budgets:
            found.append(f"{header} has no budget: ./dev headers")
        elif count > budgets[header]:
            found.append(f"{header}: {count} preprocessed lines; its budget is {budgets[header]}. Find the include that costs it, "
                         "or raise the budget by tools/header_cost.py --write --raise and say why")
        if f"| `{header}` |" not in table:
            found.append(f"{header} is not in {TABLE.name}: ./dev headers")
    found += [f"{header} has a budget but does not exist: ./dev headers" for header in budgets if header not in reached]
    for header, baseline in baselines(umbrellas(reached)).items():
        if reached[header][0] > most(header) * baseline:
            found.append(f"{header} costs {reached[header][0] / baseline:.3f} times the standard headers that it needs; "
                         f"allowed: {most(header)}")
    return found


def check(compiler):
    reached = preprocess.preprocess_all(headers.public_headers(), compiler)
    found = violations(compiler, reached)
    print("\n".join(found) if found else f"{len(reached)} headers within their budgets")
    return 1 if found else 0


def page(lines):
    every = umbrellas(lines)
    baseline = baselines(every)
    rows = "".join(f"| `{h}` | {lines[h]:,} |\n" for h in lines if h not in every)
    components = "".join(f"| `{h}` | {lines[h]:,} | {baseline[h]:,} | {lines[h] / baseline[h]:.3f} | {most(h)} | {milliseconds([h])} | "
                         f"{milliseconds(needed_standard_headers(h))} |\n" for h in every)
    scale = ", ".join(f"`<{h}>` {n:,}" for h, (n, _) in preprocess.preprocess_all(["string", "chrono", "mutex", "algorithm"]).items())
    return (
        "# Header cost\n\n"
        "What one `#include` costs a translation unit that has nothing else: non-blank lines after preprocessing, and the CPU time\n"
        f"of `{REFERENCE.replace(' ', '-')} -std=c++20 -fsyntax-only` in ms (one run on one machine: compare them with each other only).\n"
        "The lines are a budget that a test enforces. `./dev headers` writes this page.\n\n"
        f"For scale, of the standard library alone: {scale}.\n\n"
        "## Components\n\n"
        "Nearly all of it is the standard library's. \"std\" is what the standard headers that an umbrella needs cost without\n"
        f"gabion, \"ratio\" the umbrella over that, \"at most\" what the test allows. The goal is {MOST}.\n\n"
        "| header | lines | std | ratio | at most | ms | std ms |\n|---|---:|---:|---:|---:|---:|---:|\n" + components +
        "\n`resilience.hpp` brings every policy, which is more than most programs use: include the policies one by one, from the\n"
        "table below. `circuit_breaker.hpp` has a second limit, of 46,100 lines.\n"
        "\n## Every header\n\n| header | lines |\n|---|---:|\n" + rows)


def write(may_raise):
    lines = {header: count for header, (count, _) in preprocess.preprocess_all(headers.public_headers()).items()}
    old = read_budgets()
    budgets = {h: FIXED.get(h) or (ceiling(n) if may_raise else min(ceiling(n), old.get(h, ceiling(n)))) for h, n in lines.items()}
    over = [h for h, n in lines.items() if n > budgets[h]]
    for header in over:
        print(f"{header}: {lines[header]} lines are over the budget of {budgets[header]}, which stays")
    BUDGETS.write_text(f"# Non-blank preprocessed lines that a header may cost, {REFERENCE}. Kept by `./dev headers`.\n" +
                       "".join(f"{h} {n}\n" for h, n in budgets.items()))
    TABLE.write_text(page(lines))
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
