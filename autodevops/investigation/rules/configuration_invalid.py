"""ConfigurationInvalid (LOG034, state): a program rejects its configuration.

What: a configuration file that is not there, cannot be parsed or has an unknown directive, in the last words of a
container that ended, in the tail of one that fails, or in lines that the time before did not have. A file that its
ConfigMap no longer has is ConfigFileMissing.

Why it matters: it cannot start, whatever its image: the file was changed, or is mounted elsewhere.

Example: `ledger rejects its configuration: yaml: line 12: did not find expected key`

What to do: compare the ConfigMap and where it is mounted with the last version that ran.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.config_file_missing import CATEGORY, lacking
from autodevops.investigation.rules.said import log_rule

_SAID = log_rule(
    "LOG034",
    "ConfigurationInvalid",
    "rejects its configuration",
    CATEGORY,
    specificity=0.8,
    names_cause=True,
    documentation=__doc__,
)


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterator[Finding]:
    elsewhere = {lack.said.subject for lack in lacking(picture, earlier)}
    yield from (finding for finding in _SAID.check(picture, earlier) if finding.subject not in elsewhere)


RULE = replace(_SAID, check=_check)
