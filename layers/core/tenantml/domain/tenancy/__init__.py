"""Tenancy: who the tenants are, what they may use, how they join and how they leave."""
