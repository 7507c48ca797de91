"""Plants the faults of faults.yaml in a cluster that was started by start.sh, then asks the workbench about each.

    python benchmarks/real_kubernetes/faults.py plant [NAME ...]   # a namespace each, by kubectl
    python benchmarks/real_kubernetes/faults.py judge [NAME ...]   # `autodevops investigate`, and what was right

Both take the cluster of KUBECONFIG. Never use one that somebody needs: namespaces are made, a node is drained.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

BUSYBOX, PYTHON = "registry.example/busybox:1.35", "registry.example/python:3.11"
Fault = dict[str, Any]


def workload(name: str, pod: dict[str, Any], replicas: int = 1) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def shop() -> list[dict[str, Any]]:
    """A web server behind a Service, and a client that asks it every three seconds and says when it got no answer."""
    serve = "mkdir -p /tmp/www; echo well > /tmp/www/index.html; echo serving; exec $1"
    probe = {"httpGet": {"port": 8080}, "periodSeconds": 5}
    command, args = ["sh", "-c", serve, "sh"], ["httpd -f -v -p 8080 -h /tmp/www"]
    web = {"name": "web", "image": BUSYBOX, "command": command, "args": args, "readinessProbe": probe}
    ask = 'while sleep 3; do wget -T 2 -qO- "http://$WEB_SERVICE_HOST/" || echo "ERROR GET http://web/ failed"; done'
    client = {"name": "client", "image": BUSYBOX, "command": ["sh", "-c", ask]}
    port = {"port": 80, "targetPort": 8080}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    return [
        service | {"spec": {"selector": {"app": "web"}, "ports": [port]}},
        workload("web", {"containers": [web]}),
        workload("client", {"containers": [client]}),
    ]


def objects(fault: Fault) -> list[dict[str, Any]]:
    made = list(fault.get("objects", []))
    if fault.get("shop"):
        made += shop()
    if keys := {"app", "pod", "python", "sidecar"} & set(fault):
        serving = {"image": PYTHON, "args": ["-m", "http.server", "8080"]}
        if "python" in keys:
            serving["args"] = ["-c", fault["python"]]
        container = {"name": "cart"} | serving | fault.get("app", {})
        if container["image"] == PYTHON and "command" in container:
            del container["args"]
        containers = [container, *([fault["sidecar"]] if "sidecar" in keys else [])]
        made.append(workload("cart", {"containers": containers} | fault.get("pod", {}), fault.get("replicas", 1)))
    return made


def kubectl(namespace: str, command: str, stdin: str = "") -> None:
    command = command.replace("kubectl ", f"kubectl -n {namespace} ", 1)
    done = subprocess.run(command, shell=True, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{namespace}: {command[:80]}: {done.stderr.strip()[:300]}")


def plant(fault: Fault) -> None:
    name = fault["name"]
    kubectl(name, f"kubectl create namespace {name}")
    kubectl(name, f"kubectl label namespace {name} fault={name}")
    listed = {"apiVersion": "v1", "kind": "List", "items": objects(fault)}
    kubectl(name, "kubectl apply -f -", json.dumps(listed))
    if fault.get("shop"):
        kubectl(name, "kubectl rollout status deployment web --timeout=120s")
    for command in fault.get("then", []):
        kubectl(name, command)


def judge(fault: Fault, folder: Path) -> tuple[str, str]:
    """Whether what the workbench said first was right (of another reason: `object`), and what that was."""
    command = [sys.executable, "-m", "autodevops", "investigate", "-n", fault["name"], "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (folder / f"{fault['name']}.json").write_text(done.stdout)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        return "error", done.stderr.strip()[-300:]
    first = next(iter(said["hypotheses"]), None)
    named = f"{first['subject']['kind']}/{first['subject']['name']}" if first else ""
    text = f"{said['verdict']} {named} {first['reason']} {first['confidence']:.2f}" if first else said["verdict"]
    if "verdict" in fault:
        return ("right" if said["verdict"] == fault["verdict"] else "wrong"), text
    if first is None or said["verdict"] != "explained" or named not in (fault["object"], *fault.get("or", [])):
        return "wrong", text
    return ("right" if first["reason"] in fault["reasons"] else "object"), text


def main(verb: str, *names: str) -> None:
    faults = yaml.safe_load((Path(__file__).parent / "faults.yaml").read_text())
    chosen = [fault for fault in faults if not names or fault["name"] in names]
    if verb == "plant":
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(plant, chosen))
        return
    folder = Path(tempfile.mkdtemp(prefix="real-kubernetes-"))
    print(f"What was said in full is in {folder}.")
    for fault in chosen:
        outcome, text = judge(fault, folder)
        print(f"{outcome:7} {fault['name']:18} {text}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
