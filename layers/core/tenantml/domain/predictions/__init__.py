"""Predictions: what rows and cells of a request mean, and what an endpoint's answer says."""
