#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The conventions of the project that a machine can check.

    lint.py              every gate
    lint.py GATE...      only these
    lint.py --fix format formats the sources in place
    lint.py --list       names the gates
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import headers

ROOT = headers.ROOT
EXPENSIVE = {"iostream", "regex", "future", "thread", "random", "functional", "memory", "format"}
MAX_HEADER = 400
MAX_FUNCTION = 60
MAX_LINE = 100
CODE = {".hpp", ".cpp"}
# Spelt in two parts so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "not imple" + "mented"]) + r")\b")
MACHINE_PATH = re.compile(r"(?<![\w./}])/(?:work|farm|root|home|tmp)/")
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\b")
MAY_SLEEP = ("tests/crash/", "tests/integration/", "tests/explore/")
# A coroutine has to catch by itself what it awaits, and the call of a pipeline has to be inlined; all others use exceptions.hpp.
THE_ONES_WITH_TRY = ("core/detail/exceptions.hpp", "resilience/detail/pipeline_result.hpp", "resilience/pipeline_coroutine.hpp")
# The include that fails by intent where the language is too old.
TOO_OLD = '"gabion needs C++20'


def sources():
    """Every file of the repository, as paths relative to its root; also those that are new and not ignored."""
    done = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"./dev lint: `git ls-files` failed, and only a git checkout can be checked: {done.stderr.strip()}")
    return [f for f in done.stdout.splitlines() if (ROOT / f).is_file()]


def code():
    return [f for f in sources() if pathlib.Path(f).suffix in CODE]


def text_of(file):
    return (ROOT / file).read_text(errors="replace")


def is_core(header):
    """A header that everybody pays for: not an adapter, not part of the testing kit."""
    return not header.startswith(("gabion/adapters/", "gabion/testing/"))


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


STRIP = re.compile(r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)


RAW = re.compile(r'R"(\w*)\(.*?\)\1"', re.DOTALL)


def raw_lines(text):
    """The numbers of the lines that hold a raw string, which no formatter may break."""
    return {number for m in RAW.finditer(text)
            for number in range(text.count("\n", 0, m.start()) + 1, text.count("\n", 0, m.end()) + 2)}


def bare(text):
    """`text` without comments and literals, every line where it was."""
    return STRIP.sub(blank, text)


def unformatted(files):
    """The first line of each of these files that clang-format would change."""
    done = subprocess.run(["clang-format", "--dry-run", *files], cwd=ROOT, capture_output=True, text=True)
    return sorted({f"{m.group(1)}:{m.group(2)}" for m in re.finditer(r"^(\S+?):(\d+):\d+: warning: code should be", done.stderr, re.MULTILINE)})


