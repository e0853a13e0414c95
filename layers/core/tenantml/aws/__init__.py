"""What TenantML asks of AWS: one module per service, and nothing else."""
