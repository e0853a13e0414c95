"""SageMaker, which the emulator lacks: Autopilot jobs, models, endpoints, batch transforms, tags and the runtime; and
Service Quotas, for the quotas of it that are enforced here.

Follow a request: `service` (route, check) → `jobs` | `models` | `endpoints` | `transforms` | `tags` (act) → `store`
(what exists).
Follow a job: `job_runner` reads the data (`dataset`) with the execution role (`role_session`), starts `trainer` as a
process and turns its events into `candidates`.
Follow a prediction: `runtime` → `hosting` (which process) → `replica` (one process) → `serving` (in that process).
"""

from __future__ import annotations

import importlib

from local.patches.emulator import EmulatorChanged

SERVICE = "sagemaker"

# What we use of the emulator beside its registry; if an upgrade removes it, the start must fail.
_NEEDED = {
    "ministack.core.iam_evaluator": ("EvalContext", "_action_matches", "_conditions_met", "_service_principal_matches"),
    "ministack.core.responses": ("get_account_id", "get_region"),
    "ministack.services.cloudwatch": ("record_metric",),
    "ministack.services.iam": ("_roles", "_gen_session_access_key", "_gen_secret", "_gen_session_token"),
    "ministack.services.sts": ("register_session", "_role_id"),
}


def register() -> None:
    """Add both SageMaker services to the emulator of this process; raises EmulatorChanged.

    The runtime signs as `sagemaker` too, so one entry serves both; `service` distinguishes them by the target header.
    """
    from ministack import app
    from ministack.core import router

    for module_name, names in _NEEDED.items():
        module = importlib.import_module(module_name)
        if missing := [name for name in names if not hasattr(module, name)]:
            raise EmulatorChanged(f"{module_name} has no {', '.join(missing)}")
    for module, name in (
        (app, "SERVICE_REGISTRY"), (app, "SERVICE_HANDLERS"), (app, "_state_map"), (app, "_loaded_modules"),
        (router, "SERVICE_PATTERNS"),
    ):  # fmt: skip
        if not isinstance(getattr(module, name, None), dict):
            raise EmulatorChanged(f"{module.__name__} has no dictionary {name}")
    if SERVICE in app.SERVICE_REGISTRY:
        raise EmulatorChanged("the emulator now has its own SageMaker")

    from local.sagemaker import scaling, service, service_quotas

    for name, module in (
        (SERVICE, service), (service_quotas.SERVICE, service_quotas), (scaling.SERVICE, scaling)
    ):  # fmt: skip
        app.SERVICE_REGISTRY[name] = {"module": name}
        app.SERVICE_HANDLERS[name] = module.handle_request
        app._loaded_modules[name] = module
    app._state_map[SERVICE] = SERVICE
    router.SERVICE_PATTERNS[service_quotas.SERVICE] = {"target_prefixes": [service_quotas.TARGET_PREFIX]}
    router.SERVICE_PATTERNS[scaling.SERVICE] = {"target_prefixes": [scaling.TARGET_PREFIX]}
    router.SERVICE_PATTERNS[SERVICE] = {
        "host_patterns": [r"(api|runtime)\.sagemaker\."],
        "target_prefixes": [service.TARGET_PREFIX],
        "path_patterns": [r"^/endpoints/[^/]+/invocations$"],
    }
