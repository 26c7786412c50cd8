"""
Import: readings of registers and interval values from CSV, whole days at a time.

A line that is wrong is told of with its number, the column and the rule, and the reading or day
it belongs to is not recorded; the others are.  What is on record is counted as repeated, so
that a file can be taken in twice.
"""

from api.importing.intervals import intervals
from api.importing.lines import NotOurFile, Rejected, Report
from api.importing.readings import readings

__all__ = ["NotOurFile", "Rejected", "Report", "intervals", "readings"]
