"""Every failure has a name, and the name is one class here.

The class name is the error name in `statemachine/*.asl.json` and the `code` of an API answer. A class states everything
about its error: the docstring what happened, `status` the HTTP status, `turn` whose turn it is, `do` what to do next.
`make docs` writes `docs/errors.md` from it; each module is a section of that page, introduced by its docstring.

    TenantMLError
    ├── UploadError                 the object cannot be trained from: known before its content is read
    ├── DatasetError                the content cannot be trained on; carries line, column and a redacted sample
    ├── TrainingError               the job ran without a usable model
    ├── BatchError                  the batch transform ran without a result
    ├── CustomerAccountError        the customer's account refused or lacks something
    ├── TransientError              retry may help; the definitions retry these by name
    │   └── SettlingError           a refusal that AWS may take back within a minute
    ├── ExecutionStopped, ExecutionTimedOut   somebody or the clock ended the execution
    ├── TenantError                 on-boarding and activation
    ├── RequestError                an API request that cannot be answered
    └── InternalFailure             everything without a name of ours
"""

from __future__ import annotations

from collections.abc import Iterator

from tenantml.errors.accounts import *
from tenantml.errors.base import *
from tenantml.errors.batches import *
from tenantml.errors.datasets import *
from tenantml.errors.internal import *
from tenantml.errors.requests import *
from tenantml.errors.stops import *
from tenantml.errors.tenancy import *
from tenantml.errors.training import *
from tenantml.errors.transient import *
from tenantml.errors.uploads import *

DOCUMENTATION = "https://github.com/tenantml/tenantml/blob/main/docs/errors.md"


def named(code: str) -> type[TenantMLError]:
    """Return the error of this name, or `InternalFailure` when there is none."""
    kind = globals().get(code)
    return kind if isinstance(kind, type) and issubclass(kind, TenantMLError) else InternalFailure


def kinds(family: type[TenantMLError] = TenantMLError) -> Iterator[type[TenantMLError]]:
    """Yield every error that may be raised: the classes below `family` that have no subclasses."""
    for kind in family.__subclasses__():
        yield from kinds(kind) if kind.__subclasses__() else (kind,)
