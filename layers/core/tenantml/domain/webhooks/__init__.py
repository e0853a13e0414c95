"""Webhooks: what is sent, to where, and when it is tried again."""
