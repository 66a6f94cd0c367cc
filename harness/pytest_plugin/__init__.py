"""Scenario files as pytest items; pytest loads `takeover_harness.pytest_plugin` first."""
