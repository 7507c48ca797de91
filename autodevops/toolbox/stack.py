"""The order of the wrappers, decided here and nowhere else. A call passes them from the top, its answer from below.

::

    ReadOnly         what may change something is refused before anything is spent on it
    Cached           a kept answer takes no turn and is there while its system is down
    Retried          a repetition waits its turn like any call and asks the breaker again
    Limited          waiting for a turn counts against nothing
    CircuitBreaker   below the queue: those who wait when a system goes down hear it at once, not one time limit later
    Timeout          one try's time; a system that hangs counts as one that is down
    Redacted         next to the connection: nothing above ever holds a secret, errors and kept answers included
    McpToolbox       the connections

`Audited`, which enters calls in the ledger, and `Recorder`, which belongs to one turn or investigation, stand on top.
"""

from __future__ import annotations

from collections.abc import Callable

from autodevops.kernel.clock import Clock, utc_now
from autodevops.settings import ToolboxSettings
from autodevops.toolbox.breaker import CircuitBreaker, server_of
from autodevops.toolbox.cached import Cached
from autodevops.toolbox.limited import Limited
from autodevops.toolbox.protocol import Tools
from autodevops.toolbox.read_only import ReadOnly
from autodevops.toolbox.redacted import Redacted
from autodevops.toolbox.retried import Retried
from autodevops.toolbox.timeout import Timeout

RETRY_PAUSE = 0.25  # seconds, before jitter: longer than a connection takes, shorter than patience


def asked_once(toolbox: Tools, settings: ToolboxSettings, seconds: float) -> Tools:
    """Reading tools, each call really made and made once: for those who ask whether a system answers."""
    return ReadOnly(_limited_in_time(toolbox, settings, seconds))


def standard(
    toolbox: Tools,
    settings: ToolboxSettings,
    seconds: float,
    *,
    system_of: Callable[[str], str] = server_of,
    clock: Clock = utc_now,
) -> Tools:
    """Reading tools with everything the settings switch on. `seconds`: how long one try may take."""
    tools = _limited_in_time(toolbox, settings, seconds)
    if settings.breaker_failures:
        tools = CircuitBreaker(
            tools, settings.breaker_failures, settings.breaker_seconds, system_of=system_of, clock=clock
        )
    tools = Limited(tools, settings.calls_at_once)
    if settings.retries:
        tools = Retried(tools, settings.retries, pause=RETRY_PAUSE)
    if settings.cache_seconds:
        tools = Cached(tools, settings.cache_seconds, clock=clock)
    return ReadOnly(tools)


def _limited_in_time(toolbox: Tools, settings: ToolboxSettings, seconds: float) -> Tools:
    masked = Redacted(toolbox, settings.redaction_salt.get_secret_value()) if settings.redact else toolbox
    return Timeout(masked, seconds)
