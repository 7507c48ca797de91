"""How JupyterLab and Voila are started for the workbench: on loopback, with a token, loading nothing from elsewhere.

Stock Voila points its pages at two hosts on the internet; our template does not. JupyterLab asks for news and
updates, and its extension manager asks the package index; all three are off.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

JUPYTER_DATA = Path(__file__).parent / "jupyter"  # holds voila/templates/autodevops
JUPYTER_CONFIG = Path(__file__).parent / "jupyter_config"  # holds labconfig/page_config.json: no announcements
VOILA_EXTENSIONS = ("anywidget", "@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8")
LOOPBACK = "127.0.0.1"


def serving_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` with our Voila template and JupyterLab configuration on Jupyter's paths."""

    def first(folder: Path, variable: str) -> str:
        return os.pathsep.join(path for path in (str(folder), environment.get(variable, "")) if path)

    return {
        **environment,
        "JUPYTER_PATH": first(JUPYTER_DATA, "JUPYTER_PATH"),
        "JUPYTER_CONFIG_PATH": first(JUPYTER_CONFIG, "JUPYTER_CONFIG_PATH"),
    }


def lab_command(root: Path, port: int, token: str) -> list[str]:
    """JupyterLab over the files in `root`; its pages want `?token=`."""
    root_user = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        *root_user,
        f"--ServerApp.ip={LOOPBACK}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={token}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]


def voila_command(notebook: Path, port: int, token: str) -> list[str]:
    """Voila over one notebook; its pages want `?token=`.

    Kernels are not preheated: a preheated one would start with the previous visitor's request, token included.
    """
    return [
        sys.executable,
        "-m",
        "voila",
        str(notebook),
        "--no-browser",
        f"--Voila.ip={LOOPBACK}",
        f"--port={port}",
        "--Voila.port_retries=0",
        f"--token={token}",
        "--template=autodevops",
        "--preheat_kernel=False",
        *(f"--VoilaConfiguration.extension_allowlist={name}" for name in VOILA_EXTENSIONS),
        "--MappingKernelManager.cull_idle_timeout=3600",
        "--MappingKernelManager.cull_interval=60",
    ]


def lab_health_url(port: int, token: str) -> str:
    """Answers 200 once JupyterLab serves."""
    return f"http://{LOOPBACK}:{port}/api/status?token={token}"


def voila_health_url(port: int) -> str:
    """Answers 200 once Voila serves; the page itself would start a kernel."""
    return f"http://{LOOPBACK}:{port}/voila/static/voila.js"
