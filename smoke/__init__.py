"""`make smoke`: the demonstration's scenario on AWS, and where its answers differ from the emulator's.

`docs/decisions/0016-smoke.md` says why it is as it is; `docs/quickstart-aws.md` how to run it.
"""
