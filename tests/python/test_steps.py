"""What `make test` concludes from the output of its steps: a failure must never look like a success."""

import sys

import pytest
from steps import Counts, Steps

PYTHON = (sys.executable, "-c")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            (12, 0, 3),
        ),
        ("test result: \x1b[31mFAILED\x1b[0m. 1 passed; 2 failed; 0 ignored; 0 measured", (1, 2, 0)),
        ("58 passed in 3.20s", (58, 0, 0)),
        ("1 failed, 57 passed, 2 skipped, 4 errors in 61.02s (0:01:01)", (57, 5, 2)),
        ("\x1b[31m====== \x1b[31m\x1b[1m1 error\x1b[0m\x1b[31m in 0.24s ======\x1b[0m", (0, 1, 0)),
        ("\N{INFORMATION SOURCE} pass 31", (31, 0, 0)),
        ("\x1b[34m\N{INFORMATION SOURCE} fail 2\x1b[39m", (0, 2, 0)),
        ("\N{INFORMATION SOURCE} cancelled 1", (0, 1, 0)),
        ("\N{INFORMATION SOURCE} tests 34", (0, 0, 0)),
        ("no tests ran in 0.01s", (0, 0, 0)),
        ("finished 3 passed rounds in 0.2s", (0, 0, 0)),
    ],
)
def test_summaries_of_cargo_pytest_and_node_are_counted(line: str, expected: tuple[int, int, int]) -> None:
    counts = Counts()
    counts.add_line(line)
    assert (counts.passed, counts.failed, counts.skipped) == expected


def test_all_steps_run_and_the_last_line_sums_them_up(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()
    steps.run("fails", *PYTHON, "print('1 failed, 2 passed in 0.1s'); raise SystemExit(1)")
    steps.run("passes", *PYTHON, "print('3 passed in 0.1s')")
    steps.skip("cannot", "no such tool")
    assert steps.finish() == 1
    output = capsys.readouterr().out
    assert output.splitlines()[-1] == "5 passed, 1 failed"
    assert "no such tool" in output


def test_step_that_fails_without_a_failed_test_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()
    steps.run("crashes", *PYTHON, "print('3 passed in 0.1s'); raise SystemExit(101)")
    assert steps.finish() == 1
    assert capsys.readouterr().out.splitlines()[-1] == "3 passed, 1 failed"
