"""A day of a hotline on simulated time: the routing engine itself, and rival schemes, on the same callers.

day        what a day is made of: who calls, who works, how long people take
callers    the callers of a day, each with all that chance decides about him
world      simulated time, shifts, patience, and what became of everybody
ours       the routing engine in that world
pools      rivals that never widen, and the bound: one pool for all
app_queue  the rival that Asterisk ships: penalties, a queue a line, a look every second
figures    ratios and times of what came out, side by side
picture    the same, drawn
"""
