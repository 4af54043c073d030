"""What the stand-in for hosted inference is made of; `tests.hosted_server` puts it together."""
