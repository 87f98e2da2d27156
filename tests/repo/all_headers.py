#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles translation units that include all public headers at once, under conditions that users have.

    all_headers.py COMPILER hostile        Windows' and Qt's favourite macros are defined before any gabion header
    all_headers.py COMPILER no_exceptions  -fno-exceptions -fno-rtti, for every component
    all_headers.py COMPILER odr            two translation units, one with NDEBUG, link and run; NDEBUG changes no header
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import headers
import preprocess

STRICT = ["-std=c++20", "-O0", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
# Expands to something that compiles nowhere.
POISON = "@ a macro that the user defined @"
HOSTILE = ["min(a, b)", "max(a, b)", "check(x)", "verify(x)", "CHECK(x)", "VERIFY(x)", "REQUIRE(x)",
           "ASSERT(x)", "ERROR", "DELETE", "IN", "OUT", "OPTIONAL", "CONST", "VOID", "TRUE", "FALSE", "STRICT", "interface",
           "small", "near", "far", "emit", "signals", "slots", "foreach(a, b)", "forever", "Yield()", "CreateEvent",
           "GetMessage", "SendMessage", "GetObject", "GetCurrentTime", "Status", "Success", "None", "Bool", "Always"]
COMPONENTS = ("core", "circuit_breaker", "resilience", "log", "outbox", "cqrs", "observe")


def chosen(*targets):
    return [h for target in targets for h in headers.groups().get(target, [])]


def includes(names):
    return "".join(f"#include <{name}>\n" for name in names)


def std_includes(names):
    """The standard headers that these headers name, sorted. They come before a hostile macro does."""
    named = {i for name in names for i in preprocess.direct_includes(name)}
    return sorted(i for i in named if not i.startswith("gabion/"))


def compile_text(compiler, folder, name, text, flags):
    source = pathlib.Path(folder) / f"{name}.cpp"
    source.write_text(text)
    launcher = ["ccache"] if shutil.which("ccache") else []
    done = subprocess.run([*launcher, compiler, *STRICT, *preprocess.include_flags(), *flags, str(source)],
                          capture_output=True, text=True, cwd=folder)
    if done.returncode:
        sys.exit(f"{name} does not compile:\n{done.stderr[:8000]}")


def hostile(compiler, folder):
    names = chosen(*COMPONENTS, "memory", "testing", *(t for t in ("sqlite", "nlohmann_json", "fmt", "redis") if t in headers.groups()))
    macros = "".join(f"#define {macro} {POISON}\n" for macro in HOSTILE)
    undefined = "".join(f"#undef {macro.split('(')[0]}\n" for macro in HOSTILE)
    compile_text(compiler, folder, "hostile", includes(std_includes(names)) + undefined + macros + includes(names),
                 ["-fsyntax-only"])
    return len(names)


def no_exceptions(compiler, folder):
    names = chosen(*COMPONENTS)
    compile_text(compiler, folder, "no_exceptions", includes(names), ["-fsyntax-only", "-fno-exceptions", "-fno-rtti"])
    return len(names)


def odr(compiler, folder):
    names = chosen(*COMPONENTS, "memory", "testing")
    for flag in ("-DNDEBUG", "-UNDEBUG"):
        unit = "unit" + flag[1:]
        function = "first" if flag == "-DNDEBUG" else "second"
        compile_text(compiler, folder, unit, includes(names) + f"int {function}();\nint {function}() {{ return 0; }}\n",
                     ["-c", "-o", f"{unit}.o", flag])
    compile_text(compiler, folder, "main", "int first();\nint second();\nint main() { return first() + second(); }\n",
                 ["-c", "-o", "main.o"])
    program = str(pathlib.Path(folder) / "program")
    done = subprocess.run([compiler, *pathlib.Path(folder).glob("*.o"), "-pthread", "-o", program], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"two translation units with all headers do not link:\n{done.stderr[:8000]}")
    subprocess.run([program], check=True)
    # A header that reads NDEBUG means two things in one program.
    for name in names:
        text = (headers.INCLUDE / name).read_text()
        if "NDEBUG" in text or "<cassert>" in text or "<assert.h>" in text:
            sys.exit(f"{name} depends on NDEBUG: its meaning may differ between translation units")
    return len(names)


def main():
    compiler, mode = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        count = {"hostile": hostile, "no_exceptions": no_exceptions, "odr": odr}[mode](compiler, folder)
    print(f"{count} headers")


if __name__ == "__main__":
    main()
