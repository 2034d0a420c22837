"""The examples of the code completion tab: the lecture's own, and gaps in small programs."""

from dataclasses import dataclass

from demos.coding import Language


@dataclass(frozen=True)
class CodeExample:
    title: str
    language: Language
    code: str
    """With the cursor marker where something is missing, unless that is the end."""


EXAMPLES = (
    CodeExample(
        "parse_expenses",
        "Python",
        '''import datetime

def parse_expenses(expenses_string):
    """Parse the list of expenses and return the list of triples (date, value, currency).
    Ignore lines starting with #.
    Parse the date using datetime.
    Example expenses_string:
        2016-01-02 -34.01 USD
        2016-01-03 2.59 DKK
        2016-01-03 -2.72 EUR
    """
''',
    ),
    CodeExample(
        "Loop",
        "Python",
        """def running_mean(numbers):
    total = 0
    means = []
    for count, number in enumerate(numbers, start=1):
        <CURSOR>
    return means
""",
    ),
    CodeExample(
        "Docstring",
        "Python",
        '''def collatz(n):
    """Return <CURSOR>"""
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps
''',
    ),
    CodeExample(
        "JavaScript",
        "JavaScript",
        """// Calls f once, when there were no calls for `wait` milliseconds.
function debounce(f, wait) {
  let timer;
  return function (...args) {
    <CURSOR>
  };
}
""",
    ),
    CodeExample(
        "C",
        "C",
        """#include <string.h>

/* Reverses the string in place. */
void reverse(char *text) {
    size_t length = strlen(text);
    <CURSOR>
}
""",
    ),
    CodeExample(
        "SQL",
        "SQL",
        """CREATE TABLE orders (id INTEGER, customer TEXT, price REAL, day DATE);

-- The five customers who spent most in 2025, with their sums
""",
    ),
    CodeExample(
        "HTML",
        "HTML",
        """<!-- The four seasons and their months -->
<table>
  <tr><th>Season</th><th>Months</th></tr>
  <CURSOR>
</table>
""",
    ),
)
