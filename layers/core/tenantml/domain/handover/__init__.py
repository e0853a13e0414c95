"""Hand-over: what a customer gets who leaves and keeps its models."""
