"""`python -m autodevops` is the command `autodevops`."""

from autodevops.cli import main

main()
