"""Makes the recorded reference outputs known to the tests of this folder."""

from tests.golden.hmr_fixtures import hmr_golden  # noqa: F401
