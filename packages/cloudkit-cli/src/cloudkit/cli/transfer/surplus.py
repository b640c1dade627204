"""What a target has and its source has not: what ``sync --delete`` deletes."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from anyio import to_thread
from cloudkit.cli.clouds import Clouds
from cloudkit.cli.places import Place, folder_of
from cloudkit.cli.removal import Removal
from cloudkit.cli.transfer.plan import Aim


async def delete_surplus(
    clouds: Clouds, aim: Aim, wanted: Collection[str], removal: Removal
) -> None:
    """Delete what is below the target and not wanted there.

    Args:
        clouds: Connects.
        aim: The target, and what of it is meant at all.
        wanted: What stays, as the ends of the copies are written.
        removal: Deletes, and tells of it.
    """
    target = aim.target
    if isinstance(target, Place):
        prefix = folder_of(target.key)

        def surplus(relative: str) -> bool:
            url = target.at(target.name, prefix + relative)
            return aim.selection.takes(relative) and url not in wanted

        storage = (await clouds.get(target.cloud)).storage
        await removal.below(storage, target, surplus)
        return
    for path in await to_thread.run_sync(_files_below, Path(target)):
        relative = path.relative_to(target).as_posix()
        if aim.selection.takes(relative) and str(path) not in wanted:
            removal.file(path)


def _files_below(folder: Path) -> list[Path]:
    """Files and links; links to folders are not followed."""
    found: list[Path] = []
    for base, folders, names in os.walk(folder):
        links = [name for name in folders if Path(base, name).is_symlink()]
        found += [Path(base, name) for name in (*names, *links)]
    return sorted(found)
