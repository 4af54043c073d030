"""Guards of the page's HTTP side: what a browser may load, who may ask under which name, and what a request may carry.

Imported by `app` and the page; imports `core` alone. A new guard is a function of `request_guard` and a row of its table;
`connections` watches what comes before a request, `event_streams` what stays open after it.
"""
