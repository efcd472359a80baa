"""Reports of days, weeks, months and any interval, from the records alone; and the audit that proves them.

periods    which time a report is about, and the quarters or hours it is made of
counted    calls to counts, in one pass
figures    counts to figures, each with the id of its formula
people     who was there, handle time, occupancy, adherence
needed     seats for the target, by what came
audit      the same day once more from the steps
charts     pictures of the figures
page       one file with all of it, for a browser and for paper
words      how figures are called, in English and Chinese
"""
