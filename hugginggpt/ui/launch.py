"""Start and end of the page's process: what is lacking is one sentence, and nothing of a visitor's stays behind.

Heavy modules are imported inside `_serve`: a limit that is too small shows while they are imported, and is told like any other.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.ui.launch_checks import check_limits, explain_start_error, find_matplotlib_folder, find_port, make_upload_folder

if TYPE_CHECKING:
    from types import FrameType

    import gradio as gr

    from hugginggpt.agent.agent import HuggingGPT

_MAX_STARTS: Final = 4
_START_COUNT_VARIABLE: Final = "_HUGGINGGPT_STARTS"
"""Environment variable that counts the starts of a process that restarts itself."""
_SLOW_START_SECONDS: Final = 10.0
"""Time after which a slow start is announced."""
_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name))


class _Stopped(BaseException):
    """Told to end before the page was up; no Exception, so that no library swallows it."""


class _StopHandler:
    """Handler of the signals that end a process: like Ctrl-C, whichever it is, and however often it comes."""

    def __init__(self) -> None:
        self.requested = threading.Event()
        self.serving = False
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, or started in the background
                signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        first = not self.requested.is_set()
        self.requested.set()
        if first and not self.serving:
            raise _Stopped


def launch() -> int:
    """Serve the page until the process is told to end; return its exit status."""
    environment = dict(os.environ)  # as it was, for a start that is tried anew
    try:
        stop = _StopHandler()
        check_limits()
        _serve(stop, environment)
    except _Stopped:
        return 0
    except Exception as error:
        if not (sentence := explain_start_error(error)):
            raise
        print(sentence, file=sys.stderr)
        return 1
    return 0


def _serve(stop: _StopHandler, environment: Mapping[str, str]) -> None:
    from hugginggpt.core.settings import load_settings

    settings = load_settings()
    port = find_port()
    folder = make_upload_folder()
    os.environ["GRADIO_TEMP_DIR"] = str(folder)  # a folder of this process, and so can be deleted whole
    if "MPLCONFIGDIR" not in os.environ and (own := find_matplotlib_folder(folder)):
        os.environ["MPLCONFIGDIR"] = str(own)
    # Gradio asks this machine for its own page: no proxy of the environment can know that
    os.environ["NO_PROXY"] = ",".join(filter(None, (os.environ.get("NO_PROXY"), "localhost", "127.0.0.1", "::1")))
    agent: HuggingGPT | None = None
    try:
        from hugginggpt.agent.factory import make_agent, preload
        from hugginggpt.ui.page import Page

        agent = make_agent(settings)
        page = Page(agent)
        blocks = page.build()
        gc.collect()
        gc.freeze()  # what the imports have made stays: to look through all of it would hold up the event loop for 0.3 s
        _start_server(page, blocks, port, environment)
        stop.serving = True
        threading.Thread(target=_prepare_first_view, daemon=True).start()
        preload(agent)
        while not stop.requested.wait(0.5) and blocks.is_running:  # without a limit, Windows would hear no Ctrl-C
            pass
        print("Stopping…", flush=True)
        blocks.server.should_exit = blocks.server.force_exit = True  # open streams of events would hold it up
    finally:
        _delete_files(agent, folder)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that still compute would hold the process up


def _prepare_first_view() -> None:
    """Import what Gradio imports on the event loop at the first call of a handler, which takes a second."""
    with suppress(ImportError):
        import matplotlib

        matplotlib.use("agg")  # the one that Gradio takes; to find another takes longest


def _start_server(page: Any, blocks: gr.Blocks, port: int, environment: Mapping[str, str]) -> None:
    from starlette.middleware import Middleware

    from hugginggpt.ui.api.progress import DisconnectMiddleware
    from hugginggpt.ui.i18n import load_i18n
    from hugginggpt.ui.security.connections import HeaderWatch, watch_headers
    from hugginggpt.ui.security.event_streams import EventStreamMiddleware
    from hugginggpt.ui.security.headers import SecurityHeadersMiddleware
    from hugginggpt.ui.security.request_guard import RequestGuardMiddleware, find_hosts
    from hugginggpt.ui.session.llm_choice import is_personal_machine, is_space
    from hugginggpt.ui.session.server_state import bound_resources
    from hugginggpt.ui.theme import CSS, JS, THEME
    from hugginggpt.ui.uploads import UploadMiddleware

    hosts = find_hosts(page.settings.allowed_hosts)
    waiting = threading.Timer(
        _SLOW_START_SECONDS, print, (f"Waiting until the page answers on port {port}: the machine is busy.",)
    )
    waiting.daemon = True
    waiting.start()
    try:
        blocks.launch(
            theme=THEME,
            css_paths=CSS,
            js=JS,
            i18n=load_i18n(),
            run_history=False,
            max_file_size=page.uploads.max_file_bytes,
            ssr_mode=False,
            footer_links=["gradio", "settings"],
            mcp_server=True,
            server_port=port,
            app_kwargs={
                "middleware": [
                    Middleware(SecurityHeadersMiddleware, space=is_space()),
                    Middleware(RequestGuardMiddleware, hosts=hosts, personal=is_personal_machine()),
                    Middleware(EventStreamMiddleware),
                    Middleware(UploadMiddleware, uploads=page.uploads),
                    Middleware(DisconnectMiddleware),
                ]
            },
            prevent_thread_lock=True,
            _frontend=False,  # else it gives up where its own page takes more than three seconds: tabs that come back are first
        )
    except OSError as error:
        if "Cannot find empty port" not in str(error):
            raise
        _start_anew(port, environment)  # the port was free: the server was not up within Gradio's five seconds
    finally:
        waiting.cancel()
    bound_resources(blocks)
    watch_headers(blocks.server.config, HeaderWatch())


def _start_anew(port: int, environment: Mapping[str, str]) -> None:
    """Replace this process by a new one: the server that was late can't be stopped from here.

    Raises:
        TimeoutError: It has been restarted too often already.
    """
    starts = int(environment.get(_START_COUNT_VARIABLE, "1"))
    if starts >= _MAX_STARTS or os.name == "nt":
        raise TimeoutError(f"The server was not up in time on port {port}: this machine is too busy, try again later.")
    print(f"The server was not up in time on port {port}: starting anew ({starts + 1} of {_MAX_STARTS}).", flush=True)
    shutil.rmtree(os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)
    command = [sys.executable, *sys.orig_argv[1:]]
    os.execve(sys.executable, command, {**environment, _START_COUNT_VARIABLE: str(starts + 1)})  # noqa: S606 (no shell is meant)


def _delete_files(agent: HuggingGPT | None, folder: Path) -> None:
    """Delete all files of visitors: of the storage first, then the folders, for what was being written meanwhile."""
    from hugginggpt.workspace.process_folders import remove_own

    for child in multiprocessing.active_children():
        child.kill()
    if agent is not None:
        with suppress(RuntimeError):  # a share was opened in this moment; what follows takes its files
            agent.storage.close()
        remove_own(agent.settings.sessions)
    shutil.rmtree(folder, ignore_errors=True)
