"""Property tests here judge results, never the speed of the machine that runs them."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("domain", deadline=None)
settings.load_profile("domain")
