#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the benchmarks and writes the tables of figures in the documentation.

    bench.py                          lists the tables and runs all of them except `peers` and `peers_rejection`
    bench.py TABLE...                 runs these; `peers` runs the libraries of other languages, for both tables
    bench.py --list                   lists the tables and the page on which each is published
    bench.py --write [TABLE...]       also writes them into their pages; refused on a machine that is not idle
    bench.py --compare REV [TABLE...] runs this tree and another revision alternately; prints new/old for each row
    bench.py --check                  exits with 1 if a published table or row does not exist; builds nothing

    --rounds N     every figure is the median of N runs (default 3)
    --min-time S   how long a row runs in each round, in seconds (default 0.1)
    --anyway       writes although the machine is not idle; the table says so

A table is a program, `benchmarks/TABLE.bench.cpp` or `.bench.py`, whose rows and baselines are benchmarks. It is
published between `<!-- bench: TABLE -->` and `<!-- end of bench -->`. A ratio is that of a row to its baselines in the
same run of the program. Raw results are in `build/bench/TABLE.ROUND.json`. Other options that begin with
`--benchmark_` go to the programs.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = ROOT / "benchmarks"
PEERS = SOURCES / "peers" / "run.py"
PEER_TABLES = ("peers", "peers_rejection")
BUILD = ROOT / "build" / "bench"
FLAGS = ["-std=c++20", "-O3", "-DNDEBUG"]
# A library that a program needs, by a header that it includes.
LIBRARIES = {"sqlite3.h": "-lsqlite3", "hiredis.h": "-lhiredis"}
BLOCK = re.compile(r"<!-- bench: (\S+) -->\n(.*?)<!-- end of bench -->\n", re.DOTALL)
UNITS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
# What Google Benchmark appends to the name of a benchmark.
SUFFIX = re.compile(r"(/(real_time|process_time|manual_time|(threads|iterations|min_time|repeats):[0-9.]+))+$")


class Failed(Exception):
    """Why a table cannot be measured."""


# --- tables and pages

def tables():
    """The program of each table."""
    programs = sorted([*SOURCES.glob("*.bench.cpp"), *SOURCES.glob("*.bench.py")])
    return {program.name.split(".")[0]: program for program in programs}


def pages():
    """The page on which each table is published, with the text of its block."""
    files = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md")), *sorted(SOURCES.rglob("*.md")),
             *sorted((ROOT / "examples").rglob("*.md"))]
    return {table: (file, block) for file in files for table, block in BLOCK.findall(file.read_text())}


def source_rows(program):
    """The rows and baselines of a table, read from its source."""
    if program.suffix == ".py":
        return output_of([sys.executable, program, "--list"]).splitlines()

    def present(match):
        return match.group(2) if (ROOT / "include" / match.group(1)).exists() else ""
    text = re.sub(r"#if __has_include\(<([^>]+)>\)\n(.*?)#endif\n", present, program.read_text(), flags=re.DOTALL)
    return [json.loads(name) for name in re.findall(r'\b(?:row|baseline)\(\s*("(?:[^"\\]|\\.)*")', text)]


def published_rows(block):
    rows = [line for line in block.splitlines() if line.startswith("| ")][1:]  # the first one has the headings
    return [row[2:].split(" | ")[0].strip("*") for row in rows]


def check():
    """Compares the published tables with the programs, without building anything."""
    found, published = [], pages()
    known = {table: source_rows(program) for table, program in tables().items()}
    for table in PEER_TABLES:
        known[table] = output_of([sys.executable, PEERS, "--list", table]).splitlines()
    for table, rows in known.items():
        found += [f"{table}: {name!r} is there twice" for name in {n for n in rows if rows.count(n) > 1}]
        if table not in published:
            found.append(f"{table}: no page has a block `<!-- bench: {table} -->`")
    for table, (page, block) in published.items():
        where = page.relative_to(ROOT)
        if table not in known:
            found.append(f"{where}: there is no table {table}")
            continue
        shown = published_rows(block)
        found += [f"{where}: {table} has no row {name!r}" for name in shown if name not in known[table]]
        if table not in PEER_TABLES:
            found += [f"{where}: {table} lacks the row {name!r}" for name in known[table] if name not in shown]
    if found:
        print("\n".join(found))
        print("write the tables anew by ./dev bench --write TABLE")
        return 1
    print(f"{len(published)} tables as their programs have them")
    return 0


