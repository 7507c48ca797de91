"""`autodevops portal`: the dashboard in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def portal(
    host: Annotated[str, typer.Option(help="Address to listen on. Default: 127.0.0.1.")] = "",
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any. Default: 8866, or a free one.")
    ] = None,
    token: Annotated[
        str, typer.Option(help="What people come in with; better as AUTODEVOPS_PORTAL__TOKEN. Default: a new one.")
    ] = "",
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password of the login page, or with Jupyter's hash of it.")
    ] = None,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Let everybody in; only on loopback.")] = False,
    max_kernels: Annotated[
        int | None, typer.Option(min=1, max=500, help="Pages that may be open at a time. Default: 8.")
    ] = None,
) -> None:
    """Serve the dashboard until Ctrl-C: Jamie's chat beside the state of your services, alerts and runs.

    Prometheus can scrape /metrics there with the token as its credentials.
    """
    from autodevops.settings import PortalSettings, load_settings

    settings = load_settings()
    given = {
        "host": host,
        "port": port,
        "token": token,
        "password_file": password_file,
        "max_kernels": max_kernels,
    }
    chosen = {name: value for name, value in given.items() if value not in (None, "")}
    configured = settings.portal.model_dump()
    if no_auth:  # the flag is later than the settings, and wins over their token
        configured |= PortalSettings().model_dump(include={"token", "password_file", "people"})
    ours = PortalSettings.model_validate(configured | chosen)

    from autodevops.portal.inbox import Inbox
    from autodevops.portal.server import Address, door_of, serve
    from autodevops.portal.sources import Sources
    from autodevops.workbench import Workbench

    door = door_of(ours, open_to_all=no_auth)
    with Workbench.from_settings(settings) as bench:
        inbox = Inbox(settings, bench)
        inbox.tend()
        address = Address(ours.host, ours.port, fixed=port is not None)
        try:
            serve(ours, door, address, Sources(settings, bench), inbox, _ready)
        finally:
            inbox.close()
    typer.secho("portal: ended", err=True)


def _ready(url: str) -> None:
    typer.echo(url)
    typer.secho("portal: serving there; Ctrl-C ends it", err=True)
