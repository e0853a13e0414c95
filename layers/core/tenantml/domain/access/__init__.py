"""Access: what may be reached, by which policy, how that is probed, and what a receipt proves."""
