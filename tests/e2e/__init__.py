"""Browser tests. What their helpers assert is told in full, as in the tests themselves."""

import pytest

pytest.register_assert_rewrite("tests.e2e.office", "tests.e2e.people", "tests.e2e.voices")
