"""What an instance type has: vCPUs and memory, of those that Autopilot's containers run on."""

from __future__ import annotations

GIB_PER_VCPU = {"t": 4.0, "m": 4.0, "c": 2.0, "r": 8.0}
SPARING = {"c4": 1.875, "t2.medium": 2.0}
"""By family, and where a family or a type has less (EC2 user guide, "Instance type specifications")."""
ARM = "g"  # in a family's name: Graviton, on which no container of Autopilot runs


def shape_of(instance_type: str) -> tuple[int, int] | None:
    """Return the vCPUs and the whole GiB of memory of a type such as `ml.m5.2xlarge`; None of one that is not known
    here: with accelerators, or of another processor.
    """
    _, family, size = instance_type.split(".")
    if family[0] not in GIB_PER_VCPU or not family[1].isdigit() or ARM in family:
        return None
    vcpus = 2 if size in {"medium", "large"} else 4 * int(size.removesuffix("xlarge") or 1)
    per_vcpu = SPARING.get(f"{family}.{size}", SPARING.get(family, GIB_PER_VCPU[family[0]]))
    return vcpus, int(vcpus * per_vcpu)
