"""The registry: one table that holds the tenants, their models, and the outcome of every upload.

`keys` has the kinds of rows. Everything of a tenant is under one partition key, so that credentials can be scoped to it
(`dynamodb:LeadingKeys`): inside `tenant_scope.scoped_to(tenant)` every call is made with such credentials, and reaches
nothing else. `uploads` is used by its own name.
"""

from tenantml.services.registry.executions import (
    add_execution,
    end_execution,
    find_execution,
    list_executions,
    require_execution,
    update_execution,
)
from tenantml.services.registry.keys import NOBODY
from tenantml.services.registry.models import (
    find_model,
    find_version,
    get_model,
    is_live,
    list_models,
    list_versions,
    note_newest_upload,
    promote,
    put_model,
    put_version,
    remove_model,
    update_version,
)
from tenantml.services.registry.table import now
from tenantml.services.registry.tenants import (
    add_key,
    add_tenant,
    ask_for_probe,
    expire_key,
    find_key,
    find_tenant,
    forget,
    get_tenant,
    list_keys,
    list_tenants,
    note_probe,
    remove_key,
    rows_of,
    set_tenant_status,
)

__all__ = [
    "NOBODY",
    "add_execution",
    "add_key",
    "add_tenant",
    "ask_for_probe",
    "end_execution",
    "expire_key",
    "find_execution",
    "find_key",
    "find_model",
    "find_tenant",
    "find_version",
    "forget",
    "get_model",
    "get_tenant",
    "is_live",
    "list_executions",
    "list_keys",
    "list_models",
    "list_tenants",
    "list_versions",
    "note_newest_upload",
    "note_probe",
    "now",
    "promote",
    "put_model",
    "put_version",
    "remove_key",
    "remove_model",
    "require_execution",
    "rows_of",
    "set_tenant_status",
    "update_execution",
    "update_version",
]
