"""The memory of endpoints: a container whose workers need more than the instance has does not come up.

Autopilot's server loads all models once per worker and starts a worker per vCPU, unless SAGEMAKER_MODEL_SERVER_WORKERS
says otherwise (autogluon-cloud, issue 39). What a worker takes is measured on the process that serves here.
"""

from __future__ import annotations

import re
from typing import Any

AUTOPILOT_MEMORY_MB = 3072
AUTOPILOT_IMAGE = "/autogluon-inference:"
WORKERS = "SAGEMAKER_MODEL_SERVER_WORKERS"
# By the letter of the family (EC2 user guide, "Instance types"); families with accelerators are not modelled.
GIB_PER_VCPU = {"c": 2, "m": 4, "r": 8}


def instance(instance_type: str) -> tuple[int, int] | None:
    """The vCPUs and the MB of memory of an instance type, None where they are not modelled: `ml.m5.2xlarge` has 8 and
    32,768.
    """
    parts = re.fullmatch(r"ml\.([cmr])\d[a-z]*\.(large|(\d*)xlarge)", instance_type)
    if parts is None:
        return None
    vcpus = 2 if parts[2] == "large" else 4 * int(parts[3] or 1)
    return vcpus, vcpus * GIB_PER_VCPU[parts[1]] * 1024


def lacking(variant: dict[str, Any], model: dict[str, Any], worker_mb: int) -> str | None:
    """What to tell when a model does not fit into its variant's memory, None when it does.

    AWS documents neither how much a serverless variant needs nor these words: 3 GB for Autopilot's image is
    an estimate.
    """
    containers = model.get("Containers") or [model["PrimaryContainer"]]
    if serverless := variant.get("ServerlessConfig"):
        memory_mb, is_autopilots = serverless["MemorySizeInMB"], any(AUTOPILOT_IMAGE in c["Image"] for c in containers)
        needed_mb = max(worker_mb, AUTOPILOT_MEMORY_MB * is_autopilots)
    elif found := instance(variant.get("InstanceType", "")):
        vcpus, memory_mb = found
        asked = [int(c["Environment"][WORKERS]) for c in containers if WORKERS in c.get("Environment", {})]
        needed_mb = worker_mb * max(asked, default=vcpus)
    else:
        return None
    return f"it ran out of its {memory_mb} MB of memory" if needed_mb > memory_mb else None
