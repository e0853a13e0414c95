"""The operators' page: what AWS's consoles would show of the stack, on the embedded cloud, which has no console.

It reads and changes nothing. Everything comes from calls that AWS knows, too, and from the product's own registry.
It is a process of its own, with the environment that a function has: `python -m local.console --stack NAME`.
"""
