"""What serves one endpoint: a process of its own that answers the container contract (`/ping`, `/invocations`)."""
