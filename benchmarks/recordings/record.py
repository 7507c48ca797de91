"""Runs programs that fail for real and writes down what they print: by hand, where the programs are installed.

    python benchmarks/recordings/record.py --venv VENV --node FOLDER --java FOLDER [--only TEXT] [--out FOLDER]

What fails is data: `programs/*.yaml` beside this file, one entry a program with its source and the faults it is run
into. Each fault has a label from `causes.yaml`, written before anything read the output. What is printed is kept as it
was but for what `scrub` says, and goes to `tests/investigation/recordings`, one file for each file of programs.

Needs root and Linux: everything runs in namespaces of its own (network, mounts, processes, host name), so that
servers have their usual ports, an address that answers nothing exists, names are resolved or not as the table says,
and nothing is left behind. Debian packages: postgresql redis-server mariadb-server rabbitmq-server memcached nginx-
light haproxy etcd-server zookeeper mosquitto pgbouncer golang-go with -dev packages of the drivers, openjdk, ruby,
php-cli, perl. VENV has the Python packages and is made with /usr/bin/python3, --node is a folder with node_modules,
--java one with jars.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
OUT = HERE.parent.parent / "tests" / "investigation" / "recordings"
USER = 10001  # a number without a name in /etc/passwd, as most containers run
LINES = 150  # of a longer output the head and the tail are kept, as `scrub` says

ENVIRONMENT = {
    "PATH": "/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/app",
    "LANG": "C.UTF-8",
    "NODE_PATH": "/app/node_modules",
    "GOPATH": "/usr/share/gocode",
    "GO111MODULE": "off",
    "GOCACHE": "/tmp/go-build",
    "GOFLAGS": "-buildvcs=false",
}


def scrub(text: str, venv: str) -> str:
    """Placeholders: /opt/venv is where the Python packages were, /home/app the home of who recorded.

    Colours and trailing blanks go; of more than LINES lines the middle is left out; lines are cut at 2,000 characters.
    """
    text = text.replace(venv, "/opt/venv").replace(f"{Path.home()}/", "/home/app/")
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    lines = [line.rstrip() for line in text.splitlines()]
    if len(lines) > LINES:
        cut = len(lines) - LINES
        lines = [
            *lines[: LINES // 3],
            f"[... {cut} lines of the recording left out ...]",
            *lines[-(LINES - LINES // 3) :],
        ]
    return "\n".join(line[:2000] for line in lines).strip("\n") + "\n"


def limits(case: dict[str, Any]) -> None:
    os.setsid()
    for name, value in case.get("limits", {}).items():
        which = getattr(resource, f"RLIMIT_{name.upper()}")
        resource.setrlimit(which, (value, value))
    if case.get("user", USER):
        os.setgroups([])
        os.setgid(case.get("user", USER))
        os.setuid(case.get("user", USER))
    os.umask(0o022)


def run(case: dict[str, Any], folder: Path) -> tuple[int | None, str]:
    """Exit status as a shell tells it (128 + signal), None where it had to be stopped: it never ends by itself."""
    command = case["run"]
    log = folder / ".output"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}" if case.get("exec", True) else command],
            cwd=folder,
            env=ENVIRONMENT | {k: str(v) for k, v in case.get("env", {}).items()},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: limits(case),
        )
        try:
            status: int | None = process.wait(timeout=case.get("timeout", 40))
        except subprocess.TimeoutExpired:
            status = None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()
    if case.get("stopped"):
        status = None
    text = log.read_text(errors="replace")
    for extra in case.get("logs", []):  # of servers that write to a file
        path = Path(extra)
        text += path.read_text(errors="replace") if path.exists() else ""
    return (128 - status if status is not None and status < 0 else status), text


def version(entry: dict[str, Any]) -> str:
    if not (command := entry.get("version")):
        return ""
    if re.fullmatch(r"[\w.-]+", command):
        command = f"dpkg-query -W -f '${{Version}}' {command}"
    elif command.startswith("pip "):
        name = command.removeprefix("pip ")
        command = f"python -c 'import importlib.metadata as m; print(m.version(\"{name}\"))'"
    elif command.startswith("npm "):
        command = f"node -p 'JSON.parse(fs.readFileSync(\"/app/node_modules/{command[4:]}/package.json\")).version'"
    done = subprocess.run(["sh", "-c", command], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    return (done.stdout.strip() or done.stderr.strip() or "unknown").splitlines()[0]


def cases(path: Path, shared: dict[str, Any]) -> list[dict[str, Any]]:
    """Each program's faults, a shared one (`pg.refused`) taken from `faults.yaml` by its name."""
    found = []
    for entry in yaml.safe_load(path.read_text()):
        for fault in entry["faults"]:
            fault = {"as": fault} if isinstance(fault, str) else dict(fault)
            if name := fault.pop("as", None):
                group, _, key = name.partition(".")
                fault = {"name": name.replace(".", "-")} | shared[group][key] | fault
            case = {k: v for k, v in entry.items() if k != "faults"} | fault
            case["env"] = entry.get("env", {}) | fault.get("env", {})
            case["files"] = entry.get("files", {}) | fault.get("files", {})
            case["name"] = f"{entry['program']}-{fault['name']}".lower().replace(" ", "-")
            found.append(case)
    return found


