"""Measures in a process of its own, so that its memory and CPU time are those of what is measured."""

import asyncio
import json
import sys


async def figures_apart(module: str, *arguments: str) -> dict[str, float]:
    """The figures that a benchmark prints as JSON, run as `python -m MODULE ARGUMENTS`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{module} failed")
    figures: dict[str, float] = json.loads(said)
    return figures
