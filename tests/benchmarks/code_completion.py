"""How often a completion is right: `python -m tests.benchmarks.code_completion`. Takes a few minutes.

pass@1 (Chen et al. 2021) of greedy completions on twenty small functions of our own, from signature and docstring, as
the tab completes them. Code of a model is executed here and nowhere else: each program in a process of its own, in an
empty folder, isolated from this environment, with limits on time and memory, and without network, files and processes.

The second table is the speed of requests served together and one after the other, and how many texts are the same.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from statistics import median

from demos.coding import Gap, parses
from demos.drafting import Drafts, write_drafts
from demos.services import Services, make_services
from demos.settings import read_settings
from models.fill_in_middle import CodeRequest

MODEL = "qwen2.5-coder-0.5b"
SECONDS = 5
MEMORY = 1_000_000_000


@dataclass(frozen=True)
class Problem:
    """A function to complete, and what must hold of it."""

    signature: str
    docstring: str
    checks: str

    @property
    def name(self) -> str:
        return self.signature.split("(")[0]

    @property
    def prompt(self) -> str:
        return f'def {self.signature}:\n    """{self.docstring}"""\n'


PROBLEMS = (
    Problem("double_evens(numbers)", "Double every even number in the list, keep the odd ones.", """
assert double_evens([1, 2, 3, 4]) == [1, 4, 3, 8]
assert double_evens([]) == []
"""),
    Problem("is_palindrome(text)", "Whether the text reads the same backwards, ignoring case and spaces.", """
assert is_palindrome("Never odd or even") is True
assert is_palindrome("abc") is False
"""),
    Problem("count_words(text)", "Return a dictionary from each word in lower case to how often it occurs.", """
assert count_words("The cat the dog") == {"the": 2, "cat": 1, "dog": 1}
assert count_words("") == {}
"""),
    Problem("fibonacci(n)", "Return the list of the first n Fibonacci numbers, starting with 0 and 1.", """
assert fibonacci(6) == [0, 1, 1, 2, 3, 5]
assert fibonacci(1) == [0]
assert fibonacci(0) == []
"""),
    Problem("is_prime(n)", "Whether the whole number n is a prime.", """
assert [n for n in range(-3, 30) if is_prime(n)] == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
"""),
    Problem("gcd(a, b)", "Return the greatest common divisor of two positive whole numbers.", """
assert gcd(12, 18) == 6
assert gcd(7, 5) == 1
"""),
    Problem("flatten(lists)", "Flatten a list of lists by one level.", """
assert flatten([[1, 2], [], [3, [4]]]) == [1, 2, 3, [4]]
"""),
    Problem("transpose(matrix)", "Transpose a matrix given as a list of rows. Return a list of lists.", """
assert transpose([[1, 2, 3], [4, 5, 6]]) == [[1, 4], [2, 5], [3, 6]]
"""),
    Problem("unique(items)", "Remove duplicates from the list, keeping the first occurrence of each item in order.", """
assert unique([3, 1, 3, 2, 1]) == [3, 1, 2]
assert unique([]) == []
"""),
    Problem("roman(n)", "Return the Roman numeral of a whole number from 1 to 3999.", """
assert [roman(n) for n in (1, 4, 9, 14, 40, 90, 400, 1994, 3999)] == [
    "I", "IV", "IX", "XIV", "XL", "XC", "CD", "MCMXCIV", "MMMCMXCIX"]
"""),
    Problem("balanced(text)", "Whether the brackets ()[]{} in the text are balanced.", """
assert balanced("a(b[c]{d})") is True
assert balanced("(]") is False
assert balanced("(") is False
assert balanced("") is True
"""),
    Problem("caesar(text, shift)",
            "Shift every letter by `shift` places in the alphabet, keep case and other signs.", """
assert caesar("Hello, xyz!", 3) == "Khoor, abc!"
assert caesar("abc", -1) == "zab"
"""),
    Problem("binary_search(numbers, wanted)", "Return the index of wanted in the sorted list, or -1.", """
assert [binary_search([1, 3, 5, 7], n) for n in (1, 3, 5, 7, 4, 9)] == [0, 1, 2, 3, -1, -1]
assert binary_search([], 1) == -1
"""),
    Problem("run_lengths(text)", 'Run-length encode the text: "aaab" becomes [("a", 3), ("b", 1)].', """
assert run_lengths("aaab") == [("a", 3), ("b", 1)]
assert run_lengths("aba") == [("a", 1), ("b", 1), ("a", 1)]
assert run_lengths("") == []
"""),
    Problem("median(numbers)", "Return the median of a non-empty list of numbers.", """
assert median([3, 1, 2]) == 2
assert median([4, 1, 3, 2]) == 2.5
"""),
    Problem("digit_sum(n)", "Return the sum of the decimal digits of a whole number, which may be negative.", """
assert digit_sum(1234) == 10
assert digit_sum(-56) == 11
assert digit_sum(0) == 0
"""),
    Problem("chunks(items, size)",
            "Split the list into consecutive lists of `size` items; the last may be shorter.", """
