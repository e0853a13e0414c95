"""The model report: one HTML file that holds all it needs, asks the network for nothing, and prints."""

from __future__ import annotations

from tenantml_pages.report.page import policy, render

__all__ = ["policy", "render"]
