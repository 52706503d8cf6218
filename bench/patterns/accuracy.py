"""Scores what a miner prints for each line against the truths beside the data; standard library only."""

import importlib.util
import itertools
import re
import subprocess
import sys

TRUTHS = {"orig": 2, "corrected": 3, "loghub2": 4, "lunar": 5}
CONTENT = 6
MEASURES = ("GA", "FGA", "PA", "FTA")


def mean(rows):
    """The mean of each column of equally long rows."""
    rows = list(rows)
    return [sum(column) / len(rows) for column in zip(*rows)]


class Truth:
    """The systems' lines and templates, and the evaluator that stands beside them."""

    def __init__(self, folder):
        sys.dont_write_bytecode = True
        spec = importlib.util.spec_from_file_location("evaluate", folder / "evaluate.py")
        self.evaluate = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.evaluate)
        self.rows = {path.stem: self._read(path) for path in sorted(folder.glob("*.tsv"))}
        self.systems = list(self.rows)
        self._canon = {}

    @staticmethod
    def _read(path):
        text = path.read_bytes().decode("utf-8", "replace")
        return [line.split("\t", CONTENT) for line in text.split("\n")[1:] if line]

    def lines(self, system):
        """The lines of a system as a miner reads them."""
        return "".join(row[CONTENT] + "\n" for row in self.rows[system]).encode()

    def score(self, system, templates, truth="lunar"):
        """GA, FGA, PA, FTA of a template for each line."""
        expected = [row[TRUTHS[truth]] for row in self.rows[system]]
        if len(templates) != len(expected):
            sys.exit(f"{system}: {len(expected)} lines, but {len(templates)} templates")
        found = self.evaluate.score(expected, [self.canon(template) for template in templates])
        return [found[measure] for measure in MEASURES]

    def canon(self, template):
        """The template by the string rules of the truth."""
        if template not in self._canon:
            self._canon[template] = self.evaluate.canon(template)
        return self._canon[template]

    def words_of_one(self, listed):
        """The listed words that one system alone has, by that system."""
        words = {s: set(re.split(rb"[^a-z%]+", self.lines(s).lower())) for s in self.systems}
        having = {word: [s for s in self.systems if word.encode() in words[s]] for word in listed}
        return {s: sorted(word for word, with_it in having.items() if with_it == [s]) for s in self.systems}


def run(command, lines):
    """What a program prints for the lines: (id, template) for each."""
    out = subprocess.run(command, input=lines, stdout=subprocess.PIPE, check=True).stdout.decode()
    return [line.split("\t", 1) for line in out.split("\n")[:-1]]


class Tuning:
    """The miner with other rules: what each is worth, and what tuning on seven systems gives on the eighth."""

    THRESHOLDS = {"words": (3, 2, 4), "head_words": (6, 4, 12), "slot_words": (2, 3), "constant_words": (4, 0, 3)}

    def __init__(self, truth, bench, switches, listed):
        self.truth, self.bench, self.switches = truth, bench, switches
        self.own = truth.words_of_one(listed)
        self._known = {}

    def of(self, system, settings=(), without=()):
        """The four measures of a system with rules set otherwise and words struck."""
        key = (system, settings, tuple(without))
        if key not in self._known:
            command = [self.bench, "each"]
            command += [part for setting in settings for part in ("--rule", setting)]
            command += ["--without", ",".join(without)] if without else []
            found = run(command, self.truth.lines(system))
            self._known[key] = self.truth.score(system, [template for _, template in found])
        return self._known[key]

    def over(self, systems, settings):
        """The means of the four measures over systems."""
        return mean(self.of(system, settings) for system in systems)

    def worth(self):
        """Each rule and threshold set otherwise, with the change of the four measures."""
        base = self.over(self.truth.systems, ())
        others = [f"{name}=off" for name in self.switches]
        others += [f"{name}={value}" for name, values in self.THRESHOLDS.items() for value in values[1:]]
        changed = {setting: self.over(self.truth.systems, (setting,)) for setting in others}
        return {setting: [b - a for a, b in zip(base, found)] for setting, found in changed.items()}

    def without_own_words(self):
        """The means where each system is mined without the listed words that it alone has."""
        return mean(self.of(s, (), self.own[s]) for s in self.truth.systems)

    def best_for(self, systems):
        """The settings that are best for these systems by the mean of all measures; of equal ones the first."""
        worth = lambda settings: sum(self.over(systems, settings))
        grids = ([f"{name}={value}" for value in values] for name, values in self.THRESHOLDS.items())
        best = max(itertools.product(*grids), key=worth)
        for name in self.switches:
            without = (*best, f"{name}=off")
            if worth(without) > worth(best) + 1e-9:
                best = without
        return best

    def leave_one_out(self):
        """For each system: what tuning on the others chose, and what that gives here, without the words it alone has."""
        for system in self.truth.systems:
            chosen = self.best_for([other for other in self.truth.systems if other != system])
            yield system, chosen, self.of(system, chosen, self.own[system])
