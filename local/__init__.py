"""The embedded cloud: a whole small AWS on loopback, never deployed. `docs/embedded-cloud.md` states what it proves."""

from __future__ import annotations

from typing import Final

LOOPBACK: Final = "127.0.0.1"
REGION: Final = "us-east-1"
SAAS_ACCOUNT: Final = "111111111111"
CUSTOMER_ACCOUNT: Final = "222222222222"
OTHER_CUSTOMER_ACCOUNT: Final = "333333333333"
NO_ACCOUNT: Final = "000000000000"  # the number of an account that was closed: no policy may name it as a principal

# A 12-digit access key is the root of that account; this is the secret of every such key.
ROOT_SECRET: Final = "embedded-cloud"  # noqa: S105 - opens nothing but a process on loopback
