"""A run as files: `report.json` for programs, `report.html` for people."""

from loadtest.report.writing import HTML_NAME, JSON_NAME, write_report

__all__ = ["HTML_NAME", "JSON_NAME", "write_report"]
