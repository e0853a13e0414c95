"""`make demo RETRAIN=1`: a version that the holdout refuses, the same promoted by hand, one that takes over, and the
return to the first.
"""

from __future__ import annotations

import csv
import time
from itertools import islice
from pathlib import Path

from local import judgement
from local.report import Report
from local.screen import Screen
from tenantml_cli.errors import Refused
from tenantml_cli.tenant_api import Document, TenantApi

FEWER_ROWS = 625  # the fewest of which a fifth is held out
_SECONDS = 1800.0


def fewer_rows(path: Path, out: Path) -> Path:
    """Write the first rows of a file, from which a weaker model is trained."""
    fewer = out / f"fewer-{path.name}"
    fewer.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open(encoding="utf-8-sig", newline="") as whole,
        fewer.open("w", encoding="utf-8", newline="") as part,
    ):
        csv.writer(part, lineterminator="\n").writerows(islice(filter(None, csv.reader(whole)), 1 + FEWER_ROWS))
    return fewer


def retrain(model: str, fewer: Path, whole: Path, api: TenantApi, report: Report, screen: Screen) -> None:
    """Upload a part of the rows, whose version is refused; promote it by hand; upload all rows, whose version wins; and
    return to the version that was live at first.
    """
    first = report.version or ""
    with screen.step("upload fewer rows"):
        weak = _outcome(api, api.upload(model, fewer))
    version = api.version(model, weak["version"])
    _show(api, model, version, report, screen)
    if not version["live"]:
        with screen.step("promote it by hand"):
            request = {"execution": weak["execution"], "promote": "always"}
            version = _deployed(api, model, api.deploy(model, request)["version"])
        _show(api, model, version, report, screen)
    with screen.step("upload all rows"):
        strong = _outcome(api, api.upload(model, whole))
    _show(api, model, api.version(model, strong["version"]), report, screen)
    with screen.step("return to the first version") as step:
        returned = api.return_to(model, first)
        if not returned["live"]:
            returned = _deployed(api, model, returned["version"])
        step.detail = f"{returned['version']} answers, of the training of {first}"
    _show(api, model, returned, report, screen)


def _show(api: TenantApi, model: str, version: Document, report: Report, screen: Screen) -> None:
    evaluation, verdict = api.evaluation(model, version["version"]), version["verdict"]
    judgement.show(evaluation, verdict, version["objective"], screen)
    is_live = "is live now" if version["live"] else f"is not live: {version['error']['code']}"
    screen.note(f"{version['version']} {is_live}")
    shown = {name: version[name] for name in ("version", "live", "error")}
    report.retrained.append(shown | {"evaluation": judgement.summed_up(evaluation, verdict)})


def _outcome(api: TenantApi, upload_key: str) -> Document:
    """Wait for the execution that an upload starts to end."""
    deadline = time.monotonic() + _SECONDS
    while (found := api.execution_of(upload_key)) is None or not found["ended_at"]:
        _pause(deadline, upload_key)
    if "version" not in found or found["training"] is None:
        raise Refused(found["error"]["code"], found["error"]["message"])
    return found


def _deployed(api: TenantApi, model: str, version: str) -> Document:
    """Wait for a deployment to end."""
    deadline = time.monotonic() + _SECONDS
    while not (found := api.version(model, version))["ended_at"]:
        _pause(deadline, version)
    return found


def _pause(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise Refused("StillRunning", f"{what} is not over after {_SECONDS:.0f} s")
    time.sleep(0.25)
