"""A rehearsal in the terminal: what is said, and the few words a person may type."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from autodevops.cli.output import print_json
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import UsageError
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.sandbox.basics.moments import parse_duration, to_datetime
from autodevops.sandbox.gameday import Gameday, by_number, numbered, origin
from autodevops.sandbox.prometheus.rules import ActiveAlert
from autodevops.sandbox.serve import Sandbox
from autodevops.sandbox.world.scenario import load_scenario, shipped_scenarios

HELP = """\
  status                      what fires, and for how long it has been going on
  hint                        a hint (costs points; each says more)
  answer KIND/NAME [REASON]   what is at fault, such as: answer Deployment/cart; or: answer nothing
  wait [5m]                   let time pass at once; without a length, until the next page
  done                        you think it is fixed
  give up                     see the truth"""
_LONGEST_WAIT = 3600.0
_SETTLE = 600.0  # seconds of the world that pass before `done` is judged: alerts look back over five minutes
_STEP = 60.0  # seconds of the world between two looks at what fires: a pager waits about as long
_LOOK_SECONDS = 1.0


def list_numbers(as_json: bool) -> None:
    rows = numbered(shipped_scenarios())
    if as_json:
        print_json([{"scenario": number, "difficulty": difficulty} for number, difficulty in rows])
        return
    for number, difficulty in rows:
        typer.echo(f"scenario {number}, {difficulty}")


def play(which: str, seed: int, speed: float, kubeconfig: Path, as_json: bool) -> None:
    """Serve a rehearsal until it is done, given up, or interrupted."""
    if not 0 < speed <= 600:
        raise UsageError(f"The speed {speed:g} is not possible.", "Choose more than 0 and at most 600.")
    chosen = by_number(shipped_scenarios(), which)
    found = load_scenario(chosen) if isinstance(chosen, str) else chosen
    clock = MovedClock(utc_now, speed=speed)
    with Sandbox(found, seed, clock=clock, origin=origin(found, clock())) as sandbox:
        sandbox.write_kubeconfig(kubeconfig)
        interactive = sys.stdin.isatty()
        table = Table(Gameday(sandbox.world), clock, quiet=as_json)
        table.opening(sandbox, kubeconfig, speed)
        try:
            if not interactive:
                table.wait("")
            table.run(_lines(interactive))
        except KeyboardInterrupt:
            table.say("")
        table.closing(as_json)


class Table:
    """One rehearsal being played."""

    def __init__(self, game: Gameday, clock: MovedClock, quiet: bool) -> None:
        self.game = game
        self._clock = clock
        self._quiet = quiet
        self._paged: set[tuple[Any, ...]] = set()

    def say(self, text: str = "", **style: Any) -> None:
        if not self._quiet:
            typer.secho(text, **style)

    def opening(self, sandbox: Sandbox, kubeconfig: Path, speed: float) -> None:
        self.say("Game day", bold=True)
        pace = "" if speed == 1 else f" Time runs {speed:g} times as fast as yours."
        self.say(f"You are on call. All is quiet; you will be paged.{pace}\n")
        self.say("Paste this into another terminal:", dim=True)
        for name, value in {"KUBECONFIG": str(kubeconfig.resolve()), **sandbox.environment()}.items():
            self.say(f"  export {name}={value}")
        self.say("\nThen investigate and act as you would:", dim=True)
        self.say("  kubectl get pods              kubectl rollout history deployment/NAME")
        self.say('  autodevops ask "what is wrong?"')
        addresses = sandbox.addresses
        self.say("  Grafana, with these data sources:")
        for system in ("prometheus", "loki", "tempo"):
            self.say(f"    {system:<11} {addresses[system]}")
        self.say("\nHere you can type:", dim=True)
        self.say(f"{HELP}\n")

    def run(self, lines: Iterator[str | None]) -> None:
        """Until it is over; None is a moment in which nobody typed."""
        self.prompt()
        for line in lines:
            if line is not None and self.do(line):
                return
            if self.page() or line is not None:
                self.prompt()

    def prompt(self) -> None:
        if not self._quiet and sys.stdin.isatty():
            typer.echo("> ", nl=False)

    def do(self, line: str) -> bool:
        """One line; True when the rehearsal is over."""
        word, _, rest = line.strip().partition(" ")
        match word.lower(), rest.strip():
            case "", _:
                pass
            case "status", _:
                self.status()
            case "hint", _:
                self.say(f"  {self.game.hint()}")
            case "answer", text:
                self.answer(text)
            case "wait", text:
                self.wait(text)
            case "done", _:
                self.settle()
                return True
            case ("give", "up") | ("quit", _) | ("exit", _):
                return True
            case _:
                self.say(f"  {word!r} is no command here.\n{HELP}")
        return False

    def page(self) -> bool:
        """Page for whatever fires and was not paged for yet; whether there was something."""
        fresh = [one for one in self.game.firing() if (one.labels, one.active_at) not in self._paged]
        for one in fresh:
            self._paged.add((one.labels, one.active_at))
            labels = dict(one.labels)
            colour = {"critical": "red", "warning": "yellow"}.get(labels.get("severity", ""), "white")
            said = f"{_time(self.game)}  PAGE  {labels['alertname']}: {one.annotations.get('summary', '')}"
            self.say(f"\r{said}" if sys.stdin.isatty() else said, fg=colour, bold=True)
        return bool(fresh)

    def status(self) -> None:
        firing = self.game.firing()
        minutes = (self.game.world.now() - (self.game.paged_at or self.game.world.now())) / 60
        since = f"; {minutes:.0f} min since the first page" if self.game.paged_at else "; nobody has been paged"
        self.say(f"  {_time(self.game)} UTC{since}")
        for one in firing:
            self.say(f"  {_state(one, self.game.world.now())}")
        if not firing:
            self.say("  Nothing fires.")

    def answer(self, text: str) -> None:
        subject, _, reason = text.partition(" ")
        kind, slash, name = subject.partition("/")
        if not kind or (not slash and kind.lower() != "nothing"):
            self.say("  Name it as KIND/NAME, such as: answer Deployment/cart")
            return
        right = self.game.answer(kind, name, reason)
        self.say("  Yes, that is it." if right else "  No, that is not it.", fg="green" if right else "yellow")

    def wait(self, text: str) -> None:
        """Let time pass at once."""
        try:
            seconds = parse_duration(text) if text else _LONGEST_WAIT
        except ValueError as error:
            self.say(f"  {error}")
            return
        assert isinstance(seconds, float)
        if not 0 < seconds <= _LONGEST_WAIT:
            self.say("  Wait up to an hour at a time, such as: wait 5m")
            return
        passed = 0.0
        while passed < seconds:
            step = min(_STEP, seconds - passed)
            self._clock.advance(step)
            passed += step
            if self.page() and not text:
                return
        self.say(f"  {_time(self.game)}  {passed / 60:.0f} min passed{'' if text else ' and nobody was paged'}.")

    def settle(self) -> None:
        self.say(f"  {_SETTLE / 60:.0f} minutes pass, to see whether it holds.", dim=True)
        self._clock.advance(_SETTLE)

    def closing(self, as_json: bool) -> None:
        report = self.game.report()
        if as_json:
            print_json(report)
            return
        truth, score = self.game.world.scenario.truth, self.game.score()
        self.say("\nThe truth", bold=True)
        self.say(f"  {self.game.world.scenario.title}.")
        subject = f"{truth.subject.kind}/{truth.subject.name}" if truth.subject else "nothing"
        self.say(f"  At fault: {subject}{f' ({truth.reason})' if truth.reason else ''}")
        helps = [f"{one.action} {one.subject.kind}/{one.subject.name}" for one in truth.remediations
                 if one.effect == "resolves"]  # fmt: skip
        if helps:
            self.say(f"  What helps: {', '.join(helps)}")
        self.say("\nYour score", bold=True)
        found = "not found" if score.seconds_to_find is None else f"after {score.seconds_to_find / 60:.1f} min"
        self.say(f"  right subject   {found}")
        self.say(f"  resolved        {'yes' if score.fixed else 'no'}")
        if score.worse:
            self.say(f"  made worse      {', '.join(score.worse)}", fg="red")
        self.say(f"  {score.points} of 100 points", bold=True)
        self.say(f"  {score.formula}", dim=True)


def _state(alert: ActiveAlert, now: float) -> str:
    labels = dict(alert.labels)
    minutes = (now - alert.fired_at / 1000) / 60
    return f"{labels['alertname']:<32} {minutes:>3.0f} min  {alert.annotations.get('summary', '')}"


def _time(game: Gameday) -> str:
    return to_datetime(game.world.now()).strftime("%H:%M:%S")


def _lines(interactive: bool) -> Iterator[str | None]:
    """What is typed, line by line; None now and then while nobody types. Ends with the input."""
    if not interactive:
        yield from sys.stdin
        return
    typed: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            typed.put(line)
        typed.put(None)

    threading.Thread(target=read, name="keyboard", daemon=True).start()
    while True:
        try:
            line = typed.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            yield None
            continue
        if line is None:
            return
        yield line
