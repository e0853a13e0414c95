"""The operations of the API, a module for each resource: `operation(tenant, event)` answers one request."""