assert chunks([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]
assert chunks([], 3) == []
"""),
    Problem("longest_common_prefix(words)", "Return the longest prefix that all words share; empty for no words.", """
assert longest_common_prefix(["flower", "flow", "flight"]) == "fl"
assert longest_common_prefix(["a", "b"]) == ""
assert longest_common_prefix([]) == ""
"""),
    Problem("merge_sorted(a, b)", "Merge two sorted lists into one sorted list.", """
assert merge_sorted([1, 4, 6], [2, 3, 7]) == [1, 2, 3, 4, 6, 7]
assert merge_sorted([], [1]) == [1]
"""),
    Problem("seconds_in_words(seconds)", "Return hours, minutes and seconds as text: 3725 becomes '1 h 2 min 5 s'.", """
assert seconds_in_words(3725) == "1 h 2 min 5 s"
assert seconds_in_words(0) == "0 h 0 min 0 s"
"""),
)  # fmt: skip

# Python tells these hooks of every such attempt; together with the limits below nothing leaves the process.
_FORBID = """
import sys
def _forbid(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.", "shutil.", "ctypes.", "tempfile.", "urllib.", "webbrowser.")):
        raise PermissionError(event)
    if event == "open" and not str(arguments[1] or "r").startswith("r"):
        raise PermissionError(event)
sys.addaudithook(_forbid)
"""
_DONE = "all checks passed"


def passes(completed: str, checks: str) -> bool:
    """Runs a completed function with its checks in a locked-up process; whether all of them hold."""
    program = f"{_FORBID}\n{completed}\n{checks}\nprint({_DONE!r})\n"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))

    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [*_WITHOUT_NETWORK, sys.executable, "-I", "-S", "-c", program],
                cwd=folder,
                env={},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=4 * SECONDS,
                preexec_fn=limit,
            )
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0 and done.stdout.endswith(_DONE + "\n")


def _without_network() -> list[str]:
    """A command that starts another one in a network of its own, with nothing in it, where the system has one."""
    command = ["unshare", "--map-root-user", "--net"]
    try:
        works = subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        works = False
    return command if works else []


_WITHOUT_NETWORK = _without_network()


def complete(services: Services, prompt: str, seeds: tuple[int, ...] = (0,), **settings: float) -> tuple[Drafts, float]:
    """The drafts, and the seconds to the first text."""
    request = replace(CodeRequest(prompt, max_new_tokens=250), **settings)  # type: ignore[arg-type]
    began, first, written = time.perf_counter(), 0.0, None
    for step in write_drafts(services, request, MODEL, "Python", seeds):
        if isinstance(step, Drafts):
            written = step
            if not first and any(draft.tokens for draft in step.drafts):
                first = time.perf_counter() - began
    assert written is not None
    return written, first


def main() -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    assert passes("def one(): return 1", "assert one() == 1")
    assert not passes("def one(): return 2", "assert one() == 1")
    assert not passes("import os\nos.system('true')", "")
    assert not passes("import socket\nsocket.socket()", "")
    assert not passes("while True: pass", "")
    services = make_services(read_settings([]))
    complete(services, "x = ", max_new_tokens=1)  # loads the model

    right, tokens, seconds, firsts = 0, 0, 0.0, []
    print("function                 right  parses  tokens  mean log p")
    for problem in PROBLEMS:
        written, first = complete(services, problem.prompt, temperature=0)
        (draft,) = written.drafts
        gap = Gap(problem.prompt)
        passed = passes(gap.filled(draft.text), problem.checks)
        right += passed
        tokens, seconds = tokens + len(draft.tokens), seconds + written.took
        firsts.append(first)
        count = len(draft.tokens)
        well_formed = parses(gap.filled(draft.text), "Python")
        verdicts = f"{_word(passed):<6} {_word(well_formed):<7}"
        print(f"{problem.name:<24} {verdicts} {count:>6}  {draft.logprob / max(1, count):>10.2f}", flush=True)
    print(f"pass@1 (greedy): {right} of {len(PROBLEMS)} = {right / len(PROBLEMS):.0%}")
    print(f"{tokens / seconds:.1f} tokens per second, first text after {median(firsts):.2f} s (median)\n")

    prompt = "# The animals of the zoo in alphabetical order\nanimals = ['ant', "
    print("requests  together tokens/s  one after the other tokens/s  same text  (medians of 3)")
    for count in (1, 2, 4, 8):
        rounds, same = [], 0

        def ask(seed: int) -> Drafts:
            return complete(services, prompt, (seed,), temperature=0.6, max_new_tokens=40)[0]

        for _ in range(3):
            began = time.perf_counter()
            with ThreadPoolExecutor(count) as pool:
                together = list(pool.map(ask, range(count)))
            middle = time.perf_counter()
            alone = [ask(seed) for seed in range(count)]
            end = time.perf_counter()
            rounds.append((_tokens(together) / (middle - began), _tokens(alone) / (end - middle)))
            same += sum(a.drafts[0].text == b.drafts[0].text for a, b in zip(together, alone, strict=True))
        both, single = (median(rates) for rates in zip(*rounds, strict=True))
        print(f"{count:>8}  {both:>17.1f}  {single:>28.1f}  {same:>5} of {3 * count}", flush=True)
    services.registry.close()


def _word(verdict: bool | None) -> str:
    return "yes" if verdict else "no"


def _tokens(runs: list[Drafts]) -> int:
    return sum(len(draft.tokens) for run in runs for draft in run.drafts)


if __name__ == "__main__":
    main()
