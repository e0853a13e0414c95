"""Files of a batch: rows to predict, in parts that one call of a model takes, and joined with the answers to them."""
