"""Uploads: what is asked for before a file comes, and what an object in the ingest bucket is for."""
