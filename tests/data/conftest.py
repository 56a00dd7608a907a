"""Makes the recorded reference outputs known to the tests of this folder."""

from tests.golden.fixtures import coco_files, golden  # noqa: F401
from tests.golden.hmr_fixtures import hmr_golden  # noqa: F401
