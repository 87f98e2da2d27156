#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keeps cmake/headers.cmake, the list of public headers per target, in step with include/.

    headers.py           writes the list
    headers.py --check   exits with 1 and says what differs
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"
LIST = ROOT / "cmake" / "headers.cmake"
OWN_INCLUDE = re.compile(r'^\s*#\s*include\s*<(gabion/[^>]+)>', re.MULTILINE)


def public_headers():
    return sorted(p.relative_to(INCLUDE).as_posix() for p in INCLUDE.rglob("*.hpp"))


def own_includes(header):
    """The gabion headers that `header` names itself."""
    path = INCLUDE / header
    return OWN_INCLUDE.findall(path.read_text()) if path.exists() else []


def closure(header):
    """`header` and every gabion header that it includes, directly or not."""
    seen, todo = set(), [header]
    while todo:
        h = todo.pop()
        if h not in seen:
            seen.add(h)
            todo += own_includes(h)
    return seen


def target_of(header, breaker):
    """The folder decides; but what the circuit breaker needs of resilience/ belongs to the circuit breaker."""
    parts = pathlib.PurePosixPath(header).parts[1:]
    stem = parts[0].removesuffix(".hpp")
    if stem == "version":
        return "core"
    if stem == "adapters":
        return parts[1].removesuffix(".hpp")
    if stem == "resilience" and len(parts) > 1 and header in breaker:
        return "circuit_breaker"
    return stem


def groups():
    """Target name -> its headers."""
    every = public_headers()
    breaker = closure("gabion/circuit_breaker.hpp")
    result = {}
    for h in every:
        result.setdefault(target_of(h, breaker), []).append(h)
    return dict(sorted(result.items()))


def render():
    lines = ["# SPDX-License-Identifier: MIT", "# The public headers of each target. Written by `./dev headers`; a test keeps it in step with include/."]
    for name, headers in groups().items():
        lines.append(f"set(gabion_{name}_headers")
        lines += [f"    ${{PROJECT_SOURCE_DIR}}/include/{h}" for h in headers]
        lines[-1] += ")"
    return "\n".join(lines) + "\n"


def main():
    wanted = render()
    if sys.argv[1:] == ["--check"]:
        have = LIST.read_text() if LIST.exists() else ""
        missing = sorted(set(wanted.splitlines()) - set(have.splitlines()))
        stale = sorted(set(have.splitlines()) - set(wanted.splitlines()))
        if have == wanted:
            print(f"{len(public_headers())} headers, each in exactly one target")
            return 0
        print("cmake/headers.cmake does not match include/; run ./dev headers")
        for line in missing:
            print("  not listed:", line.strip())
        for line in stale:
            print("  only listed:", line.strip())
        return 1
    if sys.argv[1:]:
        print(f"headers.py: unknown argument: {' '.join(sys.argv[1:])}; allowed: --check, or none", file=sys.stderr)
        return 2
    if not LIST.exists() or LIST.read_text() != wanted:
        LIST.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
