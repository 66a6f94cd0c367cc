"""The scenario files are test items of their own; here is what a test in Python can ask beyond them."""

FENCE = "@FENCE@"


def test_an_editor_that_takes_no_lock_is_reported(run_scenario):
    result = run_scenario("scenarios/editor.yaml", FENCE, schedules=50)
    assert result.expected, str(result)
    assert result.verdicts["true_positive"] > 0, str(result)


def test_one_writer_alone_is_never_refused(run_scenario):
    scenario = {
        "about": "A runner by itself.",
        "source": "our own",
        "policy": "coordinated",
        "lanes": [{"role": "runner", "rounds": 3}],
        "expect": {},
    }
    result = run_scenario(scenario, FENCE, schedules=20)
    assert result.expected, str(result)
