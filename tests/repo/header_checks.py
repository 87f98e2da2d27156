#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What each public header costs, reaches and needs. Each is preprocessed once, for all of these checks:

    budget          non-blank preprocessed lines, tools/header_budgets.txt and docs/header-cost.md (header_cost.py)
    graph           which components and dependencies it may reach (include_graph.py)
    mode            a header that reads __cpp_exceptions includes core/detail/compile_mode.hpp
    self-contained  it compiles with nothing before it

    header_checks.py [COMPILER]

Self-contained: a header that another one includes is checked in front of that one, in one translation unit. What it
finds there is what it includes itself, for all that comes before it are headers that it includes anyway. So one
translation unit checks a chain such as clock, deadline, backoff, retry, and about 150 check 350 headers.
"""
import concurrent.futures
import os
import pathlib
import re
import resource
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import header_cost
import headers
import include_graph
import preprocess

STRICT = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
MODE = "gabion/core/detail/compile_mode.hpp"
# Asio 1.22 does not see that clang has coroutines.
DEFINITIONS = ["-DASIO_HAS_CO_AWAIT=1", "-DASIO_HAS_STD_COROUTINE=1"]


def chains(reached):
    """The headers in as few and as cheap chains as there can be; in a chain each header is included by the next one.

    A maximum matching of each header with one that includes it, the most expensive ones first.
    """
    users = {h: [] for h in reached}
    for user, (_, files) in reached.items():
        for used in preprocess.own(files) - {user}:
            if used in users:
                users[used].append(user)
    below = {}

    def place(header, tried):
        for user in users[header]:
            if user not in tried:
                tried.add(user)
                if user not in below or place(below[user], tried):
                    below[user] = header
                    return True
        return False

    sys.setrecursionlimit(10_000)
    for header in sorted(reached, key=lambda h: -reached[h][0]):
        place(header, set())
    result = []
    for top in sorted(set(reached) - set(below.values())):
        chain = [top]
        while chain[0] in below:
            chain.insert(0, below[chain[0]])
        result.append(chain)
    return result


def late_includes(header):
    """An #include behind the first code would see more in a chain than alone."""
    code = False
    for number, line in enumerate((headers.INCLUDE / header).read_text().splitlines(), 1):
        if re.match(r"\s*#\s*include\b", line):
            if code:
                yield f"{header}:{number}: an #include behind code"
        elif line.strip() and not re.match(r"\s*(//|#)", line):
            code = True


def compile_alone(compiler, names):
    # Asio 1.22 does not see that clang has coroutines.
    coroutines = ["-DASIO_HAS_CO_AWAIT=1", "-DASIO_HAS_STD_COROUTINE=1"] if "clang" in compiler else []
    done = subprocess.run([compiler, *STRICT, *DEFINITIONS, *coroutines, *preprocess.include_flags(), "-x", "c++", "-"],
                          input="".join(f"#include <{name}>\n" for name in names), capture_output=True, text=True)
    return None if done.returncode == 0 else f"not self-contained: {' '.join(names)}\n{done.stderr[:3000]}"


def self_contained(compiler, reached):
    found = [text for header in reached for text in late_includes(header)]
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        return found + [text for text in pool.map(lambda c: compile_alone(compiler, c), chains(reached)) if text]


def mode(reached):
    return [f"{header} reads __cpp_exceptions but does not include <{MODE}>" for header in reached if header != MODE
            and "__cpp_exceptions" in (headers.INCLUDE / header).read_text() and MODE not in preprocess.direct_includes(header)]


def seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    return sum(u.ru_utime + u.ru_stime for u in used)


CHECKS = {"budget": header_cost.violations, "graph": lambda _, reached: include_graph.violations(reached),
          "mode": lambda _, reached: mode(reached), "self-contained": self_contained}


def main():
    """header_checks.py [COMPILER [CHECK...]]"""
    compiler, names = (sys.argv[1:] or ["g++"])[0], sys.argv[2:] or list(CHECKS)
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        sys.exit(f"header_checks.py: no check is called {', '.join(unknown)}; there are: {', '.join(CHECKS)}")
    begun = seconds()
    reached = preprocess.preprocess_all(headers.public_headers(), compiler)
    print(f"{len(reached)} headers preprocessed in {seconds() - begun:.0f} s of CPU")
    failed = 0
    for name in names:
        begun = seconds()
        found = CHECKS[name](compiler, reached)
        print(f"{name:15} {f'{len(found)} found' if found else 'ok':10} {seconds() - begun:5.1f} s of CPU", flush=True)
        for line in found:
            print("  " + line)
        failed += bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
