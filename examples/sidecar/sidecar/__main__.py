"""`python -m sidecar`: read the command line, load the models, serve until told to stop."""

import argparse
import os
import signal
import socket
import sys
from types import FrameType

import uvicorn

from .app import create_app
from .embeddings import EmbeddingModel
from .text_model import TextModel

# Long enough for a short answer to finish, short enough that nobody waits for a stream without end.
DRAIN_SECONDS = 3


class AnnouncingServer(uvicorn.Server):
    """Prints one line when it accepts connections, so that a caller of `--port 0` learns the port."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            print(f"listening on http://{host}:{port}", flush=True)


def main() -> int:
    options = command_line()
    api_key = os.environ.get("SIDECAR_API_KEY", "")
    if not api_key:
        print("sidecar: set SIDECAR_API_KEY to the key that callers must send", file=sys.stderr)
        return 2
    end_cleanly_on_signals()
    app = create_app(api_key, TextModel.from_corpus(), EmbeddingModel.load())
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    with socket.create_server((options.host, options.port), backlog=1024) as listener:
        AnnouncingServer(config).run(sockets=[listener])
    return 0


def command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sidecar", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="0 picks a free one (default %(default)s)")
    return parser.parse_args()


def end_cleanly_on_signals() -> None:
    """uvicorn drains on SIGTERM and SIGINT, then raises the signal once more; to us its work is done."""

    def already_handled(_signal: int, _frame: FrameType | None) -> None: ...

    signal.signal(signal.SIGTERM, already_handled)
    signal.signal(signal.SIGINT, already_handled)


if __name__ == "__main__":
    sys.exit(main())
