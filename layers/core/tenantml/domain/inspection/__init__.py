"""The pre-flight of an upload: strict reading, profile, advice and split, in one pass and bounded memory."""

from tenantml.domain.inspection.preflight import Inspection, inspect
from tenantml.domain.inspection.settings import InspectionSettings
from tenantml.domain.inspection.split import Sink

__all__ = ["Inspection", "InspectionSettings", "Sink", "inspect"]
