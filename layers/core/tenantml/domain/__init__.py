"""What TenantML decides: pure functions and values, free of AWS, frameworks and the environment."""
