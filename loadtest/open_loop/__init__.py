"""Load that comes when it is due, whatever the server does.

Each request has a time at which it is due. It is sent then, even while earlier ones are still waiting, and its latency
runs from then: a server that stands still is charged for everybody who would have come meanwhile.
"""
