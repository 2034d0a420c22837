"""Code with a cursor in it: cleaning, splitting at the marker, where a completion is finished, whether it parses."""

import ast
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from models.errors import BadInputError

CURSOR = "<CURSOR>"
MAX_CHARACTERS = 4000

Language = str
"""A key of `LANGUAGES`."""
LANGUAGES: Mapping[Language, str] = {
    "Python": "python",
    "JavaScript": "javascript",
    "C": "c",
    "C++": "cpp",
    "HTML": "html",
    "SQL": "sql",
}
"""Name for people, name for the editor."""

# A line of these at the left margin still belongs to the block above it.
_CONTINUES = ("}", ")", "]", "{", "else", "elif", "except", "finally", "catch", "while")
# Characters that no one sees: control codes, and formatting that can hide or reorder code (Boucher & Anderson 2021).
_UNWANTED = {"Cc", "Cf", "Cs"}
_KEPT = {"\n", "\t", "\u200c", "\u200d"}


@dataclass(frozen=True)
class Gap:
    """Code before and after the place where something is missing."""

    prefix: str
    suffix: str = ""

    def filled(self, middle: str) -> str:
        """The whole code."""
        return self.prefix + middle + self.suffix


def clean_code(code: str | None, *, max_characters: int = MAX_CHARACTERS) -> str:
    """The same code with `\\n` at the end of each line and without invisible characters; tabs and spaces stay.

    Raises `BadInputError` if nothing is left, or if more than `max_characters` are.
    """
    code = code if isinstance(code, str) else ""
    if len(code) <= 4 * max_characters:
        lines = code.replace("\r\n", "\n").replace("\r", "\n")
        code = "".join(char for char in lines if char in _KEPT or unicodedata.category(char) not in _UNWANTED)
    if len(code) > max_characters:
        raise BadInputError(
            f"This code has {len(code):,} characters and the limit is {max_characters:,}: "
            "please keep only what is near the gap."
        )
    if not code.replace(CURSOR, "").strip():
        raise BadInputError("Type the beginning of some code first: there is nothing to complete yet.")
    return code


def split_at_cursor(code: str) -> Gap:
    """The code around the marker; without one, or with nothing but space behind it, the gap is at the end.

    Raises `BadInputError` for a second marker.
    """
    prefix, *others = code.split(CURSOR)
    if len(others) > 1:
        raise BadInputError(f"There are {len(others)} {CURSOR} markers; please leave one.")
    return Gap(prefix, "".join(others))


def end_of_completion(gap: Gap, text: str, language: Language) -> int | None:
    """Where in `text` (what a model wrote into the gap so far) its job is done; None if it may go on.

    At the end of a file a model writes one definition after the other. So there a completion ends with the definition
    it stands in: before the next line at the left margin once there were indented lines; in SQL after the statement;
    in HTML with the document. In the middle of a file a model should end by itself, but a small one that was trained
    to chat often writes on. So there it ends before a line further left than the cursor's own (a block that the suffix
    closes) and where it begins to repeat the suffix. A line of Markdown's ``` ends it anywhere.
    """
    ends = [_start_of_line(text, lambda line: line.startswith("```"))]
    if gap.suffix.strip():
        ends += [_where_it_repeats(gap.suffix, text), _where_it_leaves(gap.prefix, text)]
    elif language == "SQL":
        ends.append(_end_of(r";(?=\s*\n)", text))
    elif language == "HTML":
        ends.append(_end_of(r"</html>", text))
    else:
        ends.append(_end_of_definition(gap.prefix, text))
    return min((end for end in ends if end is not None), default=None)


def parses(code: str, language: Language) -> bool | None:
    """Whether `code` is well-formed; None where nobody checked (only Python is). Nothing is ever executed."""
    # The parser's time and memory grow with its input, so what is far larger than a visitor may send is not checked.
    if language != "Python" or len(code) > 4 * MAX_CHARACTERS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as a backslash before the wrong letter: no business of our log
            ast.parse(code)
    except (SyntaxError, ValueError):
        return False
    except (RecursionError, MemoryError):  # nested too deeply to tell
        return None
    return True


def _end_of(pattern: str, text: str) -> int | None:
    found = re.search(pattern, text)
    return found.end() if found else None


def _where_it_repeats(suffix: str, text: str) -> int | None:
    rest = suffix.split("\n")[0].strip()
    following = next(line.strip() for line in suffix.split("\n") if line.strip())
    if len(following) < 3:  # a lone bracket may well come twice
        return None
    if rest:
        place = text.find(rest)
        return None if place < 0 else place
    finished = text[: text.rfind("\n") + 1]  # a line that still grows may become another one
    return _start_of_line(finished, lambda line: line.strip() == following)


def _where_it_leaves(prefix: str, text: str) -> int | None:
    cursor_line = prefix[prefix.rfind("\n") + 1 :]
    return _start_of_line(text, lambda line: bool(line.strip()) and _indent(line) < _indent(cursor_line))


def _start_of_line(text: str, is_it: Callable[[str], bool]) -> int | None:
    """Where the first line for which `is_it` holds begins; the line that the cursor stands in does not count."""
    first, *others = text.split("\n")
    place = len(first) + 1
    for line in others:
        if is_it(line):
            return place
        place += len(line) + 1
    return None


def _indent(line: str) -> int:
    spaced = line.expandtabs(4)
    return len(spaced) - len(spaced.lstrip())


def _end_of_definition(prefix: str, text: str) -> int | None:
    lines = [line for line in prefix.split("\n") if line.strip()]
    in_block = bool(lines) and (lines[-1][0].isspace() or lines[-1].rstrip()[-1] in ":{([")
    place = 0
    *finished, growing = text.split("\n")
    for number, line in enumerate([*finished, growing]):
        starts_line = number > 0 or prefix.endswith("\n") or not prefix
        if starts_line and line.strip():
            if line[0].isspace():
                in_block = True
            elif not _continues(line, growing=number == len(finished)):
                if in_block and text[:place].strip():
                    return place
                in_block = False
        place += len(line) + 1
    return None


def _continues(line: str, *, growing: bool) -> bool:
    # Of a line that still grows, "el" may become "else".
    return line.startswith(_CONTINUES) or (growing and any(word.startswith(line) for word in _CONTINUES))
