#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles the umbrella headers of the core components with the compilers that no test builds with.

    portability.py                every job, and a table of the results
    portability.py --list         lists the jobs
    portability.py JOB...         only these; quote a name that contains a space
    portability.py --keep-going   uses the compilers that are installed; a missing one still counts as a failure

Nothing is linked or run. On Debian 12 the compilers are in clang-19, libc++-19-dev, libc++abi-19-dev, g++-multilib and
g++-mingw-w64-x86-64-posix.
"""
import os
import pathlib
import resource
import shutil
import subprocess
import sys

import headers

STRICT = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
NO_EXCEPTIONS = ["-fno-exceptions", "-fno-rtti"]
COMPONENTS = ("circuit_breaker", "resilience", "log", "outbox", "cqrs", "observe", "gabion")

# job -> (compiler, flags, the Debian packages that bring it)
JOBS = {
    "g++ -fno-exceptions": ("g++", NO_EXCEPTIONS, "g++"),
    "clang-14 -fno-exceptions": ("clang++-14", NO_EXCEPTIONS, "clang-14"),
    # std::stop_token is in libc++ behind this flag until version 20.
    "clang-19 libc++": ("clang++-19", ["-stdlib=libc++", "-fexperimental-library"], "clang-19 libc++-19-dev libc++abi-19-dev"),
    "g++ -m32": ("g++", ["-m32"], "g++-multilib"),
    "mingw-w64": ("x86_64-w64-mingw32-g++-posix", [], "g++-mingw-w64-x86-64-posix"),
}


def umbrellas():
    """component -> its umbrella; of a component without one, the headers that no umbrella brings in, if there are any."""
    found = {c: [f"gabion/{c}.hpp"] for c in COMPONENTS if (headers.INCLUDE / f"gabion/{c}.hpp").exists()}
    covered = {h for names in found.values() for name in names for h in headers.closure(name)}
    groups = headers.groups()
    rest = {c: [h for h in groups.get(c, []) if h not in covered] for c in COMPONENTS if c not in found}
    return found | {c: names for c, names in rest.items() if names}


def missing(compiler, flags):
    """Why this compiler cannot be used, or None. A probe finds a compiler that is there without its library."""
    if not shutil.which(compiler):
        return f"{compiler} is not installed"
    probe = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", *flags, "-x", "c++", "-"], input="#include <version>\n",
                           capture_output=True, text=True)
    return None if probe.returncode == 0 else f"{compiler} {' '.join(flags)} has no standard library"


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compile_one(compiler, flags, names):
    """The compiler's first lines about it, or None."""
    text = "".join(f"#include <{name}>\n" for name in names)
    done = subprocess.run([compiler, *STRICT, *flags, "-I", str(headers.INCLUDE), "-x", "c++", "-"], input=text,
                          capture_output=True, text=True)
    return None if done.returncode == 0 else done.stderr[:4000] or f"exit code {done.returncode}"


def main(arguments):
    if arguments == ["--list"]:
        print("\n".join(JOBS))
        return 0
    unknown = [job for job in arguments if job not in JOBS and job != "--keep-going"]
    if unknown:
        kind = "option" if unknown[0].startswith("-") else "job"
        allowed = ", ".join(["--list", "--keep-going", *(f"'{job}'" for job in JOBS)])
        print(f"./dev portability: unknown {kind}: {', '.join(unknown)}; allowed: {allowed}", file=sys.stderr)
        return 2
    jobs = [job for job in JOBS if job in arguments] or list(JOBS)
    absent = {job: why for job in jobs if (why := missing(*JOBS[job][:2]))}
    for job, why in absent.items():
        print(f"{job}: {why}; on Debian: apt-get install {JOBS[job][2]}")
    if absent and "--keep-going" not in arguments:
        return 1
    components = umbrellas()
    width = max(len(job) for job in jobs)
    print(" | ".join(["".ljust(width), *components, "CPU s"]))
    complaints, start = [], children_seconds()
    for job in jobs:
        cells, begun = [], children_seconds()
        for component, names in components.items():
            text = "missing" if job in absent else compile_one(*JOBS[job][:2], names)
            cells.append(("ok" if text is None else "missing" if job in absent else "FAILS").ljust(len(component)))
            if text and job not in absent:
                complaints.append(f"\n{job}, {component}:\n{text}")
        print(" | ".join([job.ljust(width), *cells, f"{children_seconds() - begun:5.1f}"]), flush=True)
    print("\n".join(complaints) if complaints else f"{len(jobs) - len(absent)} compilers, {children_seconds() - start:.0f} s of CPU")
    return 1 if complaints or absent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
