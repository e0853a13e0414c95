"""Judging: whether a version that was evaluated on the holdout may go live."""
