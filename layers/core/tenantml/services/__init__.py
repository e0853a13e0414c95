"""What the system does: one module per capability, over the decisions of `domain` and the questions of `aws`."""
