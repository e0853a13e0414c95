"""Drift: whether what a version is asked, and what it answers, is still distributed as when it was trained."""
