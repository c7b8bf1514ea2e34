"""Runs a Pulumi program; started by the language host in the program's own Python, by the path of this file.

Reads one JSON object from standard input (a pipe, so that secrets are neither in argv nor in the environment of what the program starts):
project, stack, organization, root_directory, program_directory, entry_point, monitor, engine, parallel, dry_run, config, secret_keys, args.
Exit code 0: done; 32: failed, and the operator was told why; any other: the program ended itself with that code.
Knows nothing of the lab: only `pulumi` is installed where it runs.
"""

import asyncio
import json
import logging
import os
import runpy
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

EXPLAINED = 32
_PARENT_CHECK_SECONDS = 1


def main() -> int:
    """Runs the program that standard input describes and gives the exit code."""
    run: dict[str, Any] = json.load(sys.stdin)
    # The program gets no input, as under the official host.
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        import pulumi  # noqa: PLC0415 - its absence is a message, not a traceback
        import pulumi.runtime  # noqa: PLC0415
    except ImportError:
        sys.stderr.write(
            f"There is no Pulumi SDK in {sys.prefix}. Run `pulumi install`, or install requirements.txt there.\n"
        )
        return 1
    pulumi.runtime.reset_options(
        project=run["project"],
        stack=run["stack"],
        root_directory=run["root_directory"],
        parallel=run["parallel"],
        engine_address=run["engine"],
        monitor_address=run["monitor"],
        preview=run["dry_run"],
        organization=run["organization"],
    )
    pulumi.runtime.set_all_config(run["config"], run["secret_keys"])
    os.chdir(run["program_directory"])
    program = Path(run["program_directory"], run["entry_point"])
    sys.argv = [str(program), *run["args"]]
    return _run(program, run["parallel"])


def _run(program: Path, parallel: int) -> int:
    import pulumi  # noqa: PLC0415
    import pulumi.runtime  # noqa: PLC0415

    # Futures that nobody awaits are usual when a resource has failed; the failure itself is reported by the engine.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=max(parallel, 1) * 4)
    loop.set_default_executor(executor)

    def start() -> None:
        runpy.run_path(str(program), run_name="__main__")

    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(start))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return EXPLAINED
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        pulumi.log.error(str(end.code))
        return EXPLAINED
    except KeyboardInterrupt:
        # The engine has cancelled. Threads may wait for answers of the engine that will not come: do not wait for them.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(EXPLAINED)
    except Exception as error:
        pulumi.log.error("Program failed with an unhandled exception:\n" + _traceback(error))
        return EXPLAINED
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _traceback(error: Exception) -> str:
    """The traceback from the program's first line on: what runs the program is of no use to its author."""
    frames = traceback.extract_tb(error.__traceback__)
    first = next((index for index, frame in enumerate(frames) if "runpy" in frame.filename), -1)
    own = next((index for index in range(first + 1, len(frames)) if "runpy" not in frames[index].filename), 0)
    return "".join(
        traceback.format_exception(type(error), error, error.__traceback__, limit=own - len(frames) or None)
    ).rstrip()


def _end_with(parent: int) -> None:
    """Ends this process when the language host is gone; killed, it cannot say so."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os._exit(EXPLAINED)


if __name__ == "__main__":
    # `Program.run_path` puts the program's own directory on the path; this file's must not be there.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]
    sys.exit(main())
