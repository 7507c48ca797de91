"""Play worlds of real servers, exporters, Prometheus and Alertmanager, record them, and ask the engine once of each.

    python benchmarks/exporters/play.py --python VENV/bin/python --node-modules DIR --go-shop FILE --out DIR [WORLD ...]

See README.md beside this file for what must be installed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from loopback import Site, Tools
from worlds import WORLDS

ENGINE = threading.Lock()


def series(prometheus: str, end: float, seconds: float) -> list[dict[str, object]]:
    query = urllib.parse.urlencode({"query": f'{{__name__!=""}}[{int(seconds)}s]', "time": f"{end:.3f}"})
    with urllib.request.urlopen(f"{prometheus}/api/v1/query?{query}", timeout=60) as answer:
        return json.load(answer)["data"]["result"]


def fetch(url: str) -> object:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def environment(site: Site) -> dict[str, object]:
    """Of our programs: nothing of the user's, and no kubeconfig."""
    return {
        "HOME": site.folder, "XDG_STATE_HOME": site.folder / "state",
        "AUTODEVOPS_PROMETHEUS__URL": f"http://127.0.0.1:{site.ports['prometheus']}",
        "AUTODEVOPS_ALERTMANAGER__URL": f"http://127.0.0.1:{site.ports['alertmanager']}",
    }  # fmt: skip


def told(program: str, site: Site, *words: object) -> Any:
    inherited = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
    with ENGINE:
        done = subprocess.run(
            ["nice", program, *map(str, words), "--json"],
            env={**inherited, **{name: str(value) for name, value in environment(site).items()}},
            cwd=site.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"error": done.stderr[-2000:]}


def play(name: str, arguments: argparse.Namespace, tools: Tools, folder: Path) -> None:
    out = arguments.out / name
    out.mkdir(parents=True, exist_ok=True)
    site = Site(name, folder / name, tools)
    try:
        fault = WORLDS[name](site)
        site.watch()
        if arguments.scarlet:
            site.start("scarlet", "env", "-u", "KUBECONFIG", arguments.engine, "scarlet", "run",
                       environment=environment(site))  # fmt: skip
        began = time.time()
        time.sleep(arguments.baseline * 60)
        before = dict(site.answers)
        broke = time.time()
        fault()
        time.sleep(arguments.fault * 60)
        end = time.time()
        prometheus = f"http://127.0.0.1:{site.ports['prometheus']}"
        record = {
            "began": began, "fault": broke, "end": end, "answers": {"before": before, "all": site.answers},
            "alerts": fetch(f"http://127.0.0.1:{site.ports['alertmanager']}/api/v2/alerts"),
            "series": series(prometheus, end, end - began + 5),
        }  # fmt: skip
        (out / "recording.json").write_text(json.dumps(record))
        if arguments.engine:
            answer = told(arguments.engine, site, "investigate", "-w", int(arguments.baseline + arguments.fault))
            (out / "live.json").write_text(json.dumps(answer, indent=1))
            print(name, answer.get("verdict"), answer.get("summary", answer.get("error")), flush=True)
        if arguments.scarlet:
            incidents = told(arguments.engine, site, "incident", "list")
            (out / "incidents.json").write_text(json.dumps(incidents, indent=1))
            print(name, *(f"{one['severity']}: {one['title']}" for one in incidents), sep="\n  ", flush=True)
    except Exception:  # noqa: BLE001  the other worlds go on
        (out / "failed.txt").write_text(traceback.format_exc())
        print(name, "failed", traceback.format_exc(), flush=True)
    finally:
        site.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("worlds", nargs="*", help="default: all, at once")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--node-modules", default="node_modules")
    parser.add_argument("--go-shop", default="shop-go")
    parser.add_argument("--engine", default="autodevops", help="empty: only record")
    parser.add_argument("--scarlet", action="store_true", help="her daemon runs beside it, and her incidents are kept")
    parser.add_argument("--baseline", type=float, default=9, help="minutes")
    parser.add_argument("--fault", type=float, default=5, help="minutes")
    parser.add_argument("--apart", type=float, default=4, help="seconds between the starts of two worlds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rx-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        tools = Tools(arguments.python, arguments.node_modules, arguments.go_shop, folder / "templates")
        threads = []
        for world in arguments.worlds or WORLDS:
            threads.append(threading.Thread(target=play, args=(world, arguments, tools, folder)))
            threads[-1].start()
            time.sleep(arguments.apart)
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
