"""A few scenarios through sandbox, servers and engine, as `autodevops eval` runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from autodevops.evaluation.suite import half_of


def test_a_suite_of_ones_own_is_run_whatever_the_users_settings_and_told_as_json_and_markdown(tmp_path: Path) -> None:
    suite, page = tmp_path / "suite", tmp_path / "page.md"
    suite.mkdir()
    (suite / "quiet.yaml").write_text("{title: Nothing, group: all is well, truth: {verdict: healthy}}")
    options = ["--suite", str(suite), "--half", half_of("quiet"), "--markdown", str(page), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "autodevops", "eval", *options],
        env={
            **os.environ,
            "AUTODEVOPS_PROMETHEUS__URL": "http://127.0.0.1:1",
            "AUTODEVOPS_INVESTIGATION__NAMESPACE": "elsewhere",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [(one["scenario"], one["verdict"]) for one in told["scenarios"]] == [("quiet", "healthy")]
    assert told["scenarios"][0]["missing"] == 0
    assert told["overall"]["all"]["false_blame"] == 0
    assert "| quiet | healthy | healthy | none |" in page.read_text()
