"""Label pictures of LSP: read as they are, named when they cannot serve."""

import cv2
import numpy as np
import pytest

from src.data.lsp_labels import read_labels
from src.errors import InputError


def test_label_pictures_that_cannot_serve_are_named(tmp_path):
    with pytest.raises(InputError, match="maskname: expected a label picture"):
        read_labels("")
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="a.png: expected a label picture"):
        read_labels(str(tmp_path / "a.png"))
    cv2.imwrite(str(tmp_path / "b.png"), np.dstack([np.eye(3, dtype=np.uint8)] * 3))
    np.testing.assert_array_equal(read_labels(str(tmp_path / "b.png")), np.eye(3))
