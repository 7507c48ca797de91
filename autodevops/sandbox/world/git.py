"""The world's repository: a monorepo whose history is the deploy history, between ordinary commits.

Every rollout that came from a build has its commit and its merged pull request; a faulty one carries the diff that its
scenario gives, or one made from what the fault does (see source.py). The history is computed from the rollouts known at
a moment; it is one line of squashed merges, newest first.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import yaml

from autodevops.sandbox.basics.moments import to_datetime
from autodevops.sandbox.world.faults.effects import Write
from autodevops.sandbox.world.script import Release as Shipped
from autodevops.sandbox.world.source import DIALECTS, Dialect, edited, first_files, main_file, mistakes, spelled
from autodevops.sandbox.world.topology import Language, Service

if TYPE_CHECKING:
    from autodevops.sandbox.world.world import World


@dataclass(frozen=True, slots=True)
class Person:
    login: str
    name: str

    @property
    def email(self) -> str:
        return f"{self.login}@acme.example"


@dataclass(frozen=True, slots=True)
class FileChange:
    """`patch` are the hunks alone, from the first `@@` on, as GitHub gives them."""

    path: str
    status: str  # added, modified, removed
    patch: str

    @property
    def additions(self) -> int:
        return sum(line.startswith("+") for line in self.patch.splitlines())

    @property
    def deletions(self) -> int:
        return sum(line.startswith("-") for line in self.patch.splitlines())


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    parent: str  # empty for the first
    message: str
    author: Person
    at: datetime
    files: tuple[FileChange, ...]


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request; `merge_commit` is empty while it is open, and `files` are what it changes."""

    number: int
    title: str
    body: str
    author: Person
    branch: str
    head_sha: str
    base_sha: str
    created_at: datetime
    files: tuple[FileChange, ...]
    labels: tuple[str, ...] = ()
    merged_at: datetime | None = None
    merged_by: Person | None = None
    merge_commit: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    tag: str
    sha: str
    at: datetime
    author: Person
    body: str


@dataclass(frozen=True, slots=True)
class Deployment:
    id: int
    sha: str
    service: str
    version: str
    at: datetime
    creator: Person


@dataclass(frozen=True)
class Repository:
    """One repository at one moment: commits, pulls, releases and deployments newest first; `files` by commit."""

    owner: str
    name: str
    description: str
    created_at: datetime
    commits: Sequence[Commit]
    pulls: Sequence[PullRequest]
    releases: Sequence[Release]
    deployments: Sequence[Deployment]
    trees: Mapping[str, Mapping[str, str]]
    default_branch: str = "main"

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


# --- the world's repository ---

_CHORES_BEFORE = timedelta(days=21)  # ordinary commits begin this long before the scenario


def world_repositories(world: World) -> tuple[Repository, ...]:
    """The repositories of the world as they are now: one, with what every service was built from."""
    owner, _, name = world.topology.repository.partition("/")
    built = [service for service in world.topology.services if service.language in DIALECTS]
    shipments = [
        _shipment(rollout, service, world)
        for service in built
        for rollout in world.releases()
        if rollout.service == service.name and rollout.commit
    ]
    languages = {service.name: service.language for service in built}
    since = world.origin - _CHORES_BEFORE
    merges = _merges(world.merged_writes())
    return (build_repository(owner, name, world.seed, languages, shipments, to_datetime(world.now()), since, merges),)


def _merges(writes: Sequence[Write]) -> Iterator[Merge]:
    """One merge for all that one pull request wrote."""
    for (at, pull), group in groupby(writes, key=lambda write: (write.at, write.pull_request)):
        manifests: dict[str, str] = {}
        for write in group:
            kind, *names = write.object.split("/")
            document = {"kind": kind, "metadata": {"name": names[-1]}, **write.body}
            path = f"deploy/{'/'.join(['shared', *names[:-1]])}/{names[-1]}.{kind.lower()}.yaml"
            manifests[path] = yaml.safe_dump(document, sort_keys=False)
        if pull is not None:
            yield Merge(to_datetime(at), pull.title, pull.body, pull.author, pull.files, manifests)


