"""The one truthful table of long jobs: the row is the truth, the message a nudge."""
