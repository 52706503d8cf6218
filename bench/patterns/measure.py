#!/usr/bin/env python3
"""`make bench-patterns`: accuracy, speed, memory and stability of the patterns beside other miners, on the same lines.

Prints tables with the goals, and writes them into docs/patterns.md. Accuracy needs the folder with the systems' lines
and truths; without it that part is skipped and the page stays as it is.
"""

import argparse
import json
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

import accuracy
import document
from document import change, large, share, table

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# The goals by the truth `lunar`, and what it must be at least.
GOAL = (0.96, 0.96, 0.94, 0.91)
LEAST = (0.926, 0.938, 0.909, 0.868)
DRAIN3 = "drain3==0.9.11"
OURS = "**Whittle**"
MIB = 1 << 20


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whittle", required=True, help="the release binary")
    parser.add_argument("--bench", required=True, help="the binary of bench/patterns")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="a folder for the virtual environment")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared" / "loghub")
    parser.add_argument("--page", type=pathlib.Path, default=ROOT / "docs" / "patterns.md")
    return parser.parse_args()


def report(args, *command):
    """What a command of the bench binary measured."""
    return json.loads(subprocess.run([args.bench, *command], stdout=subprocess.PIPE, check=True).stdout)


def mark(value, goal, least, higher=True):
    good = (lambda limit: value >= limit) if higher else (lambda limit: value <= limit)
    return "goal" if good(goal) else "least" if good(least) else "**missed**"


def drain3(args):
    """The interpreter of a virtual environment that has `drain3`; none where it cannot be installed."""
    python = args.work / "drain3-venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=True)
    if subprocess.run([python, "-c", "import drain3"], stderr=subprocess.DEVNULL).returncode:
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", DRAIN3]
        if subprocess.run(install).returncode:
            print(f"skipped: {DRAIN3} cannot be installed")
            return None
    return python


def figures(args, files):
    """Speed, memory and stability with their goals: rows, and the speeds of all."""
    speed, memory = report(args, "speed", *files), report(args, "memory")
    stability = report(args, "stability", *files)
    changed = sum(trial["changed"] for trial in stability["trials"])
    trials = ", ".join(f"{trial['name']}: {trial['changed']}" for trial in stability["trials"])
    rows = [
        ["known lines, one core, mixed systems", large(speed["known"]) + "/s",
         mark(speed["known"], 5e6, 2e6), "2 million", "5 million"],
        ["of it the scan alone", large(speed["scan"]) + "/s", "", "", ""],
        ["new forms", large(speed["new_forms"]) + "/s", mark(speed["new_forms"], 5e4, 2e4), "20,000", "50,000"],
        [f"memory with {memory['forms']:,} forms", f"{memory['bytes'] / MIB:.0f} MiB",
         mark(memory["bytes"], 64 * MIB, 128 * MIB, higher=False), "128 MiB", "64 MiB"],
        [f"ids that change, of {stability['lines']:,} different lines", str(changed),
         mark(changed, 0, 0, higher=False), "0", "0"],
    ]
    note = (f"{speed['lines']:,} lines of {speed['mean_bytes']} bytes in the mean, {speed['forms']} forms, "
            f"{speed['patterns']} patterns. Ids, by trial: {trials}.")
    return rows, note, speed


def four(rows):
    return [share(value) for value in rows]


