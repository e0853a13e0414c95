"""The commands, by subject: each makes a result of its arguments, and knows how a person reads it."""
