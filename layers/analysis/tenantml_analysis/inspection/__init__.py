"""The pre-flight of an upload: strict reading, profile, advice and split, in one pass and bounded memory."""

from tenantml_analysis.inspection.preflight import Inspection, Inspector, inspect
from tenantml_analysis.inspection.settings import InspectionSettings
from tenantml_analysis.inspection.split import Sink

__all__ = ["Inspection", "InspectionSettings", "Inspector", "Sink", "inspect"]