class Accuracy:
    """All that is scored, as tables."""

    def __init__(self, args):
        self.args, self.truth = args, accuracy.Truth(args.data)
        self.systems = self.truth.systems

    def whittle(self):
        """What `whittle patterns --each` prints for each system, and the ids' and templates' groups agree."""
        found = {}
        for system in self.systems:
            with tempfile.NamedTemporaryFile() as file:
                file.write(self.truth.lines(system))
                file.flush()
                found[system] = accuracy.run([self.args.whittle, "patterns", "--each", file.name], b"")
            if found[system] != accuracy.run([self.args.bench, "each"], self.truth.lines(system)):
                sys.exit(f"{system}: `whittle patterns` and this bench disagree: build both from the same sources")
        return found

    def scores(self, found, truth="lunar"):
        return {s: self.truth.score(s, [template for _, template in found[s]], truth) for s in self.systems}

    def by_system(self, found):
        scores = self.scores(found)
        rows = [[s, *four(scores[s]), f"{len({id for id, _ in found[s]})} of {self.in_truth(s)}"] for s in self.systems]
        total = accuracy.mean(scores.values())
        marks = [mark(value, goal, least) for value, goal, least in zip(total, GOAL, LEAST)]
        rows += [["**mean**", *four(total), ""], ["", *marks, ""], ["goal", *four(GOAL), ""], ["at least", *four(LEAST), ""]]
        return table(["", *accuracy.MEASURES, "patterns"], rows)

    def in_truth(self, system):
        return len({row[accuracy.TRUTHS["lunar"]] for row in self.truth.rows[system]})

    def by_truth(self, found):
        rows = []
        for truth in accuracy.TRUTHS:
            rows.append([f"`{truth}`", *four(accuracy.mean(self.scores(found, truth).values()))])
        return table(["truth", *accuracy.MEASURES], rows)

    def rivals(self, ours, speed):
        """Everyone on the same lines: accuracy by the truth `lunar`, patterns in all, lines for a CPU second."""
        in_truth = sum(self.in_truth(s) for s in self.systems)
        rows = [["the truth", *["1"] * 4, str(in_truth), ""], self.rival(OURS, ours, speed["known"])]
        for name, label in (("logdrain", "logdrain"), ("drain3", "drain3")):
            command = [self.args.bench, "rival", name]
            found = {s: accuracy.run(command, self.truth.lines(s)) for s in self.systems}
            rival = next(rival for rival in speed["rivals"] if f"`{label}`" in rival["name"])
            rows.append(self.rival(rival["name"], found, rival["known"]))
        python = drain3(self.args)
        if python:
            rows.append(self.python_drain3(python))
        return table(["", *accuracy.MEASURES, "patterns", "lines/CPU second"], rows)

    def rival(self, name, found, per_second):
        patterns = sum(len({id for id, _ in found[s]}) for s in self.systems)
        return [name, *four(accuracy.mean(self.scores(found).values())), str(patterns), large(per_second)]

    def python_drain3(self, python):
        found, seconds, lines = {}, 0.0, 0
        for system in self.systems:
            done = subprocess.run([python, HERE / "drain3_each.py"], input=self.truth.lines(system), capture_output=True, check=True)
            found[system] = [line.split("\t", 1) for line in done.stdout.decode().split("\n")[:-1]]
            seconds, lines = seconds + float(done.stderr), lines + len(found[system])
        return self.rival(f"Drain, PyPI `{DRAIN3}`", found, lines / seconds)

    def made(self):
        """Grouping of the lines of made services, whose templates are known: all of them together, as a shop's log."""
        out = subprocess.run([self.args.bench, "made"], stdout=subprocess.PIPE, check=True).stdout.decode()
        made = [line.split("\t", 1) for line in out.split("\n")[:-1]]
        truth, lines = [name for name, _ in made], "".join(line + "\n" for _, line in made).encode()
        rows = []
        commands = {OURS: ["each"], "Drain, Rust crate `logdrain`": ["rival", "logdrain"], "Drain, Rust crate `drain3`": ["rival", "drain3"]}
        for name, command in commands.items():
            ids = [id for id, _ in accuracy.run([self.args.bench, *command], lines)]
            ga, fga, *_ = self.truth.evaluate.grouping(truth, ids)
            rows.append([name, share(ga), share(fga), str(len(set(ids)))])
        return table([f"{len(made):,} lines of {len(set(truth))} templates", "GA", "FGA", "patterns"], rows)

    def tuning(self):
        """What each rule is worth, and the table that leaves one system out."""
        source = (ROOT / "crates/patterns/src/rules.rs").read_text()
        switches = re.findall(r"pub (\w+): bool", source)
        lists = re.findall(r'const (?:UNITS|STATES|GLUE|SLOTS): &str = "([^"]*)"',
                           (ROOT / "crates/patterns/src/cells/words.rs").read_text())
        tuning = accuracy.Tuning(self.truth, self.args.bench, switches, {w for text in lists for w in text.replace("\\\n", " ").split()})
        worth = sorted(tuning.worth().items(), key=lambda item: sum(item[1]))
        rules = table(["set otherwise", *accuracy.MEASURES], [[f"`{name}`", *(change(v) for v in values)] for name, values in worth])
        default = {f"{name}={values[0]}" for name, values in tuning.THRESHOLDS.items()}
        rows, all_found = [], []
        for system, chosen, found in tuning.leave_one_out():
            other = " ".join(setting for setting in chosen if setting not in default) or "as it is"
            rows.append([system, *four(found), str(len(tuning.own[system])), f"`{other}`" if "=" in other else other])
            all_found.append(found)
        rows.append(["**mean**", *four(accuracy.mean(all_found)), "", ""])
        rows.append(["rules as they are, the same words struck", *four(tuning.without_own_words()), "", ""])
        left_out = table(["left out", *accuracy.MEASURES, "words struck", "the other seven chose"], rows)
        return rules, left_out


def machine():
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, one core, {platform.system()} {platform.release()}"


def main():
    args = arguments()
    args.work.mkdir(parents=True, exist_ok=True)
    head = ["", "measured", "", "at least", "goal"]
    if not (args.data / "evaluate.py").exists():
        rows, note, _ = figures(args, [])
        print(table(head, rows), note, sep="\n\n")
        print(f"\nskipped: accuracy, since {args.data} is missing; lines of its own were measured, and the page stays as it is")
        return
    scored = Accuracy(args)
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / system for system in scored.systems]
        for path, system in zip(files, scored.systems):
            path.write_bytes(scored.truth.lines(system))
        rows, note, speed = figures(args, files)
    found = scored.whittle()
    rules, left_out = scored.tuning()
    tables = {
        "accuracy": scored.by_system(found),
        "truths": scored.by_truth(found),
        "rivals": scored.rivals(found, speed),
        "figures": f"{table(head, rows)}\n\n{note}\nMeasured on {machine()}.",
        "made": scored.made(),
        "rules": rules,
        "left-out": left_out,
    }
    for name, body in tables.items():
        print(f"\n## {name}\n\n{body}")
    document.fill(args.page, tables)
    print(f"\nwritten to {args.page}")


if __name__ == "__main__":
    main()
