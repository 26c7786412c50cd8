"""
What follows from what: the second table of contents of the utility.

A file a pair of contexts, imported here; each policy says which events it answers, what it
looks up and which commands it gives.  A policy knows all contexts, and none of them knows it.
"""

from domain.policies import corrections as corrections
from domain.policies import imports as imports
