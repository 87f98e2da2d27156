#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long a translation unit with one command bus compiles, by the number of command types.

    bus_compile_time.py [COMPILER...]      default: g++ clang++

For each size: the handlers alone, called directly (the floor), a bus that handles and sends every command, and the same with three
middlewares. CPU seconds and peak memory of one compilation at -O2; the difference to the floor is what the bus costs.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

INCLUDE = pathlib.Path(__file__).resolve().parents[1] / "include"
SIZES = (10, 100, 700)


def program(types, shape):
    lines = ["#include <gabion/cqrs/command_bus.hpp>"]
    lines += [f"struct c{i} {{ int n; }};" for i in range(types)]
    lines += ["int main(int argc, char**) {", "  int sum = 0;"]
    handler = "[&](const c{0}& c) {{ return sum += c.n + {0}; }}"
    if shape == "direct":
        lines += [f"  const auto h{i} = {handler.format(i)};" for i in range(types)]
        lines += [f"  h{i}(c{i}{{argc}});" for i in range(types)]
    else:
        lines += ["  gabion::command_bus bus{"]
        if shape == "three middlewares":
            lines.insert(-1, "  const auto count = [&](auto& context, const auto& m, auto& next) -> decltype(auto) "
                             "{ ++sum; return next(context, m); };")
            lines += ["    gabion::middlewares{count, count, count},"]
        lines += [f"    gabion::handle({handler.format(i)})," for i in range(types)]
        lines[-1] = lines[-1].rstrip(",")
        lines += ["  };"]
        lines += [f"  bus.send(c{i}{{argc}});" for i in range(types)]
    return "\n".join([*lines, "  return sum;", "}", ""])


def compile_cost(compiler, text):
    """CPU seconds and peak memory in MB, of the compiler and its children."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "bus.cpp"
        source.write_text(text)
        command = [compiler, "-std=c++20", "-O2", f"-I{INCLUDE}", "-c", str(source), "-o", os.devnull]
        measured = ("import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); "
                    "u = resource.getrusage(resource.RUSAGE_CHILDREN); print(u.ru_utime + u.ru_stime, u.ru_maxrss / 1024); sys.exit(code)")
        done = subprocess.run([sys.executable, "-c", measured, *command], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{compiler} does not compile the program:\n{done.stderr[:4000]}")
        seconds, megabytes = map(float, done.stdout.split())
        return seconds, megabytes


def main():
    compilers = sys.argv[1:] or [c for c in ("g++", "clang++") if shutil.which(c)]
    print(f"{'compiler':<12}{'types':>7}  {'shape':<20}{'CPU s':>8}{'MB':>7}")
    for compiler in compilers:
        for types in SIZES:
            for shape in ("direct", "bus", "three middlewares"):
                seconds, megabytes = compile_cost(compiler, program(types, shape))
                print(f"{compiler:<12}{types:>7}  {shape:<20}{seconds:>8.2f}{megabytes:>7.0f}", flush=True)


if __name__ == "__main__":
    main()
