#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compile modes and versions that meet in one program.

    modes.py COMPILER mixed      a linker refuses translation units with and without exceptions, and takes either alone
    modes.py COMPILER versions   two versions of gabion in one program, with the same types of the user's
    modes.py COMPILER failures   without exceptions each failure is a value, or aborts with a message that names it
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = HERE.parents[1] / "include"
STRICT = ["-std=c++20", "-O0", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
NO_EXCEPTIONS = ["-fno-exceptions", "-fno-rtti"]
SYMBOL = "translation_units_with_and_without_exceptions_cannot_be_mixed"
ABORTED = -6
# name -> None if the program reports it as a value and ends, otherwise what the message says
FAILURES = {
    "transport_unavailable": None,
    "outbox_store_fails": "injected: acquire_lease was not done",
    "handler_delivers": None,
    "handler_rejects": "rejected",
    "projection_cannot_read": "event 'e-1' of type 'placed' has no data",
    "append_conflicts": None,
    "append_or_throw_conflicts": "orders",
    "bus_returns_code": None,
    "bus_has_no_code": "quantity: must be 1 or more",
}


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300)


def must(done, what):
    if done.returncode:
        sys.exit(f"{what}: exit code {done.returncode}\n{done.stdout[:3000]}{done.stderr[:6000]}")
    return done


def compile_text(compiler, folder, name, text, flags=(), include=INCLUDE):
    source = folder / f"{name}.cpp"
    source.write_text(text)
    launcher = ["ccache"] if shutil.which("ccache") else []
    must(run(*launcher, compiler, *STRICT, *flags, "-I", include, "-I", HERE, "-c", source, "-o", folder / f"{name}.o"), name)
    return folder / f"{name}.o"


def linkers(compiler, folder):
    """The linkers that this compiler can use here."""
    empty = folder / "empty.cpp"
    empty.write_text("int main() {}\n")
    return [name for name in ("bfd", "gold", "lld") if run(compiler, f"-fuse-ld={name}", empty, "-o", folder / "empty").returncode == 0]


def mixed(compiler, folder):
    user = '#include "breaker_user.hpp"\n'
    library = user + "int library();\nint library() { return use_gabion(); }\n"
    program = user + "int library();\nint main() { return library() == 23 && use_gabion() == 23 ? 0 : 1; }\n"
    units = {mode: (compile_text(compiler, folder, f"library_{mode}", library, flags),
                    compile_text(compiler, folder, f"program_{mode}", program, flags))
             for mode, flags in (("with", []), ("without", NO_EXCEPTIONS))}
    found = linkers(compiler, folder)
    for linker in found:
        link = [compiler, f"-fuse-ld={linker}", "-pthread", "-o", folder / "program"]
        for mode, (part, main_part) in units.items():
            must(run(*link, part, main_part), f"{linker}: both {mode} exceptions")
            must(run(folder / "program"), f"{linker}: the program {mode} exceptions")
        for first, second in ((units["with"][0], units["without"][1]), (units["without"][0], units["with"][1])):
            done = run(*link, first, second)
            if done.returncode == 0:
                sys.exit(f"{linker} links translation units with and without exceptions into one program")
            if SYMBOL not in done.stderr:
                sys.exit(f"{linker} refuses the mix but does not say why:\n{done.stderr}")
    if not found:
        sys.exit("no linker was found")
    print(f"refused by {', '.join(found)}")


def gabion_symbols(unit):
    """What this object file defines of gabion's."""
    lines = must(run("nm", "--defined-only", "--format=just-symbols", unit), "nm").stdout.splitlines()
    return {line for line in lines if "gabion" in line and "use_gabion" not in line}


def versions(compiler, folder):
    other = folder / "include"
    shutil.copytree(INCLUDE, other)
    for header in other.rglob("*.hpp"):
        text = header.read_text()
        header.write_text(re.sub(r"\bnamespace v0\b", "namespace v1", text).replace("v0::", "v1::").replace("gabion_v0_", "gabion_v1_"))
    user = '#include "breaker_user.hpp"\n'
    # The user's own inline function would be defined twice too, with two bodies.
    units = [compile_text(compiler, folder, f"version{v}", f"#define use_gabion use_gabion_{v}\n{user}int run_{v}();\n"
                          f"int run_{v}() {{ return use_gabion(); }}\n", include=include)
             for v, include in ((0, INCLUDE), (1, other))]
    units.append(compile_text(compiler, folder, "main", "int run_0();\nint run_1();\n"
                              "int main() { return run_0() == 23 && run_1() == 23 ? 0 : 1; }\n"))
    must(run(compiler, *units, "-pthread", "-o", folder / "program"), "two versions in one program")
    must(run(folder / "program"), "the program with two versions")
    first, second = gabion_symbols(units[0]), gabion_symbols(units[1])
    if len(first) < 10 or len(second) < 10:
        sys.exit("the two versions define nothing of gabion's: this test tests nothing")
    if both := sorted(first & second):
        sys.exit("both versions define:\n" + "\n".join(both))
    print(f"{len(first)} and {len(second)} symbols, none in common")


def failures(compiler, folder):
    unit = compile_text(compiler, folder, "failures", (HERE / "failures.cpp").read_text(), NO_EXCEPTIONS)
    must(run(compiler, unit, "-pthread", "-o", folder / "failures"), "failures")
    wrong = []
    for name, message in FAILURES.items():
        done = run(folder / "failures", name)
        if message is None and done.returncode != 0:
            wrong.append(f"{name}: exit code {done.returncode}; right is a value\n{done.stderr}")
        elif message is not None and done.returncode != ABORTED:
            wrong.append(f"{name}: exit code {done.returncode}; right is an abort\n{done.stderr}")
        elif message is not None and not (done.stderr.startswith("gabion: ") and message in done.stderr):
            wrong.append(f"{name}: the message does not say '{message}':\n{done.stderr}")
    print("\n".join(wrong) if wrong else f"{len(FAILURES)} failures without exceptions")
    if wrong:
        sys.exit(1)


def main():
    compiler, part = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        {"mixed": mixed, "versions": versions, "failures": failures}[part](compiler, pathlib.Path(folder))


if __name__ == "__main__":
    main()