def wrong_version():
    """Why the clang-format on the path is not the pinned one; None if it is."""
    wanted = re.search(r"^clang-format==(\S+)", text_of("tools/requirements.txt"), re.MULTILINE).group(1)
    try:
        have = subprocess.run(["clang-format", "--version"], capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        have = "none"
    return None if f" {wanted}" in have else f"clang-format {wanted} is needed (./dev lint installs it), found: {have}"


def gate_format():
    """every source is as the pinned clang-format leaves it"""
    if wrong := wrong_version():
        return [wrong]
    files = code()
    chunks = [files[i:i + 40] for i in range(0, len(files), 40)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        places = [place for chunk in pool.map(unformatted, chunks) for place in chunk]
    seen, found = set(), []
    for place in places:
        file = place.rsplit(":", 1)[0]
        if file not in seen:
            seen.add(file)
            found.append(f"{place}: not formatted (./dev format)")
    return found


def fix_format():
    if wrong := wrong_version():
        return [wrong]
    subprocess.run(["clang-format", "-i"] + code(), cwd=ROOT, check=True)
    return []


def gate_text():
    """first line, tabs, trailing blanks, length of lines (raw strings apart), unfinished words, paths of a machine"""
    found = []
    for file in sources():
        text = text_of(file)
        lines = text.split("\n")
        suffix = pathlib.Path(file).suffix
        raw = raw_lines(text) if suffix in CODE else set()
        if suffix in CODE and lines[0] != "// SPDX-License-Identifier: MIT":
            found.append(f"{file}:1: the first line must be // SPDX-License-Identifier: MIT")
        if text and not text.endswith("\n"):
            found.append(f"{file}:{len(lines)}: no newline at the end")
        for number, line in enumerate(lines, 1):
            where = f"{file}:{number}: "
            if "\t" in line:
                found.append(where + "a tab")
            if line != line.rstrip():
                found.append(where + "trailing blanks")
            if suffix in CODE and len(line) > MAX_LINE and number not in raw:
                found.append(where + f"{len(line)} columns; allowed: {MAX_LINE}")
            if UNFINISHED.search(line):
                found.append(where + "an unfinished-work mark")
            if MACHINE_PATH.search(line):
                found.append(where + "a path of one machine")
    return found


def gate_headers():
    """length, expensive std headers, try and throw, macros, using namespace, #pragma once, the header lists"""
    found = []
    for header in headers.public_headers():
        file = "include/" + header
        text = text_of(file)
        lines = text.splitlines()
        stripped = bare(text).splitlines()
        long = sum(1 for line in stripped if line.strip())
        if long > MAX_HEADER:
            found.append(f"{file}:1: {long} lines of code; allowed: {MAX_HEADER}")
        if "#pragma once" not in lines[:3]:
            found.append(f"{file}:1: #pragma once must be in the first three lines")
        for number, line in enumerate(stripped, 1):
            where = f"{file}:{number}: "
            include = re.match(r"\s*#\s*include\s*(\S+)", lines[number - 1])
            if include and not include.group(1).startswith("<") and TOO_OLD not in lines[number - 1]:
                found.append(where + "a public header includes with angle brackets")
            if include and is_core(header) and include.group(1).strip("<>") in EXPENSIVE:
                found.append(where + f"{include.group(1)} is too expensive for a core header")
            if is_core(header) and not header.endswith(THE_ONES_WITH_TRY) and re.search(r"\b(try|throw)\b", line):
                found.append(where + "try and throw are allowed only in core/detail/exceptions.hpp")
            if re.match(r"\s*#\s*define\s+(?!GABION_VERSION)", line):
                found.append(where + "a public header defines no macro")
            if re.search(r"\bnamespace\s+\w+::inline\b", line):
                found.append(where + "spell out `namespace gabion { inline namespace v0 {`: ctags does not know the short form")
            if re.search(r"\busing\s+namespace\b", line):
                found.append(where + "using namespace in a header")
    if subprocess.run([sys.executable, ROOT / "tools" / "headers.py", "--check"], capture_output=True).returncode:
        found.append("cmake/headers.cmake: does not match include/ (./dev headers)")
    return found


NOT_A_FUNCTION = re.compile(r"\b(namespace|class|struct|union|enum|concept|extern)\b(?![^{]*\)\s*(const|noexcept|->|$))")


def function_lengths(text):
    """(first line, number of lines) of each function body that is not inside another one."""
    stripped = bare(text)
    result, stack, head_from = [], [], 0
    for i, c in enumerate(stripped):
        if c in ";}":
            head_from = i + 1 if not (stack and stack[-1][1]) else head_from
        if c == "{":
            head = stripped[head_from:i]
            is_function = "(" in head and not NOT_A_FUNCTION.search(head) and "TEST_CASE" not in head
            stack.append((i, is_function or bool(stack and stack[-1][1]), is_function))
            head_from = i + 1
        elif c == "}" and stack:
            start, _, is_function = stack.pop()
            inside = bool(stack and stack[-1][1])
            if is_function and not inside:
                first = stripped.count("\n", 0, start) + 1
                result.append((first, stripped.count("\n", 0, i) + 2 - first))
            head_from = i + 1
    return result


def gate_functions():
    """no function is longer than 60 lines"""
    found = []
    for file in code():
        for line, length in function_lengths(text_of(file)):
            if length > MAX_FUNCTION:
                found.append(f"{file}:{line}: a function of {length} lines; allowed: {MAX_FUNCTION}")
    return found


def gate_sleeps():
    """tests move time by hand"""
    return [f"{file}:{number}: a test that sleeps"
            for file in code() if file.startswith("tests/") and not file.startswith(MAY_SLEEP)
            for number, line in enumerate(bare(text_of(file)).splitlines(), 1) if SLEEP.search(line)]


def gate_explainers():
    """what a concept's explainer says is tested by a pair that must fail to compile"""
    tests = [f for f in sources() if f.startswith("tests/")]
    pairs = "\n".join(text_of(f) for f in tests if re.search("GABION_MUST_FAIL|gabion_add_compile_fail", text_of(f)))
    return [f"include/{header}: no compile-fail pair in tests/ is about explain_{concept}"
            for header in headers.public_headers()
            for concept in re.findall(r"consteval bool explain_(\w+)", text_of("include/" + header))
            if not re.search(rf"\b(explain_)?{concept}\b", pairs)]


# Asio 1.22 does not see that clang has coroutines.
CLANG_ASIO = ["-DASIO_HAS_CO_AWAIT=1", "-DASIO_HAS_STD_COROUTINE=1"]


def tidy_one(names, folder, index):
    unit = pathlib.Path(folder) / f"part{index}.cpp"
    unit.write_text("".join(f"#include <{name}>\n" for name in names))
    done = subprocess.run(["clang-tidy-14", "--quiet", f"--config-file={ROOT / '.clang-tidy'}", str(unit), "--", "-std=c++20",
                           "-I", str(ROOT / "include"), *CLANG_ASIO], capture_output=True, text=True)
    findings = re.findall(r"^(?:\S*/)?(?=include/gabion/|part\d)(\S+:\d+:\d+: (?:error|warning): .*)$", done.stdout, re.MULTILINE)
    findings += re.findall(r"^error: .*$", done.stdout, re.MULTILINE)
    return findings if findings or done.returncode == 0 else [done.stdout + done.stderr]


def gate_tidy():
    """clang-tidy over all public headers, in two translation units"""
    names = headers.public_headers()
    jobs = min(2, os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        parts = [names[: len(names) // 2], names[len(names) // 2:]] if jobs > 1 else [names]
        found = pool.map(tidy_one, parts, [folder] * len(parts), range(len(parts)))
        return sorted({finding for part in found for finding in part})


GATES = {name.removeprefix("gate_"): gate for name, gate in list(globals().items()) if name.startswith("gate_")}


def main(arguments):
    if arguments == ["--list"]:
        print("\n".join(f"{name:10} {gate.__doc__}" for name, gate in GATES.items()))
        return 0
    if arguments == ["--fix", "format"]:
        wrong = fix_format()
        print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
        return 1 if wrong else 0
    unknown = [name for name in arguments if name not in GATES]
    if unknown:
        kind = "option" if unknown[0].startswith("-") else "gate"
        print(f"./dev lint: unknown {kind}: {', '.join(unknown)}; allowed: --list, --fix format, or any of: {', '.join(GATES)}", file=sys.stderr)
        return 2
    failed = 0
    for name in arguments or GATES:
        found = GATES[name]()
        print(f"{name:10} {'ok' if not found else f'{len(found)} found'}")
        for line in found:
            print("  " + line)
        failed += bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
