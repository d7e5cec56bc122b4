"""Real repositories and real tools for tests/bench/bisect.py: one world, the same scripted test, and
`git bisect run`, the same with the best of three, `git-bayesect` (PyPI) and `assay bisect` as a user
would call them. A world's flakes come from a list of its own, so that they are the same for all."""
import json
import random
import re
import shutil
import subprocess
import sys

from figures import ASSAY, CACHE, ENV, sh

PACKAGE = "git-bayesect"
SUSPECTS = 1024
BUILD_S = 0.05  # a build takes some ten tests

# Read the commit's number, note what is done, tell by the world's lists what comes out.
BUILD = """read -r i <n
echo "$i B" >>$WORLD/log
timeout %g tail -f /dev/null
if grep -qx "$i" $WORLD/broken; then exit 125; fi
""" % BUILD_S
TEST = """read -r i <n
k=$(wc -l <$WORLD/log)
echo "$i T" >>$WORLD/log
if grep -qx "$i" $WORLD/bad; then exit 1; fi
exit $(sed -n "$((k + 1))p" $WORLD/flakes)
"""
ONCE = """read -r i <n
grep -qx "$i B" $WORLD/log || sh $WORLD/build || exit 125
if grep -qx "$i" $WORLD/broken; then exit 125; fi
exec sh $WORLD/test
"""
BEST_OF_3 = """read -r i <n
grep -qx "$i B" $WORLD/log || sh $WORLD/build || exit 125
if grep -qx "$i" $WORLD/broken; then exit 125; fi
fails=0 passes=0
while [ $fails -lt 2 ] && [ $passes -lt 2 ]; do
	if sh $WORLD/test; then passes=$((passes + 1)); else fails=$((fails + 1)); fi
done
exit $((fails > 1))
"""


def bayesect():
    binary = CACHE / "bayesect/bin/git-bayesect"
    if not binary.exists():
        sh(sys.executable, "-m", "venv", str(CACHE / "bayesect"))
        sh(str(CACHE / "bayesect/bin/pip"), "install", "-q", PACKAGE)
    return str(binary)


def fast_import(folder, parents):
    """A repository whose commit i has the number i in its file n, and PARENTS[i] as parents."""
    sh("git", "init", "-q", "-b", "main", str(folder))
    text = []
    for i, above in enumerate(parents):
        text.append(f"commit refs/heads/main\nmark :{i + 1}\ncommitter b <b@example> {1600000000 + i * 60} +0000\n"
                    f"data {len(str(i))}\n{i}\n")
        text += [f"{'merge' if k else 'from'} :{p + 1}\n" for k, p in enumerate(above)]
        text.append(f"M 100644 inline n\ndata {len(str(i)) + 1}\n{i}\n\n")
    subprocess.run(["git", "-C", folder, "fast-import", "--quiet", "--force"], input="".join(text), text=True,
                   check=True, env=ENV, stdout=subprocess.DEVNULL)
    sh("git", "-C", str(folder), "reset", "-q", "--hard")


def line(folder):
    fast_import(folder, [[i - 1] if i else [] for i in range(SUSPECTS + 1)])


def merges(folder, seed):
    """A main line with branches that start from it and return, at most eight at once."""
    draw, parents, tips, main = random.Random(seed), [[]], [], 0
    for i in range(1, SUSPECTS + 1):
        left = SUSPECTS + 1 - i
        if tips and (left <= len(tips) or draw.random() < .15):
            parents.append([main, tips.pop(draw.randrange(len(tips)))])
            main = i
        elif left > len(tips) + 1 and len(tips) < 8 and draw.random() < .18:
            parents.append([main])
            tips.append(i)
        elif tips and draw.random() < .5:
            k = draw.randrange(len(tips))
            parents.append([tips[k]])
            tips[k] = i
        else:
            parents.append([main])
            main = i
    fast_import(folder, parents)
    return parents


