"""Hooks of pytest that measure the processor time of the tests and print it by folder.

That of the processes that a test starts is included. Wall time depends on what else a machine does;
this shows what a test costs.
"""

import os
from collections import Counter

import pytest

_NAME = "processor_seconds"


def _seconds():
    return sum(os.times()[:4])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    item.processor_seconds_before = _seconds()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "teardown":
        spent = _seconds() - item.processor_seconds_before
        # A list of its own: that of the item would be sent with each of its reports.
        report.user_properties = [*report.user_properties, (_NAME, spent)]
    return report


def pytest_terminal_summary(terminalreporter):
    by_folder = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == _NAME:
                    by_folder["/".join(report.nodeid.split("/")[:2]).split("::")[0]] += value
    if (total := sum(by_folder.values())) >= 60:
        costs = ", ".join(f"{name} {value:.0f} s" for name, value in by_folder.most_common(12))
        terminalreporter.write_line(f"processor time: {total / 60:.1f} minutes ({costs})")
