"""Uploads: requests that announce a file, and what an object in the ingest bucket is for."""
