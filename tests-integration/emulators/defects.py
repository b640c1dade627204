"""How the defects of emulators are told."""

from __future__ import annotations


class Erratic(str):
    """What an emulator does wrong at times only, by how its threads happen to run.

    A behaviour that is always wrong must fail, so that nobody keeps a defect on the list that has been
    mended; one with this text may pass.
    """

    __slots__ = ()