def _shipment(rollout: Shipped, service: Service, world: World) -> Shipment:
    pull = rollout.pull_request
    return Shipment(
        service=service.name,
        language=service.language,
        version=rollout.version,
        previous_version=rollout.previous_version,
        sha=rollout.commit,
        at=to_datetime(rollout.at),
        mistakes=mistakes(world.modifiers, service.name, rollout.version),
        title=pull.title if pull else "",
        body=pull.body if pull else "",
        author=pull.author if pull else "",
        files=pull.files if pull else {},
    )


# --- making a history ---


@dataclass(frozen=True)
class Shipment:
    """What git needs to know of a rollout. `sha` is what the Deployment's annotation names.

    `mistakes` are what its diff gets wrong: ("limits",), or the guard ("errors"), the batch ("latency"), or both, in
    this order; empty for a good one. The texts, where given, are the
    scenario's own words and win over what is made here.
    """

    service: str
    language: Language
    version: str
    previous_version: str
    sha: str
    at: datetime
    mistakes: tuple[str, ...] = ()
    title: str = ""
    body: str = ""
    author: str = ""
    files: Mapping[str, str] = field(default_factory=dict)  # path -> hunks


@dataclass(frozen=True)
class Merge:
    """A pull request that a pipeline applied to the cluster at `at`: the scenario's own `files` (path -> hunks), or
    else `manifests` (path -> text), what was applied."""

    at: datetime
    title: str
    body: str
    author: str
    files: Mapping[str, str]
    manifests: Mapping[str, str]


@dataclass(frozen=True)
class _Event:
    """One squashed merge to come: what it says and how it edits the tree."""

    at: datetime
    title: str
    body: str
    edits: Mapping[str, str]
    author: Person
    shipment: Shipment | None = None
    files: tuple[FileChange, ...] = ()


PEOPLE = (
    Person("mira-k", "Mira Kaplan"),
    Person("tobias-w", "Tobias Wend"),
    Person("ajones", "Alice Jones"),
    Person("rfernandes", "Rui Fernandes"),
    Person("lin-yu", "Lin Yu"),
    Person("sokolova", "Darya Sokolova"),
)
_BUILD_TIME = timedelta(minutes=9)  # from merge to rollout
_APPLY_TIME = timedelta(minutes=3)  # from merge to manifests that are applied
_FIRST_PULL = 1180

_CHORES = (
    ("docs: say who owns {svc}", "services/{svc}/README.md", "\nOn call: #team-{svc} in chat.\n"),
    ("docs: link the dashboard of {svc}", "services/{svc}/README.md", "\nDashboard: grafana/{svc}-overview.\n"),
    ("docs: how to run {svc} locally", "services/{svc}/README.md", "\n## Run it\n\n    make run SERVICE={svc}\n"),
    ("ci: cache the builds of {svc}", ".ci/{svc}.yaml", "cache: true\n"),
    ("ci: run the tests of {svc} nightly", ".ci/{svc}.yaml", "nightly: true\n"),
    ("docs: decision record on {svc} timeouts", "docs/decisions/{svc}.md", "- Callers wait two seconds at most.\n"),
    ("docs: glossary of {svc} terms", "docs/glossary.md", "- {svc}: see services/{svc}/README.md\n"),
)


def diff_files(path: str, before: str | None, after: str | None) -> tuple[FileChange, ...]:
    """The change of one file, or nothing when it is the same; None stands for a file that is not there."""
    if before == after:
        return ()
    status = "added" if before is None else "removed" if after is None else "modified"
    lines = difflib.unified_diff(_lines(before or ""), _lines(after or ""), lineterm="")
    return (FileChange(path, status, "\n".join(list(lines)[2:])),)


