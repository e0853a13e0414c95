"""What trains one Autopilot job: a process of its own, from CSV files to candidates, artefacts and reports."""
