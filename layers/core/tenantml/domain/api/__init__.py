"""The API's contract: its operations, schemas and documents, and what its answers show."""
