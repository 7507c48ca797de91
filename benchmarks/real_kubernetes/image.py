"""Makes an image of files, with the libraries they are linked to, and pushes it to the registry on loopback:

python image.py NAME:TAG [FILE | FILE=PLACE ...] [--entry PROGRAM]
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
from urllib.request import Request, urlopen

REGISTRY, TYPES = "http://127.0.0.1:5000/v2", "application/vnd.oci.image."


def layer(files: list[str]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for folder in ("bin", "etc", "tmp", "var/log", "lib64", "proc", "sys", "dev"):
            made = tarfile.TarInfo(folder)
            made.type, made.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(made)
        users = tarfile.TarInfo("etc/passwd")
        users.size = len(text := b"root:x:0:0:root:/root:/bin/sh\n")
        tar.addfile(users, io.BytesIO(text))
        placed = dict(reversed(f"{file}={file}".split("=")[:2]) for file in files)
        for file in [*placed.values()]:
            words = subprocess.run(["ldd", file], capture_output=True, text=True, check=False).stdout.split()
            placed |= {word: word for word in words if word.startswith("/")}
        for place, file in placed.items():
            tar.add(os.path.realpath(file), place.lstrip("/"))
            if place == "/bin/busybox":
                for name in subprocess.run([file, "--list"], capture_output=True, text=True, check=True).stdout.split():
                    link = tarfile.TarInfo(f"bin/{name}")
                    link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                    if name != "busybox":
                        tar.addfile(link)
    return raw.getvalue()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def put(url: str, data: bytes, kind: str) -> None:
    urlopen(Request(url, method="PUT", data=data, headers={"Content-Type": kind}))


def push(name: str, files: list[str], entry: str) -> None:
    repository, tag = name.rsplit(":", 1)
    raw = layer(files)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/bin:/usr/bin"]} | ({"Entrypoint": [entry]} if entry else {}),
        "rootfs": {"type": "layers", "diff_ids": [digest(raw)]},
    }
    described = []
    for data, kind in ((json.dumps(config).encode(), "config.v1+json"), (gzip.compress(raw), "layer.v1.tar+gzip")):
        started = urlopen(Request(f"{REGISTRY}/{repository}/blobs/uploads/", method="POST", data=b""))
        put(f"{started.headers['Location']}&digest={digest(data)}", data, "application/octet-stream")
        described.append({"mediaType": TYPES + kind, "size": len(data), "digest": digest(data)})
    kind = TYPES + "manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": described[0], "layers": described[1:]}
    put(f"{REGISTRY}/{repository}/manifests/{tag}", json.dumps(manifest).encode(), kind)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--entry", default="")
    given = parser.parse_intermixed_args()
    push(given.name, given.files, given.entry)
