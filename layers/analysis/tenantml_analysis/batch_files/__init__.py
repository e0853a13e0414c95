"""Files of a batch: rows to predict, cut into what one call of a model takes, and the rows joined with their answers."""
