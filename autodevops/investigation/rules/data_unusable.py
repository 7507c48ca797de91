"""DataUnusable (LOG040, state): a server cannot use the data files it finds.

What: data of another major version, damaged or incomplete files, a data folder that is not empty or that another server
holds, in the last words of a container that ended, or in lines that the time before did not have.

Why it matters: it does not start, and no restart helps. After an image of a new major version the data is well: the
old image reads it.

Example: `store cannot use the data it finds: database files are incompatible with server`

What to do: copy the volume before anything else. For another version go back to the old image, then upgrade as the
server's manual says (`pg_upgrade`, dump and restore); for damage restore a backup.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG040",
    "DataUnusable",
    "cannot use the data it finds",
    "data unusable",
    specificity=0.9,
    names_cause=True,
    as_server="cannot use the data it finds",
    documentation=__doc__,
)
