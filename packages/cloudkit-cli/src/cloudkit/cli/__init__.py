"""The ``cloudkit`` command.

``cloudkit --help`` says what it can do. A program that wants to run it in its own process calls
``main`` with the arguments.
"""

from cloudkit.cli.exits import Exit
from cloudkit.cli.program import main

__all__ = ["Exit", "main"]
