"""How long it takes to list, search and compare runs among many: prints figures, judges nothing.

Copies one bundle, a real one when its folder is named, until there are so many; outputs and evidence are those of
that bundle, the page is left out of the copies because nothing here reads it.

    python benchmarks/bench_bundles.py [FOLDER OF A BUNDLE] [HOW MANY]
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from autodevops.kernel.clock import utc_now
from autodevops.kernel.ids import time_sortable_id
from autodevops.runbooks import RunRequest, load_runbook, run_runbook
from autodevops.runbooks.diff import compare, read_contents
from autodevops.runbooks.lookup import find, listed
from autodevops.runbooks.retention import Retention, judge
from autodevops.runbooks.search import search
from autodevops.runbooks.storage import FolderBundles

START = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000
    with tempfile.TemporaryDirectory(prefix="autodevops-bench-") as name:
        root = Path(name)
        original = Path(sys.argv[1]) if len(sys.argv) > 1 else _made(root)
        size = sum((original / file).stat().st_size for file in ("manifest.json", "notebook.ipynb"))
        ids = _copies(original, root / "artifacts", count)
        print(f"{count:,} bundles; manifest and notebook of each {size / 1e3:.0f} kB")
        there = FolderBundles(root / "artifacts")
        _timed("list, the newest 50", lambda: len(list(islice(listed(there), 50))))
        _timed("list --status failed, reads all", lambda: len(list(listed(there, status="failed"))))
        _timed("show, by the end of an id", lambda: find(there, ids[len(ids) // 2][-6:])[1].id)
        _timed("search, nobody says it", lambda: len(list(search(there, there.refs(), "nobody says this"))))
        _timed("search, one says it", lambda: len(list(search(there, there.refs(), f"the run numbered {count // 2}"))))
        _timed("search, all say it, 20 wanted", lambda: len(list(islice(search(there, there.refs(), "probe"), 20))))
        pair = [read_contents(there, *find(there, one)) for one in (ids[0], ids[-1])]
        _timed("diff of two", lambda: len(compare(pair[0], pair[1]).differences))
        policy = Retention(keep_days=1, keep_failed_days=1, keep_incident_days=1, keep_last=1)
        _timed("gc, what would go", lambda: sum(not one.keep for one in judge(listed(there), policy, utc_now())))


def _made(root: Path) -> Path:
    runbook = load_runbook(Path(__file__).parents[1] / "runbooks" / "namespace-health.ipynb")
    return run_runbook(RunRequest(runbook), artifacts=root / "one", clock=utc_now).folder


def _copies(original: Path, artifacts: Path, count: int) -> list[str]:
    document = json.loads((original / "manifest.json").read_text())
    folder = artifacts / document["runbook"]
    folder.mkdir(parents=True)
    ids = []
    for number in range(count):
        at = START + timedelta(minutes=number)
        run_id = time_sortable_id(at)
        (folder / run_id).mkdir()
        shutil.copyfile(original / "notebook.ipynb", folder / run_id / "notebook.ipynb")
        changed = {**document, "id": run_id, "started_at": at.isoformat(), "reason": f"the run numbered {number}"}
        (folder / run_id / "manifest.json").write_text(json.dumps(changed, indent=2))
        ids.append(run_id)
    os.sync()
    return ids


def _timed(what: str, work: Callable[[], object]) -> None:
    start = time.perf_counter()
    cpu = time.process_time()
    found = work()
    print(f"{what:<36}{time.perf_counter() - start:7.2f} s  ({time.process_time() - cpu:.2f} s of processor)  {found}")


if __name__ == "__main__":
    main()
