"""What an ill-meaning visitor of the page or a program can try from outside: `python -m tests.attacks`."""
