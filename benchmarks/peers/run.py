#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the same scenarios on gabion and on circuit breakers of other languages, one after another, and writes one table.

    run.py                      every library that can be had here, three rounds; prints the table
    run.py --rounds 5           more rounds: each figure is the best of all rounds
    run.py --only go,gabion     only these; the names are those of the folders
    run.py --write              puts the table into README.md

Each library comes from its own package registry by its own client (go, cargo, npm, mvn), as that is set up here. What cannot be
had is named in the table. Nothing is built inside the repository: --scratch says where (default: a folder in the system's
temporary one that is kept, so that a second run builds little).
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCENARIOS = ["closed_success", "closed_10_percent", "open_rejection", "two_threads"]
HEADINGS = ["closed, success", "closed, 10 % failures", "open, rejection", "two threads"]
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"


class Missing(Exception):
    """A library that cannot be had here, and why."""


def do(command, folder, seconds=900):
    """Runs a command and answers what it printed."""
    if not shutil.which(command[0]):
        raise Missing(f"{command[0]} is not installed")
    try:
        done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Missing(f"{command[0]} took longer than {seconds} s") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-2:]
        raise Missing(f"`{' '.join(map(str, command[:2]))}` failed: {' '.join(line.strip() for line in said)}")
    return done.stdout


def version(command, pattern=r"\d+(?:\.\d+)+"):
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(pattern, done.stdout + done.stderr)
    return found.group(0) if found else "unknown"


def gabion(folder):
    do(["g++", "-std=c++20", "-O3", "-DNDEBUG", "-I", ROOT / "include", "main.cpp", "-pthread", "-o", "peer"], folder)
    return [[folder / "peer"]], f"g++ {version(['g++', '--version'], r'[0-9]+[.][0-9.]+')} -O3"


def go(folder):
    do(["go", "build", "-o", "peer", "."], folder)
    return [[folder / "peer"]], f"go {version(['go', 'version'])}"


def rust(folder):
    do(["cargo", "build", "--release", "--quiet"], folder)
    return [[folder / "target" / "release" / "peers"]], f"rustc {version(['rustc', '--version'])}, release, LTO"


def node(folder):
    do(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"], folder)
    return [["node", folder / "opossum.mjs"]], f"node {version(['node', '--version'])}"


def jvm(folder):
    do(["mvn", "--batch-mode", "--quiet", "compile", "dependency:copy-dependencies", "-DoutputDirectory=target/lib"], folder)
    classes = f"{folder}/target/classes:{folder}/target/lib/*"
    return [["java", "-cp", classes, "peers.Resilience4j"], ["java", "-cp", classes, "peers.Hystrix"]], \
        f"JVM {version(['java', '-version'])}, plain warm loop"


PEERS = {"gabion": gabion, "go": go, "rust": rust, "node": node, "jvm": jvm}


def build(name, scratch):
    folder = scratch / name
    shutil.copytree(HERE / name, folder, dirs_exist_ok=True)
    return PEERS[name](folder)


def measure(commands, folder, best):
    """Runs the programs of one language once and keeps each figure that is better than the one before."""
    for command in commands:
        for line in do(command, folder).splitlines():
            fields = line.split("\t")
            if len(fields) == 3:
                library, scenario, ns = fields
                row = best.setdefault(library, {})
                row[scenario] = min(float(ns), row.get(scenario, float("inf")))


def cell(row, base, scenario):
    if scenario not in row:
        return "-"
    ns = row[scenario]
    if base is row or scenario not in base:
        return f"{ns:.1f}"
    return f"{ns:.1f} ({ns / base[scenario]:.1f}x)" if ns / base[scenario] < 100 else f"{ns:.0f} ({ns / base[scenario]:.0f}x)"


def table(best, tools, missing, rounds):
    base = best.get("gabion", {})
    floor = best.pop("floor", {}).get("clock")
    lines = ["| ns per call (ratio to gabion) | " + " | ".join(HEADINGS) + " |", "|---|" + "---:|" * len(HEADINGS)]
    for library, row in best.items():
        lines.append(f"| {library} | " + " | ".join(cell(row, base, s) for s in SCENARIOS) + " |")
    lines += ["", f"Best of {rounds} rounds. " + "; ".join(tools.values()) + "."]
    if floor:
        lines.append(f"One reading of the steady clock cost {floor:.1f} ns in the same run.")
    lines += [f"Not measured: {name}, because {why}." for name, why in missing.items()]
    return "\n".join(lines) + "\n"


def write(text):
    readme = HERE / "README.md"
    old = readme.read_text()
    head, rest = old.split(BEGIN, 1)
    readme.write_text(head + BEGIN + text + END + rest.split(END, 1)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(PEERS))
    parser.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "gabion-peers")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    names = asked.only.split(",")
    if unknown := [n for n in names if n not in PEERS]:
        parser.error(f"--only: there is no {', '.join(unknown)}; there are {', '.join(PEERS)}")
    if asked.rounds < 1:
        parser.error(f"--rounds is {asked.rounds}; allowed: 1 and up")

    programs, tools, missing, best = {}, {}, {}, {}
    for name in names:
        try:
            programs[name], tools[name] = build(name, asked.scratch)
            print(f"built {name}", file=sys.stderr)
        except Missing as why:
            missing[name] = str(why)
            print(f"no {name}: {why}", file=sys.stderr)
    for number in range(1, asked.rounds + 1):
        for name, commands in list(programs.items()):
            try:
                measure(commands, asked.scratch / name, best)
                print(f"round {number}: {name}", file=sys.stderr)
            except Missing as why:
                missing[name] = str(why)
                del programs[name]
    text = table(best, tools, missing, asked.rounds)
    print(text)
    if asked.write:
        write(text)
    return 0 if not missing else 1


if __name__ == "__main__":
    sys.exit(main())
