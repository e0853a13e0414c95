"""Training: a model's settings, a run, its AutoML job, its candidates, and how its execution ends."""
