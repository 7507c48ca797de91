"""What httpx, the Ollama client and the wire can raise, as our errors: the vendor's end at this border.

A refused connection arrives as `ConnectionError` from plain calls but as httpx's own error from streams.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from autodevops.kernel.errors import (
    ToolDenied,
    ToolError,
    ToolNotFound,
    ToolRejected,
    ToolTimeout,
    ToolUnavailable,
)


@contextmanager
def translated(url: str, late: str) -> Iterator[None]:
    """`late`: what to do when the time was not enough."""
    import httpx
    import ollama

    try:
        yield
    except (TimeoutError, httpx.TimeoutException) as error:
        raise ToolTimeout(f"Ollama at {url} did not finish in time.", late) from error
    except ollama.ResponseError as error:
        raise _refusal(url, error.status_code, str(error.error)) from error
    except (ConnectionError, httpx.ConnectError) as error:
        raise ToolUnavailable(
            f"Ollama at {url} does not answer.", "Start it, or correct AUTODEVOPS_OLLAMA__URL."
        ) from error
    except httpx.HTTPError as error:
        raise ToolUnavailable(f"The connection to Ollama at {url} broke: {type(error).__name__}.") from error
    except (ValueError, TypeError, AttributeError) as error:
        # The client reads the wire with json.loads, part.get and pydantic, and lets what they raise through.
        raise ToolUnavailable(
            f"What answers at {url} does not speak Ollama's protocol.", "Correct AUTODEVOPS_OLLAMA__URL."
        ) from error


def _refusal(url: str, status: int, reason: str) -> ToolError:
    said = " ".join(reason.split())[:200]
    if "error parsing tool call" in said:  # with status 500 or in mid-stream: the model's fault, not the server's
        return ToolRejected("The model wrote a tool call that cannot be read.")
    if status in {401, 403}:
        return ToolDenied(f"Ollama at {url} refused the request: {said}.", "Check OLLAMA_API_KEY.")
    if status == 404:
        return ToolNotFound(f"Ollama at {url}: {said}.", "Pull the model, or correct AUTODEVOPS_OLLAMA__URL.")
    if 400 <= status < 500:
        return ToolRejected(f"Ollama at {url} rejected the request: {said}.")
    return ToolUnavailable(f"Ollama at {url} failed: {said}.", "Its own log says more.")
