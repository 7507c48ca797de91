"""Where the `autodevops` command and `python -m autodevops` begin."""

from __future__ import annotations

import signal


def main() -> None:
    """Ctrl-C while we are still being read from disk simply ends us: there is nothing to clean up yet."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    if before is signal.SIG_IGN:  # started in the background by a shell
        signal.signal(signal.SIGINT, before)
    from autodevops.cli.app import main as run

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
