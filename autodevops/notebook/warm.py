"""What the first call and the first figure of a runbook import, for kernels that wait (`runbooks.kernels`).

Imported once by the process that they are forked from, it spares each run three seconds of a processor. Nothing here
connects to anything, reads settings or starts a thread.
"""

from __future__ import annotations

from autodevops.kernel.startup import skip_unused_imports

skip_unused_imports()

import anyio._backends._asyncio  # noqa: E402, F401
import httpcore  # noqa: E402, F401
import plotly.graph_objects as go  # noqa: E402
import plotly.io  # noqa: E402

from autodevops.investigation import rules  # noqa: E402, F401
from autodevops.notebook import kube, logs, metrics, requests, table, tools, traces  # noqa: E402, F401
from autodevops.runbooks import focus, keeper, render, sections  # noqa: E402, F401
from autodevops.servers import github, kubernetes, loki, prometheus, tempo  # noqa: E402, F401
from autodevops.servers.kubernetes import credentials  # noqa: E402, F401
from autodevops.stores import background, configuration, sqlite_ledger  # noqa: E402, F401
from autodevops.toolbox import McpToolbox, audited, stack  # noqa: E402, F401

# plotly imports what it draws and shows with when it does so for the first time
go.Figure(go.Scatter(x=[0], y=[0])).update_layout(title="", shapes=[{"x0": 0}]).add_annotation(text="").to_json()
plotly.io.renderers.default  # noqa: B018
