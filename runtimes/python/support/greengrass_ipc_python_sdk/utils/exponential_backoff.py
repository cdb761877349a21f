"""Retry with a growing, jittered pause; the name early packages import."""

import functools
import random
import time

_now = getattr(time, 'monotonic', time.time)


def retry(time_out_secs=30, first_pause_secs=0.1, longest_pause_secs=5.0, retry_on=(Exception,)):
    """Calls the function again after an error of ``retry_on`` until ``time_out_secs`` have gone by, then raises it."""

    def decorate(function):
        @functools.wraps(function)
        def call(*args, **kwargs):
            deadline = _now() + time_out_secs
            pause = first_pause_secs
            while True:
                try:
                    return function(*args, **kwargs)
                except retry_on:
                    wait = random.uniform(pause / 2, pause)
                    if _now() + wait >= deadline:
                        raise
                    time.sleep(wait)
                    pause = min(pause * 2, longest_pause_secs)

        return call

    return decorate
