"""What a Locust file needs to be measured: trial, arrivals, alternation, recorder, wire users.

Nothing here needs more than Locust and the standard library: copy the folder beside any locustfile.
"""
