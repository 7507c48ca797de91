"""What a container finds when it starts: environment and files, resolved from ConfigMaps, Secrets and the pod itself.

A reference that leads nowhere is `Missing`, in the kubelet's words and with the object it waits for; an optional one
is left out. What becomes of the pod then is `containers.py`'s (environment) and `pods.py`'s (volumes) business.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping, Sequence

from autodevops.sandbox.basics.quantities import parse_quantity
from autodevops.sandbox.cluster.store import Json, Key, Store

_REFERENCE = re.compile(r"\$(\$|\(([-._a-zA-Z][-._a-zA-Z0-9]*)\))")
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class Missing(Exception):
    """A reference that leads nowhere; `key` is the object to wait for."""

    def __init__(self, message: str, key: Key) -> None:
        super().__init__(message)
        self.key = key


def environment(store: Store, pod: Json, container: Json, ips: Mapping[str, str]) -> dict[str, str]:
    """The variables of a container. `ips` has `podIP` and `hostIP`. Raises Missing."""
    found: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        kind, field = ("ConfigMap", "configMapRef") if source.get("configMapRef") else ("Secret", "secretRef")
        reference = source.get(field) or {}
        name, optional = reference.get("name", ""), bool(reference.get("optional"))
        texts = _texts(store, kind, _namespace(pod), name, optional) or {}
        found |= {f"{source.get('prefix') or ''}{key}": text for key, text in texts.items()}
    for one in container.get("env") or ():
        text = _value(store, pod, container, one, ips) if "valueFrom" in one else expand(one.get("value") or "", found)
        if text is not None:
            found[one["name"]] = text
    return found


def expand(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` replaced as in env, command and args; an unknown name stays as it is, `$$` is a dollar."""
    if "$" not in text:
        return text
    return _REFERENCE.sub(lambda match: "$" if match[2] is None else known.get(match[2], match[0]), text)


def volume_files(store: Store, pod: Json, volume: Json) -> dict[str, str] | None:
    """The files of a volume made from the API; None for other volumes. Raises Missing."""
    if "projected" in volume:
        files: dict[str, str] = {}
        for source in volume["projected"].get("sources") or ():
            for kind, field in (("ConfigMap", "configMap"), ("Secret", "secret")):
                if field in source:
                    files |= _files(store, pod, kind, source[field], source[field].get("name", ""))
            if "downwardAPI" in source:
                files |= _downward(pod, source["downwardAPI"])
            if "serviceAccountToken" in source:
                files[source["serviceAccountToken"].get("path", "token")] = ""
        return files
    if "configMap" in volume:
        return _files(store, pod, "ConfigMap", volume["configMap"], volume["configMap"].get("name", ""))
    if "secret" in volume:
        return _files(store, pod, "Secret", volume["secret"], volume["secret"].get("secretName", ""))
    if "downwardAPI" in volume:
        return _downward(pod, volume["downwardAPI"])
    return None


def mounts(store: Store, pod: Json, container: Json) -> dict[str, dict[str, str]]:
    """Mount path -> file name -> text, for the volumes made from the API that a container mounts."""
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    found = {}
    for mount in container.get("volumeMounts") or ():
        try:
            files = volume_files(store, pod, volumes.get(mount["name"], {}))
        except Missing:
            continue  # it was there when the pod was set up; the kubelet keeps what it mounted
        if files is None:
            continue
        part = str(mount.get("subPath") or "")
        if part in files:
            found[mount["mountPath"]] = {part: files[part]}
        else:
            found[mount["mountPath"]] = files
    return found


def pull_credentials(store: Store, pod: Json) -> tuple[list[dict[str, str]], list[str]]:
    """The registries' credentials a pod may pull with, and the names of pull secrets that are not there."""
    namespace = _namespace(pod)
    account = store.get("ServiceAccount", namespace, pod["spec"].get("serviceAccountName") or "default") or {}
    own = pod["spec"].get("imagePullSecrets") or account.get("imagePullSecrets") or ()
    auths, missing = [], []
    for reference in own:
        secret = store.get("Secret", namespace, reference.get("name", ""))
        if secret is None:
            missing.append(str(reference.get("name", "")))
        else:
            auths += registry_auths(secret)
    return auths, missing


def registry_auths(secret: Json) -> list[dict[str, str]]:
    """The `auths` of a .dockerconfigjson (or the older .dockercfg), each with its `registry`."""
    texts = secret_texts(secret)
    try:
        if ".dockerconfigjson" in texts:
            auths = json.loads(texts[".dockerconfigjson"]).get("auths", {})
        else:
            auths = json.loads(texts.get(".dockercfg", "{}"))
        return [{"registry": str(name), **{k: str(v) for k, v in auth.items()}} for name, auth in auths.items()]
    except (ValueError, AttributeError):
        return []  # the kubelet skips what it cannot parse


