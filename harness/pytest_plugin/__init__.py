"""Scenario files as pytest items; what pytest loads first is `takeover_harness.pytest_plugin`."""
