"""`lotse bench`: speed, cost and memory of the real program, beside raw drivers and an ordinary bot, in one run."""
