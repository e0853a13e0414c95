"""What TenantML asks of AWS: one module per service."""