def secret_texts(secret: Json) -> dict[str, str]:
    """A Secret's data as text; bytes that are no text are shown as Latin-1."""
    texts = {}
    for name, value in (secret.get("data") or {}).items():
        try:
            raw = base64.b64decode(value)
        except (binascii.Error, ValueError):
            raw = str(value).encode()
        try:
            texts[name] = raw.decode()
        except UnicodeDecodeError:
            texts[name] = raw.decode("latin-1")
    return texts | (secret.get("stringData") or {})


def _value(store: Store, pod: Json, container: Json, one: Json, ips: Mapping[str, str]) -> str | None:
    source = one["valueFrom"]
    for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
        if field in source:
            reference = source[field]
            optional = bool(reference.get("optional"))
            name = reference.get("name", "")
            texts = _texts(store, kind, _namespace(pod), name, optional)
            if texts is None:
                return None
            if reference["key"] not in texts:
                if optional:
                    return None
                where = Key(kind, _namespace(pod), name)
                raise Missing(f"couldn't find key {reference['key']} in {kind} {where.namespace}/{where.name}", where)
            return texts[reference["key"]]
    if "fieldRef" in source:
        return pod_field(pod, source["fieldRef"].get("fieldPath", ""), ips)
    if "resourceFieldRef" in source:
        return _resource(pod, container, source["resourceFieldRef"])
    return ""


def pod_field(pod: Json, path: str, ips: Mapping[str, str]) -> str:
    """A field of the downward API; empty when the pod does not have it."""
    meta, spec = pod["metadata"], pod["spec"]
    if match := _SUBSCRIPT.fullmatch(path):
        return str((meta.get(match[1]) or {}).get(match[2], ""))
    match path:
        case "metadata.labels" | "metadata.annotations":
            return "\n".join(f'{name}="{text}"' for name, text in sorted((meta.get(path[9:]) or {}).items()))
        case "metadata.name" | "metadata.namespace" | "metadata.uid":
            return str(meta.get(path[9:], ""))
        case "spec.nodeName" | "spec.serviceAccountName":
            return str(spec.get(path[5:], ""))
        case "status.podIP" | "status.podIPs":
            return ips.get("podIP", "")
        case "status.hostIP" | "status.hostIPs":
            return ips.get("hostIP", "")
    return ""


def _resource(pod: Json, container: Json, reference: Json) -> str:
    """A request or limit, in units of `divisor`, rounded up."""
    owner = next((one for one in pod["spec"]["containers"] if one["name"] == reference.get("containerName")), container)
    part, _, name = reference.get("resource", "").partition(".")
    amount = ((owner.get("resources") or {}).get(part) or {}).get(name)
    if amount is None:
        return "0"
    divisor = str(reference.get("divisor") or "1")
    return str(math.ceil(parse_quantity(str(amount)) / parse_quantity("1" if divisor == "0" else divisor)))


def _texts(store: Store, kind: str, namespace: str, name: str, optional: bool) -> Mapping[str, str] | None:
    item = store.get(kind, namespace, name)
    if item is None:
        if optional:
            return None
        raise Missing(f'{kind.lower()} "{name}" not found', Key(kind, namespace, name))
    if kind == "Secret":
        return secret_texts(item)
    return {**(item.get("data") or {}), **(item.get("binaryData") or {})}


def _files(store: Store, pod: Json, kind: str, source: Json, name: str) -> dict[str, str]:
    optional = bool(source.get("optional"))
    texts = _texts(store, kind, _namespace(pod), name, optional)
    if texts is None:
        return {}
    items: Sequence[Json] = source.get("items") or ()
    if not items:
        return dict(texts)
    files: dict[str, str] = {}
    for item in items:
        if item["key"] in texts:
            files[str(item.get("path") or item["key"])] = texts[item["key"]]
        elif not optional:
            what = "config" if kind == "ConfigMap" else "secret"
            raise Missing(f"references non-existent {what} key: {item['key']}", Key(kind, _namespace(pod), name))
    return files


def _downward(pod: Json, source: Json) -> dict[str, str]:
    paths: dict[str, Json] = {item["path"]: item for item in source.get("items") or ()}
    return {
        path: pod_field(pod, item["fieldRef"].get("fieldPath", ""), {}) if "fieldRef" in item else ""
        for path, item in paths.items()
    }


def _namespace(pod: Json) -> str:
    return str(pod["metadata"].get("namespace", ""))
