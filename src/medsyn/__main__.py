"""``python -m medsyn`` is the command ``medsyn``."""

from medsyn.cli import main

main()
