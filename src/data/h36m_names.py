"""What the image names of Human3.6M tell: subject, action and camera."""

from __future__ import annotations

import re
from dataclasses import dataclass

CAMERAS = ("54138969", "55011271", "58860488", "60457274")  # numbered 0 to 3 in ROMP's names
FRONTAL_CAMERA = 3  # the only one of protocol 2
TEST_SUBJECTS = ("S9", "S11")
# S9_Directions_1.60457274_000001.jpg (SPIN) or S9_Directions 1_3_12.jpg (ROMP)
_NAME = re.compile(r"(S\d+)_([A-Za-z]+)(?:[ _](\d))?(?:\.(\d{8})|_(\d))_\d+\.\w+$")


@dataclass(frozen=True)
class H36mName:
    """One picture: subject such as S9, action without the trial's number, trial (0 = no number), camera 0 to 3."""

    subject: str
    action: str
    trial: int
    camera: int


def parse_h36m_name(name: str) -> H36mName | None:
    """Takes an image name apart; None when it is not one of Human3.6M."""
    found = _NAME.search(name)
    if found is None or (found[4] and found[4] not in CAMERAS):
        return None
    camera = CAMERAS.index(found[4]) if found[4] else int(found[5])
    return H36mName(found[1], found[2], int(found[3] or 0), camera)


def is_test_subject(name: str) -> bool:
    """Tells whether a picture shows a test subject of Human3.6M."""
    parsed = parse_h36m_name(name)
    return parsed is not None and parsed.subject in TEST_SUBJECTS