def _lines(text: str) -> list[str]:
    """The lines of a file; the last one says so when no newline ends it, as in git's diffs."""
    lines = text.splitlines()
    if text and not text.endswith("\n"):
        lines[-1] += "\n\\ No newline at end of file"
    return lines


def build_repository(
    owner: str,
    name: str,
    seed: int,
    languages: Mapping[str, Language],
    shipments: Iterable[Shipment],
    now: datetime,
    chores_since: datetime,
    merges: Iterable[Merge] = (),
) -> Repository:
    """The repository at `now`; `shipments` are the rollouts that were built from it, in any order, `merges` what else
    was applied from it.

    From `chores_since` on there are ordinary commits too; it must not move, as their moments are counted from it.
    """
    shipped = sorted((one for one in shipments if one.at - _BUILD_TIME <= now), key=lambda one: (one.at, one.service))
    oldest = min((one.at for one in shipped), default=now)
    born = oldest - timedelta(days=14)
    first_versions = {one.service: one.previous_version for one in reversed(shipped)}
    tree: dict[str, str] = {"README.md": f"# {name}\n\nOne repository, {len(languages)} services.\n"}
    for service, language in sorted(languages.items()):
        tree |= first_files(service, language, first_versions.get(service) or "1.0.0")
    creator = PEOPLE[0]
    first_sha = _sha(seed, "first")
    files = tuple(change for path, text in sorted(tree.items()) for change in diff_files(path, None, text))
    commits = [Commit(first_sha, "", f"Import {name} from its old home", creator, born, files)]
    trees: dict[str, Mapping[str, str]] = {first_sha: dict(tree)}
    pulls: list[PullRequest] = []
    events = [*_chores(seed, sorted(one for one in languages if languages[one] in DIALECTS), chores_since, now)]
    events += [_shipping(seed, shipment) for shipment in shipped]
    events += [_merging(seed, merge) for merge in merges]
    number = _FIRST_PULL
    for event in sorted(events, key=lambda one: (one.at, one.title)):
        if event.edits and all(addition in tree.get(path, "") for path, addition in event.edits.items()):
            continue
        number += 1
        before = dict(tree)
        _apply(event, tree)
        changes = event.files or tuple(
            change
            for path in sorted(tree.keys() | before.keys())
            for change in diff_files(path, before.get(path), tree.get(path))
        )
        if event.files and event.shipment:
            changes = (*event.files, *_version_change(event.shipment, before, tree, event.files))
        sha = event.shipment.sha if event.shipment else _sha(seed, f"{event.at.isoformat()} {event.title}")
        parent = commits[-1].sha
        message = f"{event.title} (#{number})" + (f"\n\n{event.body}" if event.body else "")
        commits.append(Commit(sha, parent, message, event.author, event.at, changes))
        trees[sha] = dict(tree)
        reviewer = PEOPLE[(PEOPLE.index(event.author) + 1) % len(PEOPLE)] if event.author in PEOPLE else creator
        opened = event.at - timedelta(minutes=35 + _pick(seed, f"review {sha}", 1200))
        pulls.append(
            PullRequest(
                number=number,
                title=event.title,
                body=event.body,
                author=event.author,
                branch=re.sub(r"[^a-z0-9]+", "-", event.title.lower()).strip("-")[:40],
                head_sha=_sha(seed, f"head {sha}"),
                base_sha=parent,
                created_at=opened,
                files=changes,
                labels=(event.shipment.service,) if event.shipment else ("chore",) if event.edits else ("deploy",),
                merged_at=event.at,
                merged_by=reviewer,
                merge_commit=sha,
            )
        )
    known = {one.sha: one for one in commits}
    deployed = [one for one in shipped if one.at <= now]
    return Repository(
        owner=owner,
        name=name,
        description="The shop: services, configuration, documentation",
        created_at=born,
        commits=tuple(reversed(commits)),
        pulls=tuple(reversed(pulls)),
        releases=tuple(
            Release(
                f"{one.service}-v{one.version}",
                one.sha,
                known[one.sha].at,
                known[one.sha].author,
                known[one.sha].message,
            )
            for one in reversed(shipped)
        ),
        deployments=tuple(
            Deployment(
                _pick(seed, f"deployment {one.sha}", 10**9),
                one.sha,
                one.service,
                one.version,
                one.at,
                known[one.sha].author,
            )
            for one in reversed(deployed)
        ),
        trees=trees,
    )