class World:
    """Commit 0 is good; 1..SUSPECTS are suspects, the last one bad and buildable."""

    def __init__(self, folder, seed, flake, broken, run=20, parents=None):
        draw = random.Random(seed)
        self.folder, self.culprit = folder, draw.randint(1, SUSPECTS)
        self.broken, state = set(), draw.random() < broken
        leave = 1 / run
        enter = leave * broken / (1 - broken)
        for i in range(1, SUSPECTS):
            if state:
                self.broken.add(i)
            state = draw.random() >= leave if state else draw.random() < enter
        self.bad = {self.culprit}
        for i in range(self.culprit + 1, SUSPECTS + 1):
            if parents is None or self.bad & set(parents[i]):
                self.bad.add(i)
        self.flakes = [int(draw.random() < flake) for _ in range(4000)]
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, numbers in (("broken", self.broken), ("bad", self.bad), ("flakes", self.flakes)):
            (folder / name).write_text("".join(f"{n}\n" for n in sorted(numbers)) if name != "flakes"
                                       else "".join(f"{n}\n" for n in numbers))
        for name, script in (("build", BUILD), ("test", TEST), ("once", ONCE), ("best", BEST_OF_3)):
            (folder / name).write_text(script)

    def begin(self):
        (self.folder / "log").write_text("")

    def cost(self):
        """Commits built but for the two ends, and tests."""
        words = [w.split() for w in (self.folder / "log").read_text().splitlines()]
        built = {i for i, what in words if what == "B"} - {"0", str(SUSPECTS)}
        return len(built), sum(what == "T" for _, what in words)

    def is_right(self, answer):
        """The culprit, or a part of what broken builds leave of it that holds it or the next that builds."""
        low = high = self.culprit
        while high in self.broken:
            high += 1
        while low - 1 in self.broken:
            low -= 1
        return bool(answer) and all(low <= a <= high for a in answer) and bool(answer & {self.culprit, high})

    def env(self):
        return {**ENV, "WORLD": str(self.folder), "ASSAY_STATE": str(self.folder / "state"),
                "NO_COLOR": "1"}


def number_of(repo, commits):
    out = subprocess.run(["git", "-C", repo, "show", "-s", "--format=%s", *commits], env=ENV, check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    return {int(word) for word in out.split()}


def output(argv, world, repo, check=False):
    return subprocess.run([str(a) for a in argv], env=world.env(), cwd=repo, check=check, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def git(world, repo, script="once"):
    world.begin()
    output(["git", "bisect", "start", "main", f"main~{first_parents(repo)}"], world, repo)
    said = output(["git", "bisect", "run", "sh", world.folder / script], world, repo)
    log = output(["git", "bisect", "log"], world, repo)
    output(["git", "bisect", "reset"], world, repo)
    found = re.findall(r"^# (?:possible )?first bad commit: \[([0-9a-f]{40})\]", log, re.M)
    return number_of(repo, found) if found else set(), "bisect found first bad commit" not in said and \
        "first bad commit" not in said


def first_parents(repo):
    out = subprocess.run(["git", "-C", repo, "rev-list", "--first-parent", "--count", "main"], env=ENV, check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    return int(out) - 1


def best_of_3(world, repo):
    return git(world, repo, "best")


def bayes(world, repo):
    world.begin()
    tool = bayesect()
    output([tool, "start", "--old", f"main~{first_parents(repo)}", "--new", "main"], world, repo)
    try:
        done = subprocess.run([tool, "run", "--confidence", "0.99", "sh", str(world.folder / "once")], cwd=repo,
                              env=world.env(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        said = done.stdout
    except subprocess.TimeoutExpired:
        said = ""
    output([tool, "reset"], world, repo)
    output(["git", "checkout", "-q", "main"], world, repo)
    found = re.findall(r"commit ([0-9a-f]{40})", said)
    return number_of(repo, found[:1]) if found else set(), not found


def assay(world, repo, *options):
    world.begin()
    answer = world.folder / "answer.json"
    argv = [ASSAY, "bisect", "--quiet", "--good", f"main~{first_parents(repo)}", "--bad", "main", "-o",
            f"json={answer}", "--command", f"sh {world.folder}/test", "--build",
            f"sh {world.folder}/build", *options]
    output(argv, world, repo)
    try:
        said = json.loads(answer.read_text())
    except OSError:
        return set(), True
    gave_up = said["ending"] != "culprit"
    return number_of(repo, said["commits"]) if said["commits"] and not gave_up else set(), gave_up


def deterministic(world, repo):
    return assay(world, repo, "--deterministic")


def mean_of_git(repo, parents):
    """Mean number of tests over all culprits, by the tree of git's own choices."""
    count = len(parents) - 1
    above = [0] * (count + 1)
    for i in range(1, count + 1):
        above[i] = 1 << i
        for p in parents[i]:
            above[i] |= above[p]
    out = subprocess.run(["git", "-C", repo, "log", "--format=%H %s", "main"], env=ENV, check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    number = {line.split()[0]: int(line.split()[1]) for line in out.splitlines()}
    commit = {i: h for h, i in number.items()}
    total, todo = 0, [(above[count], count, (0,), 0)]
    while todo:
        suspects, bad, goods, depth = todo.pop()
        if suspects.bit_count() == 1:
            total += depth
            continue
        words = ["git", "-C", repo, "rev-list", "--bisect", commit[bad], *("^" + commit[g] for g in goods)]
        middle = number[subprocess.run(words, env=ENV, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[0]]
        todo += [(suspects & above[middle], middle, goods, depth + 1),
                 (suspects & ~above[middle], bad, (*goods, middle), depth + 1)]
    return total / count


TOOLS = {"git": git, "git-best-of-3": best_of_3, "git-bayesect": bayes, "assay-deterministic": deterministic,
         "assay": assay}
