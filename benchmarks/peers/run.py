#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the same scenarios on gabion and on circuit breakers of other languages, and writes two tables.

    run.py                      every library that can be had here, three rounds; prints the tables
    run.py --rounds 5           each figure is the median of so many rounds
    run.py --only gabion,go     only these; the names are those of the folders; gabion always runs, as the others are
                                compared with it
    run.py --write              puts the tables into README.md; refused on a machine that is not idle
    run.py --write --anyway     writes nevertheless, and says so in the tables
    run.py --list TABLE         prints the rows that a table can have

A round runs gabion and then every library, every second round in reverse order. A ratio is that of a library to gabion in the
same round; the table has the median of the rounds.

Each library comes from its own package registry by its own client (go, cargo, npm, mvn), as that is set up here. What cannot be
had is named in the table. Nothing is built inside the repository: --scratch says where (default: a folder in the system's
temporary one that is kept, so that a second run builds little).
"""
import argparse
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import bench  # noqa: E402  the machine, and how a block is written

SCENARIOS = {"closed_success": "success", "closed_10_percent": "one in ten fails", "permit_success": "permits",
             "two_threads": "two threads"}
CLOCKS = {"gabion, time given": "time given", "gabion, tsc clock": "tsc", "gabion, coarse clock": "coarse",
          "gabion, steady clock": "steady"}
BASELINES = ("CAS", "steady clock reading", "coarse clock reading", "tsc clock reading")
OTHERS = ("gobreaker", "failsafe-go", "failsafe-rs", "opossum", "resilience4j", "resilience4j, time window", "Hystrix")
ROWS = {"peers": ("CAS", "steady clock reading", "gabion", "gabion, time window and slow calls", *OTHERS),
        "peers_rejection": (*BASELINES, *CLOCKS, *OTHERS)}


class Missing(Exception):
    """A library that cannot be had here, and why."""


def do(command, folder, seconds=900):
    """Runs a command and returns what it printed."""
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


def measure(commands, folder, run):
    """Runs the programs of one language once: ns of each scenario of each library."""
    for command in commands:
        for line in do(command, folder).splitlines():
            fields = line.split("\t")
            if len(fields) == 3:
                library, scenario, ns = fields
                run.setdefault(library, {})[scenario] = float(ns)


def median(runs, library, scenario):
    """The median time of a scenario; None where a library does not have it."""
    seen = [run[library][scenario] for run in runs if scenario in run.get(library, {})]
    return statistics.median(seen) if seen else None


def ratio(runs, library, scenario, base, base_scenario):
    """The median of the ratios of each round."""
    seen = [run[library][scenario] / run[base][base_scenario] for run in runs
            if scenario in run.get(library, {}) and base_scenario in run.get(base, {})]
    return bench.ratio_text(statistics.median(seen)) if seen else ""


def time_text(ns):
    return "" if ns is None else bench.human(ns)


def line(cells):
    return "| " + " | ".join(cells) + " |"


def closed_table(runs):
    """Closed breakers: time and, behind it, the ratio to gabion's."""
    lines = [line(["closed", *SCENARIOS.values()]), "|---|" + "---:|" * len(SCENARIOS)]
    for library in ROWS["peers"]:
        if not any(library in run for run in runs):
            continue
        if library in BASELINES:
            lines.append(line([f"*{library}*", time_text(median(runs, library, "baseline")), *[""] * (len(SCENARIOS) - 1)]))
            continue
        cells = [library]
        for scenario in SCENARIOS:
            own = median(runs, library, scenario)
            beside = ratio(runs, library, scenario, "gabion", scenario) if library != "gabion" else ""
            cells.append(time_text(own) + (f" ({beside}x)" if beside else ""))
        lines.append(line(cells))
    return lines


def rejection_table(runs):
    """Open breakers: time by the default API and by permits, and the ratio of the former to gabion with each clock."""
    clocks = {row: name for row, name in CLOCKS.items() if any(row in run for run in runs)}
    lines = [line(["open", "rejection", "by permits", *(f"to gabion, {name}" for name in clocks.values())]),
             "|---|" + "---:|" * (2 + len(clocks))]
    for library in ROWS["peers_rejection"]:
        if not any(library in run for run in runs):
            continue
        if library in BASELINES:
            lines.append(line([f"*{library}*", time_text(median(runs, library, "baseline")), *[""] * (1 + len(clocks))]))
            continue
        ratios = [ratio(runs, library, "open_rejection", base, "open_rejection") for base in clocks]
        lines.append(line([library, time_text(median(runs, library, "open_rejection")),
                           time_text(median(runs, library, "permit_rejection")),
                           *(f"{r}x" if r else "" for r in ratios)]))
    return lines


def footer(runs, tools, missing, machine):
    busy = "" if machine.idle() else ", **not idle**"
    lines = ["", f"`./dev bench peers --write` on {machine}{busy}; median of {len(runs)}. " + "; ".join(tools.values()) + "."]
    lines += [f"Not measured: {name}, because {why}." for name, why in missing.items()]
    return lines


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(PEERS))
    parser.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "gabion-peers")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--anyway", action="store_true")
    parser.add_argument("--list", choices=ROWS)
    asked = parser.parse_args()
    asked.names = ["gabion", *(name for name in asked.only.split(",") if name != "gabion")]
    if unknown := [n for n in asked.names if n not in PEERS]:
        parser.error(f"--only: there is no {', '.join(unknown)}; there are {', '.join(PEERS)}")
    if asked.rounds < 1:
        parser.error(f"--rounds is {asked.rounds}; allowed: 1 and up")
    return asked


def build_peers(asked, missing):
    programs, tools = {}, {}
    for name in asked.names:
        try:
            programs[name], tools[name] = build(name, asked.scratch)
            print(f"built {name}", file=sys.stderr, flush=True)
        except Missing as why:
            missing[name] = str(why)
            print(f"no {name}: {why}", file=sys.stderr, flush=True)
    return programs, tools


def measure_peers(asked, programs, missing):
    runs = []
    for number in range(1, asked.rounds + 1):
        runs.append({})
        order = list(programs)
        for name in order if number % 2 else order[:1] + order[:0:-1]:
            try:
                measure(programs[name], asked.scratch / name, runs[-1])
                print(f"round {number}: {name}", file=sys.stderr, flush=True)
            except Missing as why:
                missing[name] = str(why)
                del programs[name]
    return runs


def main():
    asked = arguments()
    if asked.list:
        print("\n".join(ROWS[asked.list]))
        return 0
    machine, started, missing = bench.Machine(), time.monotonic(), {}
    print(machine, flush=True)
    if asked.write and not machine.idle() and not asked.anyway:
        print(f"the load average is above {machine.cores * 0.5:.1f}: nothing is written; wait, or say --anyway")
        return 2
    programs, tools = build_peers(asked, missing)
    runs = measure_peers(asked, programs, missing)
    for table, lines in (("peers", closed_table(runs)), ("peers_rejection", rejection_table(runs))):
        text = "\n".join(lines + footer(runs, tools, missing, machine)) + "\n"
        print(text)
        if asked.write:
            bench.write_block(HERE / "README.md", table, text)
    print(f"{time.monotonic() - started:.0f} s")
    return 0 if not missing else 1


if __name__ == "__main__":
    sys.exit(main())