def list_tables():
    published = pages()
    for table in [*tables(), *PEER_TABLES]:
        page = published[table][0].relative_to(ROOT) if table in published else "(not published)"
        print(f"{table:22} {page}")


# --- building

def output_of(command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **more)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Failed(f"`{pathlib.Path(command[0]).name}` failed: " + "\n".join(said[:8]))
    return done.stdout


def up_to_date(binary, dependencies):
    if not binary.exists() or not dependencies.exists():
        return False
    files = dependencies.read_text().replace("\\\n", " ").split()[1:]
    built = binary.stat().st_mtime
    return all(os.path.exists(f) and os.path.getmtime(f) <= built for f in files)


def build(program, include, folder):
    """The command that runs a table's program, built with the headers in `include`."""
    if program.suffix == ".py":
        return [sys.executable, program, "--include", include]
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / program.name.split(".")[0]
    obj, dependencies = binary.with_suffix(".o"), binary.with_suffix(".d")
    if not up_to_date(binary, dependencies):
        launcher = ["ccache"] if shutil.which("ccache") else []
        output_of([*launcher, "g++", *FLAGS, "-MD", "-MF", dependencies, "-I", include, "-c", program, "-o", obj])
        included = dependencies.read_text()
        libraries = [library for header, library in LIBRARIES.items() if f"/{header}" in included]
        output_of(["g++", obj, "-lbenchmark_main", "-lbenchmark", *libraries, "-pthread", "-o", binary])
    return [binary]


def build_all(programs, include, folder):
    """Builds as many at a time as there are processors: the commands, and why the others have none."""
    commands, failures = {}, {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {table: pool.submit(build, program, include, folder) for table, program in programs.items()}
        for table, job in jobs.items():
            try:
                commands[table] = job.result()
            except Failed as why:
                failures[table] = str(why)
    return commands, failures


# --- running

def nanoseconds(result):
    """The time of one item, or else of one call on its thread."""
    if "items_per_second" in result:
        return 1e9 / result["items_per_second"]
    threads = result.get("threads", 1)
    clock = "real_time" if "/real_time" in result["name"] else "cpu_time"
    return result[clock] * UNITS[result["time_unit"]] * threads  # Google Benchmark divides by the threads


def run_once(table, command, options, number):
    """One run of a program: for each row its time in ns and the names of its baselines."""
    raw = output_of([*command, "--benchmark_format=json", f"--benchmark_min_time={options.min_time}", *options.programs])
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / f"{table}.{number}.json").write_text(raw)
    results = json.loads(raw)["benchmarks"]
    for result in results:
        if result.get("error_occurred"):
            raise Failed(f"{result['name']}: {result['error_message']}")
    rows = {}
    for result in results:
        name = SUFFIX.sub("", result["name"])
        # Older programs have one name for any number of threads.
        rows[result["name"] if name in rows else name] = (nanoseconds(result), result.get("label", ""))
    return rows


def baseline_of(run, against):
    """The time of "2 CAS + steady clock reading" in this run."""
    total = 0.0
    for term in against.split(" + "):
        factor, name = re.fullmatch(r"(?:(\d+) )?(.*)", term).groups()
        if name not in run:
            raise Failed(f"there is no baseline {name!r}")
        total += int(factor or 1) * run[name][0]
    return total


def rows_of(runs):
    """(name, median time, baseline, median of the ratios, their range) of each row."""
    rows = []
    for name, (_, against) in runs[0].items():
        took = statistics.median(run[name][0] for run in runs)
        ratios = [run[name][0] / baseline_of(run, against) for run in runs] if against else []
        rows.append((name, took, against, ratios))
    return rows


