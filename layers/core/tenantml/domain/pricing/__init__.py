"""What AWS would ask of the customer's account: dated prices, quotes beforehand, costs afterwards, and caps.

Money is whole micro-dollars. What has no price is None, which is unknown and never 0.
"""
