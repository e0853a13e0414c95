"""TenantML: AutoML for a SaaS provider's tenants, run in the tenants' own AWS accounts."""
