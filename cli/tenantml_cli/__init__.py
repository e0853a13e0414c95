"""`tenantml`: what operators do from a shell, on AWS and on the embedded cloud alike. `docs/cli.md` shows each command.

It knows the stack's outputs and nothing else of the deployment: credentials, region and endpoint are those of any AWS
client (boto3's defaults).
"""
