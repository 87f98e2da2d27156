#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long one translation unit compiles that handles and sends every command of a bus, in CPU seconds at -O2.

Prints what a Google Benchmark program prints, so that tools/bench.py can run it:

    cqrs_bus_compile.bench.py [--include FOLDER] [--benchmark_...]   compiles and prints JSON
    cqrs_bus_compile.bench.py --list                                 prints the names of the rows
"""
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
COMPILERS = {"g++": "g++", "clang 14": "clang++-14"}
SIZES = (10, 100, 700)
SHAPES = ("handlers called directly", "`command_bus`", "`command_bus` with three middlewares")
BASELINE = SHAPES[0]


def rows():
    """(name, compiler, number of command types, shape); the baseline of a row is in front of it."""
    return [(f"{label}, {types} types, {shape}", label, types, shape)
            for label in COMPILERS for types in SIZES for shape in SHAPES]


def program(types, shape):
    lines = ["#include <gabion/cqrs/command_bus.hpp>"]
    lines += [f"struct c{i} {{ int n; }};" for i in range(types)]
    lines += ["int main(int argc, char**) {", "  int sum = 0;"]
    handler = "[&](const c{0}& c) {{ return sum += c.n + {0}; }}"
    if shape == BASELINE:
        lines += [f"  const auto h{i} = {handler.format(i)};" for i in range(types)]
        lines += [f"  h{i}(c{i}{{argc}});" for i in range(types)]
    else:
        lines += ["  gabion::command_bus bus{"]
        if "three middlewares" in shape:
            lines.insert(-1, "  const auto count = [&](auto& context, const auto& m, auto& next) -> decltype(auto) "
                             "{ ++sum; return next(context, m); };")
            lines += ["    gabion::middlewares{count, count, count},"]
        lines += [f"    gabion::handle({handler.format(i)})," for i in range(types)]
        lines[-1] = lines[-1].rstrip(",")
        lines += ["  };"]
        lines += [f"  bus.send(c{i}{{argc}});" for i in range(types)]
    return "\n".join([*lines, "  return sum;", "}", ""])


def compile_seconds(compiler, include, text):
    """CPU seconds of the compiler and its children."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "bus.cpp"
        source.write_text(text)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([compiler, "-std=c++20", "-O2", f"-I{include}", "-c", str(source), "-o", os.devnull],
                              capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(f"{compiler} does not compile the program:\n{done.stderr[:4000]}")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments):
    if arguments == ["--list"]:
        print("\n".join(name for name, *_ in rows()))
        return 0
    include = pathlib.Path(arguments[arguments.index("--include") + 1]) if "--include" in arguments else HERE.parent / "include"
    if missing := [c for c in COMPILERS.values() if not shutil.which(c)]:
        sys.exit(f"not installed: {', '.join(missing)}")
    measured = []
    for name, label, types, shape in rows():
        seconds = compile_seconds(COMPILERS[label], include, program(types, shape))
        baseline = "" if shape == BASELINE else f"{label}, {types} types, {BASELINE}"
        measured.append({"name": name, "cpu_time": seconds, "time_unit": "s", "label": baseline})
    print(json.dumps({"benchmarks": measured}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