def _chores(seed: int, services: Sequence[str], since: datetime, now: datetime) -> Iterable[_Event]:
    """Ordinary commits that ship nothing: at most one in most half-days, at an hour of their own."""
    if not services:
        return
    for half_day in range((now - since) // timedelta(hours=12) + 1):
        if _pick(seed, f"quiet {half_day}", 3) == 0:
            continue
        at = since + timedelta(hours=12 * half_day, minutes=30 + _pick(seed, f"minute {half_day}", 660))
        if at > now:
            continue
        title, path, text = _CHORES[_pick(seed, f"chore {half_day}", len(_CHORES))]
        service = services[_pick(seed, f"service {half_day}", len(services))]
        edits = {path.format(svc=service): text.format(svc=service)}
        yield _Event(at, title.format(svc=service), "", edits, PEOPLE[_pick(seed, f"author {half_day}", len(PEOPLE))])


_GOOD_CHANGES = (
    ("{svc}: bump a dependency", "Patch release, changelog reviewed."),
    ("{svc}: wait longer for slow partners", "Two seconds was too short for the nightly import."),
    ("{svc}: debug logging behind a setting", "Off by default."),
    ("{svc}: size the pool for the sale", "Measured with the load test of last week."),
)
_BAD_CHANGES = {
    ("limits",): (
        "{svc}: tighten timeout and pool",
        "Frees connections for the other services; the pool was never more than half used.",
    ),
    ("errors",): (
        "{svc}: drop the lookup default",
        "All records have been migrated, so the special case is dead code.",
    ),
    ("latency",): ("{svc}: always read fresh lines", "The batched read may return stale lines after an edit."),
    ("errors", "latency"): (
        "{svc}: simplify record handling",
        "Reads lines fresh, one by one, and drops the special case for records without a profile.",
    ),
}


def _shipping(seed: int, shipment: Shipment) -> _Event:
    mistakes = shipment.mistakes
    choice = _pick(seed, f"change {shipment.sha}", len(_GOOD_CHANGES))
    title, body = _BAD_CHANGES[mistakes] if mistakes else _GOOD_CHANGES[choice]
    author = _author(seed, shipment.sha, shipment.author)
    return _Event(
        at=shipment.at - _BUILD_TIME,
        title=shipment.title or title.format(svc=shipment.service),
        body=shipment.body
        or (f"{body}\n\nReleases {shipment.service} {shipment.version}." if not shipment.title else ""),
        edits={},
        author=author,
        shipment=shipment,
        files=tuple(_given_change(path, hunks) for path, hunks in shipment.files.items()),
    )


def _merging(seed: int, merge: Merge) -> _Event:
    return _Event(
        at=merge.at - _APPLY_TIME,
        title=merge.title,
        body=merge.body,
        edits={} if merge.files else merge.manifests,
        author=_author(seed, merge.title, merge.author),
        files=tuple(_given_change(path, hunks) for path, hunks in merge.files.items()),
    )


def _author(seed: int, about: str, login: str) -> Person:
    """The person of a login; without one, somebody."""
    if not login:
        return PEOPLE[_pick(seed, f"author {about}", len(PEOPLE))]
    return next((one for one in PEOPLE if one.login == login), Person(login, login))


def _given_change(path: str, hunks: str) -> FileChange:
    """A scenario's hunks; a file is new when nothing stood there before (`@@ -0,0`)."""
    text = hunks.strip("\n")
    if not text.startswith("@@"):
        old = sum(not line.startswith("+") for line in text.splitlines())
        new = sum(not line.startswith("-") for line in text.splitlines())
        text = f"@@ -{1 if old else 0},{old} +{1 if new else 0},{new} @@\n{text}"
    header = text.split("\n", 1)[0]
    status = "added" if "-0,0" in header else "removed" if "+0,0" in header else "modified"
    return FileChange(path, status, text)


def _apply(event: _Event, tree: dict[str, str]) -> None:
    for path, addition in event.edits.items():
        tree[path] = tree.get(path, "") + addition
    for change in event.files:
        _apply_patch(change, tree)
    shipment = event.shipment
    if shipment is None:
        return
    tree[f"services/{shipment.service}/VERSION"] = f"{shipment.version}\n"
    if event.files:
        return
    dialect = DIALECTS.get(shipment.language)
    if dialect is None:
        return
    path = main_file(shipment.service, shipment.language)
    if path in tree:
        tree[path] = edited(tree[path], dialect, shipment.mistakes)
    if "limits" in shipment.mistakes:
        config = f"services/{shipment.service}/config.yaml"
        text = re.sub(r"(request_timeout: )\S+", r"\g<1>300ms", tree.get(config, ""))
        tree[config] = re.sub(r"(pool_size: )\d+", r"\g<1>4", text)
    if not shipment.mistakes:
        _good_change(event.title, shipment, dialect, tree)


def _good_change(title: str, shipment: Shipment, dialect: Dialect, tree: dict[str, str]) -> None:
    service = shipment.service
    config, manifest = f"services/{service}/config.yaml", spelled(dialect.manifest, service)
    match title.removeprefix(f"{service}: "):
        case "bump a dependency":
            stem = dialect.dependency
            tree[manifest] = re.sub(
                re.escape(stem) + r"(\d+)", lambda found: f"{stem}{int(found.group(1)) + 1}", tree.get(manifest, "")
            )
        case "wait longer for slow partners":
            tree[config] = re.sub(r"(request_timeout: )(\d+)s", _raised(1, "s"), tree.get(config, ""))
        case "size the pool for the sale":
            tree[config] = re.sub(r"(pool_size: )(\d+)", _raised(8, ""), tree.get(config, ""))
        case "debug logging behind a setting":
            tree[config] = tree.get(config, "") + f"debug_{shipment.version.replace('.', '_')}: false\n"


def _raised(step: int, unit: str) -> Callable[[re.Match[str]], str]:
    return lambda found: f"{found.group(1)}{int(found.group(2)) + step}{unit}"


def _apply_patch(change: FileChange, tree: dict[str, str]) -> None:
    """Put a scenario's hunks where their old lines are; where those are not, the new lines join the file's end."""
    if change.status == "removed":
        tree.pop(change.path, None)
        return
    text = tree.get(change.path, "")
    for hunk in re.split(r"^@@.*\n", change.patch, flags=re.MULTILINE)[1:]:
        lines = [line for line in hunk.splitlines() if not line.startswith("\\")]
        old = "\n".join(line[1:] for line in lines if not line.startswith("+"))
        new = "\n".join(line[1:] for line in lines if not line.startswith("-"))
        text = text.replace(old, new, 1) if old and old in text else f"{text}{new}\n"
    tree[change.path] = text


def _version_change(
    shipment: Shipment, before: Mapping[str, str], tree: Mapping[str, str], given: Sequence[FileChange]
) -> tuple[FileChange, ...]:
    path = f"services/{shipment.service}/VERSION"
    if any(change.path == path for change in given):
        return ()
    return diff_files(path, before.get(path), tree.get(path))


def _sha(seed: int, text: str) -> str:
    return hashlib.sha1(f"{seed} {text}".encode(), usedforsecurity=False).hexdigest()


def _pick(seed: int, text: str, choices: int) -> int:
    return int(_sha(seed, text)[:12], 16) % choices
