"""The ways in for what happens elsewhere: other servers' streams, and recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sse_widget.session import session_of
from sse_widget.sources.relay import Options
from sse_widget.sources.replay import Replay, warn_of_a_cut
from sse_widget.sources.replay import start as start_replay
from sse_widget.sources.request import parse_request

if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import Mapping

    from sse_widget.hub.channel import Channel

__all__ = ["relay", "replay"]


def relay(  # noqa: PLR0913 - each is a choice of its own
    url: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: object = None,
    into: Channel | str | None = None,
    *,
    done: str | None = "[DONE]",
    reconnect: bool | None = None,
    silence_s: float = 60.0,
    ssl_context: ssl.SSLContext | None = None,
) -> Channel:
    """Read an event stream of another server, here in the kernel, and serve it again as a channel.

    It goes on while cells are busy, reconnects by itself, and leaves out what the server sends again. Where events may
    have been lost in between, the channel's readers get a `Gap`. Running the cell again gives the same channel, and
    goes on where the stream was; a request other than GET is sent anew.

    Data that is JSON is parsed, other text is kept as a string. `channel.source` is the handle: `state`, `error`,
    `stats()`, `stop()`, `wait(timeout)`, `result(timeout)`. docs/sources.md tells what ends a relay, and what it
    retries.

    Parameters
    ----------
    url : str
        http or https; `user:password@` becomes an `Authorization` header. Never shown with its query.
    method : str, default "GET"
        `"POST"`, as language models want it, is sent once: its stream ends with its answer.
    headers : mapping of str, optional
        Sent to this origin only, whatever redirects say.
    body : object, optional
        Bytes or text as they are; anything else as JSON.
    into : Channel or str, optional
        The channel, or its name; default: one that is named by the address, and ends when the stream does.
    done : str or None, default "[DONE]"
        Data that says that nothing follows.
    reconnect : bool, optional
        Ask again after an answer that has ended as it should; default: if `method` is `"GET"`.
    silence_s : float [s], default 60.0
        Without a byte for so long, the connection is taken for dead; `math.inf`: never.
    ssl_context : ssl.SSLContext, optional
        For servers whose certificate the system does not know.

    Returns
    -------
    Channel
        As a cell's last line it shows its live log.

    Raises
    ------
    ValueError
        If the address, a header or `silence_s` is not possible.
    TypeError
        If something has the wrong type.
    """
    request = parse_request(method, url, headers, body)
    if not silence_s > 0:
        raise ValueError(f"expected silence_s to be a positive number of seconds, got {silence_s!r}")
    options = Options(
        done=done,
        reconnect=request.method == "GET" if reconnect is None else reconnect,
        silence_s=silence_s,
        verify=ssl_context,
        own_channel=into is None,
    )
    session = session_of(into)
    channel = session.into(session.relays.name(request) if into is None else into)
    session.relays.start(channel, request, options)
    return channel


def replay(path: str | os.PathLike[str], speed: float = 1.0, into: Channel | str | None = None) -> Channel:
    """Push a recording of `Channel.record` again, in its own time.

    Gaps are gaps again; the events have new ids and the time of now. Running the cell again begins anew.
    `channel.source` is the handle: `state`, `error`, `stats()`, `stop()`, `wait(timeout)`, `result(timeout)`.

    Parameters
    ----------
    path : str or path
        The file. A last line that was cut off is left out, with a warning; any other line that is no record ends the
        replay with an error that names it.
    speed : float, default 1.0
        2: twice as fast; `math.inf`: as fast as possible.
    into : Channel or str, optional
        The channel, or its name; default: one that is called like the file, and ends when the recording does.

    Returns
    -------
    Channel
        As a cell's last line it shows its live log.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If `speed` is not positive.
    """
    if not speed > 0:
        raise ValueError(f"expected speed to be positive, got {speed!r}")
    file = Path(path)
    warn_of_a_cut(file, stacklevel=2)
    session = session_of(into)
    if into is None:
        older = session.hub.get(file.name)
        if older is not None and isinstance(older.source, Replay):
            older.source.stop()
            older.close()
    channel = session.into(file.name if into is None else into)
    start_replay(channel, file, speed, own_channel=into is None)
    return channel