class _Literal(str):
    pass


yaml.SafeDumper.add_representer(
    _Literal, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style="|")
)


def write(target: Path, kept: dict[str, Any], names: set[str]) -> None:
    rows = [row | {"output": _Literal(row["output"])} for name, row in sorted(kept.items()) if name in names]
    target.write_text(yaml.dump(rows, Dumper=yaml.SafeDumper, sort_keys=False, allow_unicode=True, width=120))


def record(arguments: argparse.Namespace) -> None:
    import world

    world.enter(Path(arguments.venv), Path(arguments.node), Path(arguments.java))
    shared = yaml.safe_load((HERE / "faults.yaml").read_text())
    causes = yaml.safe_load((HERE / "causes.yaml").read_text())
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted((HERE / "programs").glob(arguments.programs + ".yaml")):
        target = out / path.name
        kept = {r["name"]: r for r in yaml.safe_load(target.read_text()) or []} if target.exists() else {}
        chosen = cases(path, shared)
        names = {case["name"] for case in chosen}
        built: object = None
        for number, case in enumerate(chosen):
            if number % 10 == 9:
                write(target, kept, names)
            if arguments.only and not re.search(arguments.only, case["name"]):
                continue
            if arguments.new and case["name"] in kept:
                continue
            assert case["cause"] in causes, f"{case['name']}: cause {case['cause']} is not in causes.yaml"
            try:
                for need in case.get("needs", []):
                    world.need(need)
            except RuntimeError as wrong:
                print(f"  {case['name']}: not recorded: {wrong}", flush=True)
                continue
            folder = Path("/app")
            same = case.get("build") and built == (case["files"], case["build"])
            world.clean(folder, keep=bool(same))
            built = case["files"], case.get("build")
            for name, content in case["files"].items():
                file = folder / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content)
            for command in [
                *world.listed(None if same else case.get("build")),
                *world.listed(case.get("before")),
                *world.listed(case.get("prepare")),
            ]:
                done = subprocess.run(
                    ["sh", "-c", command],
                    cwd=folder,
                    env=ENVIRONMENT | {"HOME": "/tmp"},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
                if done.returncode:
                    built = None
                    print(f"  {case['name']}: {command}: {done.stdout[-600:]}", flush=True)
            begun = time.time()
            status, text = run(case, folder)
            for command in world.listed(case.get("after")):
                subprocess.run(["sh", "-c", command], cwd=folder, env=ENVIRONMENT, capture_output=True)
            output = scrub(text, str(Path(arguments.venv)))
            print(
                f"{case['name']}: exit {status}, {len(output.splitlines())} lines, {time.time() - begun:.1f}s",
                flush=True,
            )
            kept[case["name"]] = {
                "name": case["name"],
                "program": case["program"],
                "version": version(case),
                "language": case["language"],
                "fault": case["fault"],
                "cause": case["cause"],
                "exit": status,
                "output": _Literal(output),
            } | ({"part": kept[case["name"]]["part"]} if "part" in kept.get(case["name"], {}) else {})
        write(target, kept, names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", required=True)
    parser.add_argument("--node", required=True)
    parser.add_argument("--java", default="/usr/share/java")
    parser.add_argument("--only", default="", help="names of recordings, as a regular expression")
    parser.add_argument("--programs", default="*", help="a file of programs/")
    parser.add_argument("--new", action="store_true", help="only what has no recording yet")
    parser.add_argument("--out", default=str(OUT))
    arguments = parser.parse_args()
    if not os.environ.get("RECORDING_INSIDE"):
        os.environ["RECORDING_INSIDE"] = "1"
        inside = ["unshare", "-n", "-m", "-u", "-i", "-p", "--fork", "--kill-child", "--mount-proc"]
        os.execvp("unshare", [*inside, sys.executable, *sys.argv])
    record(arguments)


if __name__ == "__main__":
    main()
