"""The commands and their options; what they do is in modules of their own, imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from sse_widget.cli.where import Where

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def _where(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which server is meant."""
    for option in (
        click.option("--kernel", metavar="ID", default="", help="The kernel, by its id or how that begins."),
        click.option("--url", metavar="URL", default="", help="A server's address, instead of a kernel."),
        click.option(
            "--bearer",
            metavar="SECRET",
            default="",
            envvar="SSE_WIDGET_BEARER",
            help="What opens the server of --url. Better in SSE_WIDGET_BEARER: arguments are there for all to see.",
        ),
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sse-widget", message="%(prog)s %(version)s")
def main() -> None:
    """Push events to the channels of running notebooks, and follow them.

    The kernel is found by itself: the one of yours that has the channel.
    """


@main.command()
@click.argument("channel")
@click.argument("json", required=False)
@click.option("--type", "type_", metavar="TYPE", default="", help="The events' type; default: message.")
@click.option("--text", is_flag=True, help="The input is text: each line is an event with that text as its data.")
@click.option("--no-wait", is_flag=True, help="Do not wait for readers that are behind; they get a gap.")
@_where
def push(channel: str, json: str | None, type_: str, text: bool, no_wait: bool, **where: Any) -> None:  # noqa: FBT001 - click's
    """Push JSON to CHANNEL, or each line of the input as an event of its own.

    \b
        sse-widget push prices '{"price": 191.2}'
        seq 1 100000 | sse-widget push numbers

    Each event arrives once, also where a connection breaks on the way. A reader that still reads is waited for, so that
    the history of the channel does not run over before it has read it.
    """  # noqa: D301 - click's mark for lines to leave alone
    from sse_widget.cli.push import Push  # noqa: PLC0415 - only for this command

    pushing = Push(Where(**where), channel, type_, paced=not no_wait, text=text)
    try:
        pushing.run(json)
    except KeyboardInterrupt:
        click.echo(f"interrupted; {pushing.known}", err=True)
        raise SystemExit(INTERRUPTED) from None


@main.command()
@click.argument("source", metavar="CHANNEL-OR-URL")
@click.option("--after", metavar="ID", default="newest", help="Begin after this event; oldest: with all that is held.")
@click.option("--type", "types", metavar="TYPE", multiple=True, help="Show events of this type only; may be repeated.")
@click.option("-n", "--number", type=click.IntRange(min=1), help="End after so many events.")
@click.option("--raw", is_flag=True, help="For each event its data, as a line of JSON; default in a pipe.")
@click.option("--full", is_flag=True, help="The same, with type and id.")
@click.option("-H", "--header", "headers", metavar="'NAME: VALUE'", multiple=True, help="Send it to the URL.")
@_where
@click.pass_context
def tail(context: click.Context, /, source: str, **options: Any) -> None:
    """Follow a channel, or any stream of server-sent events by its URL.

    \b
        sse-widget tail prices
        sse-widget tail prices --after oldest | jq .price
        sse-widget tail https://example.org/stream

    A connection that breaks is made again, after the last event that has come. What is lost for good is said on the
    standard error.
    """  # noqa: D301
    from sse_widget.cli.tail import Options, Tail  # noqa: PLC0415

    where = Where(**{name: options.pop(name) for name in ("kernel", "url", "bearer")})
    if context.get_parameter_source("bearer") is ParameterSource.ENVIRONMENT:
        where = where.with_bearer_from_environment()
    try:
        Tail(where, source, Options(**options)).run()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), required=False)
def demo(folder: Path | None) -> None:
    """Open the quickstart in JupyterLab, in FOLDER or in one that is deleted afterwards."""
    from sse_widget.cli.demo import run  # noqa: PLC0415

    run(folder)