def human(ns):
    for unit, scale in (("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9)):
        value = ns / scale
        if value < 999.5 or unit == "s":
            digits = 0 if value >= 99.95 else 1 if value >= 9.995 or unit == "ns" else 2
            return f"{value:,.{digits}f} {unit}"
    return ""


def ratio_text(ratio):
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}" if ratio < 100 else f"{ratio:,.0f}"


# --- the machine

class Machine:
    """What the figures depend on, seen before anything is built or run."""

    def __init__(self):
        self.cores = os.cpu_count() or 1
        self.load = os.getloadavg()[0]
        info = pathlib.Path("/proc/cpuinfo")
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text() if info.exists() else "", re.MULTILINE)
        self.model = found.group(1).strip() if found else "unknown processor"
        version = subprocess.run(["g++", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
        self.compiler = f"g++ {version} -O3"

    def idle(self):
        return self.load <= self.cores * 0.5

    def __str__(self):
        return f"{self.model}, {self.cores} cores, load average {self.load:.2f} before the run"


# --- reports

def print_table(table, rows, machine):
    print(f"\n== {table}: {machine}")
    width = max(len(name) for name, *_ in rows)
    for name, took, against, ratios in rows:
        beside = ""
        if ratios:
            beside = f"{ratio_text(statistics.median(ratios)):>8}x {against}"
            if len(ratios) > 1:
                beside += f"  [{ratio_text(min(ratios))} to {ratio_text(max(ratios))}]"
        print(f"  {name:{width}} {human(took):>10}{beside}")


def markdown(table, rows, machine, rounds):
    lines = ["| | time | baseline | ratio |", "|---|---:|---|---:|"]
    for name, took, against, ratios in rows:
        if against:
            lines.append(f"| {name} | {human(took)} | {against} | {ratio_text(statistics.median(ratios))} |")
        else:
            lines.append(f"| *{name}* | {human(took)} | | |")
    busy = "" if machine.idle() else ", **not idle**"
    lines += ["", f"`./dev bench {table}` on {machine.model}, {machine.cores} cores, load average {machine.load:.2f} before "
              f"it{busy}; {machine.compiler}; median of {rounds}.", ""]
    return "\n".join(lines)


def write_block(page, table, text):
    marker = re.escape(f"<!-- bench: {table} -->\n")
    old = page.read_text()
    page.write_text(re.sub(f"({marker}).*?(<!-- end of bench -->)", lambda m: m.group(1) + text + m.group(2), old,
                           flags=re.DOTALL))


def report(runs, machine, options):
    """Prints the tables, and writes them if asked to; the reasons for those that failed."""
    failures, published = {}, pages()
    for table, of_table in runs.items():
        try:
            rows = rows_of(of_table)
        except Failed as why:
            failures[table] = str(why)
            continue
        print_table(table, rows, machine)
        if options.write and table not in published:
            failures[table] = "no page has a block for it"
        elif options.write:
            write_block(published[table][0], table, markdown(table, rows, machine, len(of_table)))
    return failures


def measure(programs, machine, options):
    commands, failures = build_all(programs, ROOT / "include", BUILD)
    runs = {}
    for number in range(1, options.rounds + 1):
        for table, command in commands.items():
            if table in failures or (number > 1 and programs[table].suffix == ".py"):
                continue  # a Python program measures what is too long to be repeated
            print(f"round {number}: {table}", file=sys.stderr, flush=True)
            try:
                runs.setdefault(table, []).append(run_once(table, command, options, number))
            except Failed as why:
                failures[table] = str(why)
                runs.pop(table, None)
    return runs, failures


# --- comparing revisions

def git(*words):
    return output_of(["git", "-C", ROOT, *words]).strip()


def old_program(name, tree):
    """The source of a table as the other revision has it."""
    return next((tree / "benchmarks" / (name + end) for end in (".bench.cpp", ".bench.py")
                 if (tree / "benchmarks" / (name + end)).exists()), None)


def build_pair(programs, tree, folder):
    """(new, old, failures): today's benchmarks with both revisions' headers. Where they do not compile with the old ones, the
    old benchmark with both; where that does not compile with the new ones, each revision has its own."""
    new, failures = build_all(programs, ROOT / "include", BUILD)
    old, old_failures = build_all(programs, tree / "include", folder / "today")
    for table, why in old_failures.items():
        own = old_program(table, tree)
        if not own:
            failures[table] = f"with the old headers: {why}"
            continue
        print(f"{table}: today's benchmark does not compile with the old headers; running the old one", file=sys.stderr)
        own_old, own_failures = build_all({table: own}, tree / "include", folder / "old")
        own_new, _ = build_all({table: own}, ROOT / "include", folder / "old_with_new_headers")
        old.update(own_old)
        new.update(own_new)
        failures.update(own_failures)
    return new, old, failures


def pair(tables_here, new, old, options):
    """Runs both revisions alternately, the first one changing: [(new run, old run)] of each table."""
    pairs = {table: [] for table in tables_here}
    for number in range(1, options.rounds + 1):
        for table in tables_here:
            print(f"round {number}: {table}", file=sys.stderr, flush=True)
            order = [("new", new[table]), ("old", old[table])]
            done = {}
            for side, command in order if number % 2 else reversed(order):
                done[side] = run_once(f"{table}.{side}", command, options, number)
            pairs[table].append((done["new"], done["old"]))
    return pairs


def print_comparison(table, of_table, revision):
    common = [name for name in of_table[0][0] if name in of_table[0][1]]
    print(f"\n== {table}: this tree / {revision}, median [range] of {len(of_table)} pairs")
    if not common:
        print("  no row is in both")
        return
    width = max(len(name) for name in common)
    for name in common:
        ratios = [now[name][0] / before[name][0] for now, before in of_table]
        before = statistics.median(before[name][0] for _, before in of_table)
        now = statistics.median(now[name][0] for now, _ in of_table)
        sign = "slower" if min(ratios) > 1.03 else "faster" if max(ratios) < 0.97 else ""
        sign = sign if len(ratios) > 1 else ""
        print(f"  {name:{width}} {statistics.median(ratios):6.2f} [{min(ratios):.2f} to {max(ratios):.2f}] "
              f"{human(before):>10} -> {human(now):>10} {sign}")


def compare(programs, options):
    commit = options.compare
    tree, folder = ROOT / "build" / "compare" / commit, BUILD / commit
    git("worktree", "prune")
    if not tree.exists():
        git("worktree", "add", "--detach", str(tree), commit)
    try:
        new, old, failures = build_pair(programs, tree, folder)
        both = [table for table in programs if table in new and table in old]
        for table, of_table in pair(both, new, old, options).items():
            print_comparison(table, of_table, commit)
    finally:
        git("worktree", "remove", "--force", str(tree))
    return failures


# --- the command line

def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    parser.add_argument("tables", nargs="*", metavar="TABLE")
    parser.add_argument("--list", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--anyway", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--compare", metavar="REV", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3, help=argparse.SUPPRESS)
    parser.add_argument("--min-time", type=float, default=0.1, help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    if wrong := [word for word in rest if not word.startswith("--benchmark_")]:
        parser.error(f"unknown option: {' '.join(wrong)}; see ./dev bench --help")
    if options.rounds < 1:
        parser.error(f"--rounds is {options.rounds}; allowed: 1 and up")
    if options.write and options.compare:
        parser.error("--write and --compare exclude each other")
    if options.min_time <= 0:
        parser.error(f"--min-time is {options.min_time}; allowed: above 0")
    if unknown := [t for t in options.tables if t not in tables() and t not in PEER_TABLES]:
        parser.error(f"unknown table: {', '.join(unknown)}; ./dev bench --list lists the tables")
    if options.compare:
        if peers := [t for t in options.tables if t in PEER_TABLES]:
            parser.error(f"--compare does not run {', '.join(peers)}: it compares gabion with another revision of itself")
        try:
            options.compare = git("rev-parse", "--short=12", "--verify", f"{options.compare}^{{commit}}")
        except Failed as why:
            parser.error(f"--compare {options.compare}: not a commit of this repository ({why})")
    options.programs = rest
    return options


def run_peers(options):
    flags = [flag for flag in ("write", "anyway") if getattr(options, flag)]
    return subprocess.run([sys.executable, PEERS, "--rounds", str(options.rounds), *(f"--{flag}" for flag in flags)]).returncode


def main():
    options = arguments()
    if options.check:
        return check()
    if options.list or not options.tables:
        list_tables()
    if options.list:
        return 0
    machine, started = Machine(), time.monotonic()
    print(machine, flush=True)
    if options.write and not machine.idle() and not options.anyway:
        print(f"the load average is above {machine.cores * 0.5:.1f}: nothing is written; wait, or pass --anyway")
        return 2
    programs = {table: program for table, program in tables().items() if not options.tables or table in options.tables}
    code = run_peers(options) if set(PEER_TABLES) & set(options.tables) else 0
    if options.compare:
        failures = compare(programs, options)
    else:
        runs, failures = measure(programs, machine, options)
        failures.update(report(runs, machine, options))
    for table, why in failures.items():
        print(f"\n{table} FAILED: {why}")
    print(f"\n{time.monotonic() - started:.0f} s")
    return 1 if failures else code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as why:
        sys.exit(str(why))
