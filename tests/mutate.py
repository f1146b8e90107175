#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Measures what the unit tests and the fuzz corpora notice: changes one token of the code at a time and
runs the tests that enter the changed function.

    make mutate N=200 SEED=1 FLOOR=base          or: tests/mutate.py --help

The checkout is not touched: everything happens in a copy below build/mutate. The code is linked into one
shared library, so a change costs one compilation, one link and the tests that enter the function. The
library reports which functions a test enters. A change that does not compile, or that compiles to the same
object code, is not counted. As root the tests run as nobody, with a /tmp and a process table of their own.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import os
import pathlib
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPIED = ("Makefile", "exporter", "collectors", "proto", "tests")
LIBS = ("-lgrpc -lgpr -lprotobuf-c -lmicrohttpd -lyaml -lcurl -lcrypto -lgnutls -lisal -lcrypt -lstdc++ -lm -pthread "
        "-lcmocka -ldeflate").split()
DEFINES = "-std=c17 -D_GNU_SOURCE -pthread -fno-common -w".split()
BUILD = "out"
NOBODY = 65534
MEMORY_LIMIT_BYTES = 8 << 30
FILE_LIMIT_BYTES = 1 << 30
# A test may take this much longer than it did on the unchanged code, and some seconds more: the machine may be busy.
SLOWER, SECONDS_MORE = 6, 6
# /mnt is the folder of work, wherever that is: nobody may not enter /root, and /tmp is hidden.
SANDBOX = ('mount --bind "$0" /mnt && mount -t tmpfs -o mode=1777 tmpfs /tmp && mount -t proc proc /proc && '
           'cd /mnt/tree && "$@"; exit $?')

# Reports each function that is entered, once, by its offset in the library. A file is opened and closed for each,
# so that a child process that closes its descriptors reports, too.
TRACE_C = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOOK __attribute__((no_instrument_function))
static char path[4096];
static unsigned char seen[16 << 20];
static char *base;

HOOK __attribute__((constructor)) static void prepare(void)
{
    const char *given = getenv("MUTATE_TRACE");
    Dl_info info;

    if (given && strlen(given) < sizeof(path) && dladdr((void *)prepare, &info) != 0) {
        base = info.dli_fbase;
        strcpy(path, given);
    }
    unsetenv("MUTATE_TRACE");
}

HOOK void __cyg_profile_func_enter(void *function, void *site)
{
    unsigned offset = (unsigned)((char *)function - base);
    int saved, fd;

    if (!path[0] || offset >= sizeof(seen) || seen[offset])
        return;
    saved = errno;
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd >= 0) {
        seen[offset] = write(fd, &offset, sizeof(offset)) == sizeof(offset);
        close(fd);
    }
    errno = saved;
}

HOOK void __cyg_profile_func_exit(void *function, void *site) {}
"""

TOKEN = re.compile(r"""
    (?P<skip>\s+|//[^\n]*|/\*.*?\*/|(?:^|(?<=\n))[ \t]*\#(?:[^\n\\]|\\.)*)
  | (?P<text>(?:u8|[uUL])?"(?:[^"\\]|\\.)*"|(?:u8|[uUL])?'(?:[^'\\]|\\.)*')
  | (?P<number>(?:\d|\.\d)(?:[eEpP][+-]|[\w.])*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<op>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\.\.\.|.)
