#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An include only ever goes down, and a core header names the standard library alone.

Reads each public header with the preprocessor, so that conditional includes count as the compiler sees them.
"""
import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import headers
import preprocess

COMPONENTS = {"core", "circuit_breaker", "resilience", "log", "observe", "outbox", "cqrs"}
# target -> the targets whose headers it may reach, besides its own
FLOORS = {
    "core": set(),
    "circuit_breaker": {"core"},
    "resilience": {"core", "circuit_breaker"},
    "log": {"core"},
    "observe": {"core"},
    "outbox": {"core", "log"},
    "cqrs": {"core", "log"},
    "testing": COMPONENTS,
}
# adapter -> the only third-party headers that it may name
THIRD_PARTY = {
    "memory": (),
    "linux": (),
    "sqlite": ("sqlite3.h",),
    "nlohmann_json": ("nlohmann/",),
    "fmt": ("fmt/",),
    "httplib": ("httplib.h",),
    "redis": ("hiredis/",),
    "asio": ("asio", "boost/asio"),
}
EXPENSIVE = {"iostream", "regex", "future", "thread", "random", "functional", "memory", "format"}
FOREIGN = ("sqlite3.h", "nlohmann/", "fmt/", "httplib.h", "hiredis/", "asio", "boost/", "catch2/", "rapidcheck", "benchmark/", "spdlog/")


def chain(start, goal):
    """How `start` comes to include `goal`."""
    came_from, todo = {start: None}, collections.deque([start])
    while todo:
        here = todo.popleft()
        if here == goal:
            break
        for nxt in headers.own_includes(here):
            if nxt not in came_from:
                came_from[nxt] = here
                todo.append(nxt)
    path = [goal]
    while came_from.get(path[-1]):
        path.append(came_from[path[-1]])
    return " -> ".join(reversed(path))


def unknown_folders(target_of):
    for header, target in target_of.items():
        if target not in FLOORS and not header.startswith("gabion/adapters/"):
            yield f"{header}: no component is called {target}"
        if header.startswith("gabion/adapters/") and target not in THIRD_PARTY:
            yield f"{header}: say in {pathlib.Path(__file__).name} what the adapter {target} may name"


def floor_violations(target_of, reached):
    for header, (_, files) in reached.items():
        target = target_of[header]
        allowed = FLOORS.get(target, COMPONENTS) | {target}
        for other in sorted(preprocess.own(files)):
            if other not in target_of:
                yield f"{header} includes {other}, which is in no target"
            elif target_of[other] not in allowed:
                yield f"{target} must not reach {target_of[other]}: {chain(header, other)}"


def third_party_violations(target_of, reached):
    for header, (_, files) in reached.items():
        target = target_of[header]
        mine = THIRD_PARTY.get(target, ())
        for name in preprocess.direct_includes(header):
            foreign = name.startswith(FOREIGN) or ("/" in name and not name.startswith(("gabion/", "sys/")))
            if foreign and not (mine and name.startswith(mine)):
                yield f"{header} names <{name}>, which is not the dependency of {target}"
            if name in EXPENSIVE and target in COMPONENTS:
                yield f"{header} names <{name}>: too expensive for a core header"
        for path in files:
            tail = path.split("/include/")[-1]
            if tail.startswith(FOREIGN) and not (mine and tail.startswith(mine)):
                yield f"{header} reaches {path}, which is not the dependency of {target}"


def violations(reached):
    """What is wrong. `reached`: header -> (lines, files), as preprocess_all gives it."""
    target_of = {h: target for target, names in headers.groups().items() for h in names}
    return sorted({*unknown_folders(target_of), *floor_violations(target_of, reached), *third_party_violations(target_of, reached)})


def main():
    found = violations(preprocess.preprocess_all(headers.public_headers(), *sys.argv[1:2]))
    print("\n".join(found) if found else "every header keeps to its layer")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
