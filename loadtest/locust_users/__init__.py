"""Locust, the tool people know, over `genod_client`.

`loadtest/locustfile.py` is what `locust -f` takes. Of the modules here only `users`, `options`, `profile_shape`,
`distributed` and `wiring` import locust, which replaces the sockets of the whole process; the others can be imported
anywhere.
"""