""", re.X | re.S)
SWAPPED = {"==": "!=", "!=": "==", "&&": "||", "||": "&&", "<": "<=", "<=": "<", ">": ">=", ">=": ">",
           "+": "-", "-": "+", "+=": "-=", "-=": "+="}
WORDS = {"true": "false", "false": "true", "break": "continue", "continue": "break"}
KEYWORDS = set("if else for while do switch case default return break continue goto sizeof static const struct enum "
               "union extern inline void".split())

# Without these calls a program leaks or races: the sanitizers notice that, no assertion can.
UNSEEN_CALL = re.compile(r"assert|free|freep|\w+_(free|deinit|unref)|explicit_bzero|LOCK_SCOPE|pthread_(mutex|cond)_(un)?lock|"
                         r"pthread_(mutex|cond|rwlock)_(init|destroy)")

Token = collections.namedtuple("Token", "kind text start end")
Function = collections.namedtuple("Function", "first last")
Mutant = collections.namedtuple("Mutant", "path line column before after start end source function")


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def die(text):
    sys.exit(f"error: {text}")


RUNNING = set()


def stop(number, _):
    """Ends the tests that run: they have sessions of their own, so that no signal for this program reaches them."""
    for pid in list(RUNNING):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    os._exit(128 + number)


def floor_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "exporter" and len(parts) > 2 else parts[0]


# ---- what can be changed

def tokens_of(code):
    return [Token(match.lastgroup, match.group(), match.start(), match.end())
            for match in TOKEN.finditer(code) if match.lastgroup != "skip"]


def pairs_of(tokens):
    """The index of the closing bracket of each opening one."""
    pairs, open_ = {}, []
    for i, token in enumerate(tokens):
        if token.kind == "op" and token.text in "([{":
            open_.append(i)
        elif token.kind == "op" and token.text in ")]}" and open_:
            pairs[open_.pop()] = i
    return pairs


def bodies_of(tokens, pairs):
    """The braces of each function: (index of its first token, of the opening brace, of the closing one)."""
    bodies, i, first = [], 0, 0
    while i < len(tokens):
        text = tokens[i].text
        if text == "{" and tokens[i].kind == "op":
            if i and tokens[i - 1].text == ")":
                bodies.append((first, i, pairs.get(i, len(tokens) - 1)))
                first = pairs.get(i, i) + 1
            i = pairs.get(i, i)
        elif text == ";":
            first = i + 1
        i += 1
    return bodies


def another_number(text):
    match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)([uUlL]*)", text)
    if not match:
        return None
    digits, suffix = match.groups()
    value = int(digits, 16 if digits[:2].lower() == "0x" else 8 if digits[0] == "0" and len(digits) > 1 else 10)
    after = {0: 1, 1: 0}.get(value, value + 1)
    return (hex(after) if digits[:2].lower() == "0x" else f"0{after:o}" if digits[0] == "0" and len(digits) > 1 else str(after)) + suffix


def is_operand(token):
    return token.kind in ("number", "text") or token.text in ("]", ")") or (token.kind == "name" and token.text not in KEYWORDS)


def is_array_size(tokens, i):
    """char text[64]: a larger one makes no difference."""
    return (i > 2 and tokens[i - 1].text == "[" and tokens[i - 2].kind == "name" and tokens[i + 1].text == "]" and
            (tokens[i - 3].text == "*" or (tokens[i - 3].kind == "name" and tokens[i - 3].text not in ("return", "case", "else"))))


def is_zeroing(tokens, i):
    """struct thing thing = {0}"""
    return i > 0 and tokens[i].text == "0" and tokens[i - 1].text == "{" and tokens[i + 1].text == "}"


def changes_of_token(tokens, i):
    token, before = tokens[i], tokens[i - 1] if i else None
    if token.kind == "name" and token.text in WORDS:
        return [WORDS[token.text]]
    if token.kind == "number" and not is_array_size(tokens, i) and not is_zeroing(tokens, i):
        after = another_number(token.text)
        return [after] if after else []
    if token.kind == "op" and token.text in SWAPPED and before and is_operand(before):
        return [SWAPPED[token.text]]
    return []


def statements_of(tokens, pairs):
    """The indexes of tokens that start a statement: what follows a condition, but not what follows a cast."""
    heads = {pairs[i + 1] for i, token in enumerate(tokens) if token.text in ("if", "for", "while", "switch") and i + 1 in pairs}
    return {i for i in range(1, len(tokens)) if tokens[i - 1].text in (";", "{", "}", "else", ":") or i - 1 in heads}


def end_of_statement(tokens, i, pairs):
    while i < len(tokens) and tokens[i].text != ";":
        i = pairs.get(i, i) + 1
    return i


def changes_of_statement(tokens, i, pairs, starting, last):
    """(first token, last token, what comes instead) for a condition, a return, or a call that starts at i."""
    text = tokens[i].text
    if text == "if" and tokens[i + 1].text == "(":
        opening, closing = i + 1, pairs[i + 1]
        if tokens[opening + 1].text == "!" and not any(t.text in ("&&", "||", "?") for t in tokens[opening:closing]):
            return [(opening + 1, opening + 1, "")]
        return [(opening, closing, "(!{})")]
    if i not in starting:
        return []
    end = end_of_statement(tokens, i, pairs)
    if text == "return" and end + 1 < last:
        return [(i, end - 1, "")]
    if (tokens[i].kind == "name" and text not in KEYWORDS and not UNSEEN_CALL.fullmatch(text) and tokens[i + 1].text == "(" and
            pairs.get(i + 1) == end - 1):
        return [(i, end - 1, "")]
    return []


def mutants_of(path, code):
    tokens, lines = tokens_of(code), code.split("\n")
    pairs = pairs_of(tokens)
    starting = statements_of(tokens, pairs)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def line_of(offset):
        return code.count("\n", 0, offset) + 1

    def mutant(first, last, after, function):
        start, end = tokens[first].start, tokens[last].end
        line = line_of(start)
        before = code[start:end]
        after = after.replace("{}", before)
        # Lines stay where they are, so that nothing else changes with __LINE__.
        after += "\n" * (before.count("\n") - after.count("\n"))
        return Mutant(path, line, start - starts[line - 1] + 1, before, after, start, end, lines[line - 1].strip(), function)

    bodies = bodies_of(tokens, pairs)
    where = {}
    for first, opening, closing in bodies:
        function = Function(line_of(tokens[first].start), line_of(tokens[closing].start))
        for i in range(opening, closing):
            where[i] = (function, closing)
    asserted = {i for name, token in enumerate(tokens) if token.text in ("static_assert", "_Static_assert")
                for i in range(name, pairs.get(name + 1, name))}
    found = []
    for i in range(len(tokens)):
        function, last = where.get(i, (None, None))
        if i in asserted:
            continue
        found += [mutant(i, i, after, function) for after in changes_of_token(tokens, i)]
        if function:
            found += [mutant(a, b, after, function) for a, b, after in changes_of_statement(tokens, i, pairs, starting, last)]
    return found


def sources(tree):
    found = [path for floor in ("exporter", "collectors") for path in sorted((tree / floor).rglob("*.c"))]
    return [str(path.relative_to(tree)) for path in found if path != tree / "exporter/main.c"]


def chosen_sources(tree, floors, files):
    wanted = [word.strip("/") for text in floors for word in re.split(r"[ ,]+", text) if word]
    wanted += [os.path.relpath(os.path.join(os.getcwd(), f), ROOT) if os.path.exists(f) else f.strip("/") for f in files]
    chosen = [path for path in sources(tree) if not wanted or any(
        floor_of(path) == word or path == word or path.startswith((word + "/", f"exporter/{word}/")) for word in wanted)]
    if not chosen:
        die(f"no source file in {' '.join(wanted)}")
    return chosen


def one_line(text):
    text = " ".join(text.split())
    return (text[:57] + "..." if len(text) > 60 else text) or "(nothing)"


def described(mutant):
    return f"{mutant.path}:{mutant.line}:{mutant.column}: {one_line(mutant.before)} -> {one_line(mutant.after)}"


def key_of(mutant):
    return mutant.path, one_line(mutant.before), one_line(mutant.after), mutant.source


def survivors_in(file, mutants):
    """The mutants that an earlier run listed, by file, change and text of the line: its number may be another now."""
    found, by_key = [], collections.defaultdict(list)
    for mutant in mutants:
        by_key[key_of(mutant)].append(mutant)
    for text in file.read_text().splitlines():
        match = re.match(r"(\S+):(\d+):(\d+): (.*?) -> (.*?)   +\| (.*?)(   +\[.*)?$", text)
        if not match:
            continue
        path, line, column, before, after, source = match.groups()[:6]
        same = by_key.get((path, before, after, source), [])
        same = sorted(same, key=lambda m: (m.column != int(column), abs(m.line - int(line))))
        if same:
            found.append(same[0])
        else:
            say(f"no longer there: {text}")
    return list(dict.fromkeys(found))


# ---- the copy and what is built from it

def copy_tree(tree):
    """Copies what is different, so that only that is built again."""
    wanted = set()
    for name in COPIED:
        top = ROOT / name
        for source in [top] if top.is_file() else top.rglob("*"):
            if not source.is_file() or "__pycache__" in source.parts:
                continue
            target = tree / source.relative_to(ROOT)
            wanted.add(target)
            data = source.read_bytes()
            if not target.is_file() or target.read_bytes() != data:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
    for name in COPIED:
        for old in (tree / name).rglob("*"):
            if old.is_file() and old not in wanted:
                old.unlink()


def check_call(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        die(f"{' '.join(map(str, command))[:300]}\n{done.stdout[-4000:]}")
    return done.stdout


class Code:
    """The copy, its objects and its tests."""

    def __init__(self, work, jobs):
        self.work, self.tree, self.out, self.jobs = work, work / "tree", work / "tree" / BUILD, jobs
        self.cc = os.environ.get("CC", "gcc").split()
        self.cached = ["ccache"] if shutil.which("ccache") else []
        self.linker = next(([f"-fuse-ld={name}"] for name in ("lld", "gold") if shutil.which(f"ld.{name}")), [])
        self.plain = {}

    def build(self):
        env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "SAN", "CI")}
        check_call(["make", "-C", self.tree, f"-j{self.jobs}", f"BUILD={BUILD}", "SAN=", f"CC={' '.join(self.cached + self.cc)}",
                    "CFLAGS=-O1 -g1 -fPIC -finstrument-functions", f"{BUILD}/libexporter.a"], env=env)
        self.objects = {path: f"{BUILD}/{path[:-2]}.o" for path in sources(self.tree)}
        self.others = [f"{BUILD}/{path.relative_to(self.tree).with_suffix('.o')}" for path in (self.tree / "exporter").rglob("*.cpp")]
        self.others += [str(path.relative_to(self.tree)) for path in (self.out / "gen").rglob("*.o")]
        (self.out / "trace.c").write_text(TRACE_C)
        check_call(self.cached + self.cc + ["-fPIC", "-O2", "-w", "-c", "-o", f"{BUILD}/trace.o", f"{BUILD}/trace.c"], cwd=self.tree)
        self.others.append(f"{BUILD}/trace.o")
        self.link(self.out / "libexporter.so")
        self.build_tests()

    def link(self, library, instead=None, of=None):
        objects = [str(instead) if path == of else file for path, file in self.objects.items()]
        check_call(self.cc + self.linker + ["-shared", "-o", library] + objects + self.others + LIBS, cwd=self.tree)

    def includes(self):
        return ["-Iexporter", f"-I{BUILD}/gen", f"-I{BUILD}/gen/proto", "-Itests", "-Itests/unit", "-Itests/unit/support"]

    def compile_text(self, path, code, target):
        """False if the compiler refuses it."""
        text = f'# 1 "{path}"\n{code}'
        command = self.cc + DEFINES + ["-O1", "-fPIC", "-iquote", os.path.dirname(path)] + self.includes()
        done = subprocess.run(command + ["-x", "c", "-c", "-o", str(target), "-"], input=text.encode(), cwd=self.tree,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return done.returncode == 0

    def build_tests(self):
        tree, bin_ = self.tree, self.out / "bin"
        bin_.mkdir(exist_ok=True)
        unit = sorted((tree / "tests/unit").rglob("test_*.c"))
        helpers = [path for path in sorted((tree / "tests/unit").rglob("*.c")) if path not in unit]
        fuzzers = sorted((tree / "tests/fuzz").rglob("fuzz_*.c"))
        headers = [path for folder in ("exporter", "tests") for path in (tree / folder).rglob("*.h")]
        newest = max(path.stat().st_mtime for path in headers + helpers + [tree / "tests/fuzz/main.c"])

        def compiled(source):
            target = bin_ / (name_of(source) + ".o")
            if not target.exists() or target.stat().st_mtime < max(newest, source.stat().st_mtime):
                check_call(self.cached + self.cc + DEFINES + ["-O1", "-UNDEBUG"] + self.includes() +
                           ["-c", "-o", target, source.relative_to(tree)], cwd=tree)
            return target

        def name_of(source):
            return str(source.relative_to(tree / "tests").with_suffix("")).replace("/", ".")

        def linked(source):
            target, object_ = bin_ / name_of(source), compiled(source)
            if not target.exists() or target.stat().st_mtime < max(object_.stat().st_mtime, newest):
                more = [bin_ / "fuzz.main.o"] if source in fuzzers else [bin_ / "support.a"] if helpers else []
                check_call(self.cc + self.linker + ["-o", target, object_] + more +
                           ["-L", self.out, "-lexporter", "-Wl,-rpath,$ORIGIN"] + LIBS, cwd=tree)
            return target.name

        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            objects = list(pool.map(compiled, helpers + [tree / "tests/fuzz/main.c"]))
            (bin_ / "support.a").unlink(missing_ok=True)
            if helpers:
                check_call(["ar", "rcs", bin_ / "support.a"] + objects[:-1])
            names = list(pool.map(linked, unit + fuzzers))
        self.tests = []
        for source, name in zip(unit + fuzzers, names):
            arguments = []
            if source in fuzzers:
                corpus = pathlib.Path("tests/fuzz/corpus") / source.stem[len("fuzz_"):]
                arguments = [str(corpus / file.name) for file in sorted((tree / corpus).iterdir())]
            self.tests.append(Test(name, source.relative_to(tree), arguments))


class Test:
    def __init__(self, name, source, arguments):
        self.name, self.source, self.arguments = name, source, arguments
        self.seconds = self.cpu = 0.0
        self.functions = set()

    def is_of(self, path):
        stem, floor = pathlib.Path(path).stem, floor_of(path)
        about = self.source.stem.split("_", 1)[1]
        return about == stem or self.source.parent.name == floor

    def enters(self, mutant):
        return (mutant.path, mutant.function) in self.functions


class Slot:
    """A folder with a library and links to the test programs: they find the library beside them."""

    def __init__(self, code, number, words):
        self.code, self.words, self.name = code, words, f"slot{number}"
        self.folder = code.work / self.name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        for test in code.tests:
            os.link(code.out / "bin" / test.name, self.folder / test.name)
        self.library, self.object = self.folder / "libexporter.so", self.folder / "mutant.o"

    def run(self, test, limit, cpu=None, trace=None):
        """(status, seconds, CPU seconds). The status is None if the time is over."""
        base = pathlib.Path("/mnt") if self.words else self.code.work
        env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        if trace:
            env["MUTATE_TRACE"] = str(base / trace.relative_to(self.code.work))

        limits = ["prlimit", "--core=0", f"--as={MEMORY_LIMIT_BYTES}", f"--fsize={FILE_LIMIT_BYTES}"]
        limits += [f"--cpu={int(cpu) + 1}:{int(cpu) + 2}"] if cpu else []
        start = time.monotonic()
        process = subprocess.Popen(self.words + limits + [str(base / self.name / test.name)] + test.arguments, cwd=self.code.tree, env=env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
        RUNNING.add(process.pid)
        alarm = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
        alarm.start()
        _, status, usage = os.wait4(process.pid, 0)
        RUNNING.discard(process.pid)
        late = not alarm.is_alive()
        alarm.cancel()
        if not late and not self.words:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.returncode = os.waitstatus_to_exitcode(status)
        return None if late else process.returncode, time.monotonic() - start, usage.ru_utime + usage.ru_stime

    def fails(self, test):
        """A limit of CPU time tells a loop from a busy machine; a limit of time alone does not, so it counts the second time."""
        for _ in range(2):
            status = self.run(test, SLOWER * test.seconds + SECONDS_MORE, SLOWER * test.cpu + SECONDS_MORE / 2)[0]
            if status is not None:
                return status != 0
        return True

    def outcome(self, mutant, text):
        """The name of the test that notices it; "" if none does; None if the change does not count."""
        if not self.code.compile_text(mutant.path, text[:mutant.start] + mutant.after + text[mutant.end:], self.object):
            return None
        if self.object.read_bytes() == self.code.plain[mutant.path]:
            return None
        entering = [test for test in self.code.tests if test.enters(mutant)]
        if not mutant.function:
            entering = list(self.code.tests)
        if not entering:
            return ""
        self.library.unlink(missing_ok=True)
        self.code.link(self.library, self.object, mutant.path)
        entering.sort(key=lambda test: (not test.is_of(mutant.path),
                                        not any(path == mutant.path for path, _ in test.functions), test.seconds))
        return next((test.name for test in entering if self.fails(test)), "")


def sandbox(work):
    """The words that run a command as nobody with a /tmp of its own, where that is possible."""
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
    shell = ["sh", "-c", SANDBOX, str(work)]
    if os.geteuid() == 0:
        words = unshare + shell + ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all", "--"]
    else:
        words = unshare[:1] + ["--user", "--map-root-user"] + unshare[1:] + shell
    try:
        if subprocess.run(words + ["true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            return words
    except OSError:
        pass
    if os.geteuid() == 0:
        die("no namespaces here: a changed program must not run as root. Run this as a user")
    say("no namespaces here: tests share /tmp")
    return []


def measure(code, slots, functions):
    """Runs every test on the unchanged code: they must pass. Fills in their times and the functions that they enter."""
    free, failed, offsets = queue.SimpleQueue(), [], {}
    for slot in slots:
        shutil.copyfile(code.out / "libexporter.so", slot.library)
        free.put(slot)
    traces = code.work / "traces"
    shutil.rmtree(traces, ignore_errors=True)
    traces.mkdir()

    def one(test):
        slot, trace = free.get(), traces / test.name
        trace.touch()
        trace.chmod(0o666)
        status, test.seconds, test.cpu = slot.run(test, 300, trace=trace)
        free.put(slot)
        if status != 0:
            failed.append(test.name)
        data = trace.read_bytes()
        offsets[test] = {int.from_bytes(data[i:i + 4], sys.byteorder) for i in range(0, len(data) - 3, 4)}

    with concurrent.futures.ThreadPoolExecutor(len(slots)) as pool:
        list(pool.map(one, sorted(code.tests, key=lambda test: "sched" not in test.name)))
    if failed:
        die(f"tests fail on the unchanged code: {' '.join(sorted(failed))}")
    every = sorted(set().union(*offsets.values()))
    answer = subprocess.run(["addr2line", "-e", code.out / "libexporter.so"], input="\n".join(map(hex, every)), text=True,
                            stdout=subprocess.PIPE, check=True).stdout.splitlines()
    entered = {}
    for offset, place in zip(every, answer):
        file, line = place.split(" ")[0].rsplit(":", 1)
        file = os.path.relpath(os.path.join(code.tree, file), code.tree)
        if line.isdigit():
            entered[offset] = next(((file, f) for f in functions.get(file, ()) if f.first <= int(line) <= f.last), (file, None))
    for test, own in offsets.items():
        test.functions = {entered[offset] for offset in own if offset in entered}


def try_all(code, slots, mutants, texts, wanted):
    """Yields (mutant, outcome) in the order of the mutants, until so many count."""
    free, plain = queue.SimpleQueue(), threading.Lock()
    for slot in slots:
        free.put(slot)

    def one(mutant):
        slot = free.get()
        try:
            with plain:
                if mutant.path not in code.plain:
                    if not code.compile_text(mutant.path, texts[mutant.path], code.out / "plain.o"):
                        die(f"{mutant.path} does not compile")
                    code.plain[mutant.path] = (code.out / "plain.o").read_bytes()
            return slot.outcome(mutant, texts[mutant.path])
        finally:
            free.put(slot)

    counted, waiting, rest = 0, collections.deque(), iter(mutants)
    with concurrent.futures.ThreadPoolExecutor(len(slots)) as pool:
        while counted < wanted:
            while len(waiting) < 2 * len(slots):
                mutant = next(rest, None)
                if not mutant:
                    break
                waiting.append((mutant, pool.submit(one, mutant)))
            if not waiting:
                return
            mutant, future = waiting.popleft()
            outcome = future.result()
            yield mutant, outcome
            counted += outcome is not None
        for _, future in waiting:
            future.cancel()


def report(tried, noticed, survivors):
    rows = [(floor, tried[floor], noticed[floor]) for floor in sorted(tried)]
    if len(rows) > 1:
        rows.append(("all", sum(tried.values()), sum(noticed.values())))
    print(f"\n{'floor':<12} {'tried':>6} {'noticed':>8} {'%':>5}")
    for floor, of, n in rows:
        print(f"{floor:<12} {of:>6} {n:>8} {100 * n / of:>5.0f}")
    print(f"\nsurvivors: {len(survivors)}")
    for line in survivors:
        print(line)


def survivor_line(code, mutant):
    entered = not mutant.function or any(test.enters(mutant) for test in code.tests)
    return f"{described(mutant)}    | {mutant.source}" + ("" if entered else "    [no test enters the function]")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=200, help="changes that count (default: %(default)s)")
    parser.add_argument("--seed", default="1", help="the same seed, the same changes (default: %(default)s)")
    parser.add_argument("--floor", action="append", default=[], help="floors, folders or files, e.g. base or containerd/wire")
    parser.add_argument("--files", nargs="+", default=[], help="these files only")
    parser.add_argument("--survivors", type=pathlib.Path, help="the output of an earlier run: tries its survivors again")
    parser.add_argument("--list", action="store_true", help="prints the changes, tries none")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="changes at a time (default: %(default)s)")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/mutate", help="folder of the copy (default: build/mutate)")
    return parser.parse_args()


def main():
    options = arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    work = options.work.resolve()
    tree = work / "tree"
    tree.mkdir(parents=True, exist_ok=True)
    copy_tree(tree)
    texts = {path: (tree / path).read_text() for path in sources(tree)}
    every = {path: mutants_of(path, text) for path, text in texts.items()}
    if options.survivors:
        mutants = survivors_in(options.survivors, [m for path in texts for m in every[path]])
        wanted = len(mutants)
    else:
        mutants = [m for path in chosen_sources(tree, options.floor, options.files) for m in every[path]]
        random.Random(options.seed).shuffle(mutants)
        wanted = options.n
    if options.list:
        for mutant in mutants if options.survivors else mutants[:wanted]:
            print(f"{described(mutant)}    | {mutant.source}")
        return
    code = Code(work, options.jobs)
    start = time.monotonic()
    code.build()
    words = sandbox(work)
    slots = [Slot(code, i, words) for i in range(options.jobs)]
    built = time.monotonic()
    measure(code, slots, {path: sorted({m.function for m in found if m.function}) for path, found in every.items()})
    ready = time.monotonic()
    say(f"built in {built - start:.0f} s; {len(code.tests)} tests and corpora pass in {ready - built:.0f} s; {len(mutants)} changes to choose from")
    tried, noticed, survivors = collections.Counter(), collections.Counter(), []
    for mutant, outcome in try_all(code, slots, mutants, texts, wanted):
        if outcome is None:
            continue
        floor = floor_of(mutant.path)
        tried[floor] += 1
        noticed[floor] += outcome != ""
        if outcome == "":
            survivors.append(survivor_line(code, mutant))
        say(f"{sum(tried.values()):>5}/{wanted} {outcome or 'SURVIVES':<32} {described(mutant)}")
    report(tried, noticed, survivors)
    counted = sum(tried.values())
    say(f"\n{counted} changes in {time.monotonic() - ready:.0f} s, {(time.monotonic() - ready) / max(counted, 1):.2f} s each")


if __name__ == "__main__":
    main()
