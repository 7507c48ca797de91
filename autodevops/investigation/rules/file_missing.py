"""FileMissing (LOG042, state): a workload does not find a file, folder or program that it needs.

What: no such file or directory, ENOENT, FileNotFoundError, in the last words of a container that ended, in the tail
of one that fails, or in lines that the time before did not have. A module of the program is ModuleMissing, a
configuration that calls itself so ConfigurationInvalid.

Why it matters: the image, a mount or a path in the settings is not what the program expects; it does not start.

Example: `cart does not find a file it needs: FileNotFoundError: No such file or directory: '/etc/shop/config.json'`

What to do: compare the path with the image's content and with the volumes of the template.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG042",
    "FileMissing",
    "does not find a file it needs",
    "file missing",
    specificity=0.6,
    documentation=__doc__,
)
