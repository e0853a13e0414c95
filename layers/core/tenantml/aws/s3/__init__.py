"""S3: objects, and uploads that are presigned."""
