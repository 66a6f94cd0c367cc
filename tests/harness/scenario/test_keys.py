"""Names of keys, and what a terminal sends for them."""

from __future__ import annotations

import pytest

from harness.scenario.keys import pause, pause_ms, sent, wrong_with


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("hello", b"hello"),
        ("\u00e9", "\u00e9".encode()),
        (":wq<Enter>", b":wq\r"),
        ("<C-x><C-s>", b"\x18\x13"),
        ("<c-X>", b"\x18"),
        ("<C-Space><C-[><C-?>", b"\0\x1b\x7f"),
        ("<M-x><M-Enter><A-lt>", b"\x1bx\x1b\r\x1b<"),
        ("a <lt> b > c", b"a < b > c"),
        ("<Esc><Tab><S-Tab><BS><Del><Space>", b"\x1b\t\x1b[Z\x7f\x1b[3~ "),
        ("<F1><F5><F12>", b"\x1bOP\x1b[15~\x1b[24~"),
        ("<Up><PageDown><End>", b"\x1b[A\x1b[6~\x1b[F"),
    ],
)
def test_a_pressed_key_is_sent_as_by_xterm(text: str, bytes_: bytes) -> None:
    assert wrong_with(text) == ""
    assert sent(text, "xterm", application=False) == bytes_


def test_cursor_keys_follow_the_mode_that_the_program_has_set() -> None:
    assert sent("<Up><Home><Del>", "xterm", application=True) == b"\x1bOA\x1bOH\x1b[3~"


def test_a_linux_console_sends_its_own_sequences() -> None:
    assert sent("<F1><F5><F6>", "linux", application=False) == b"\x1b[[A\x1b[[E\x1b[17~"
    assert sent("<Home><Up>", "linux", application=True) == b"\x1b[1~\x1bOA"


def test_a_pause_is_no_key() -> None:
    assert (pause_ms("<250ms>"), pause_ms("<Enter>"), pause_ms("250ms")) == (250, None, None)
    assert wrong_with("<250ms>") == "" and pause_ms(pause(86_400_000)) == 86_400_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no key; write one"),
        ("<Ente>", "'<Ente>' is no key; known are <Enter> "),
        ("a < b", "'<' is no key"),
        ("<>", "'<' is no key"),
        ("<C-xx>", "'<C-xx>' is no key"),
        ("<C-1>", "'<C-1>' is no key"),
        ("<M->", "'<M->' is no key"),
        ("x<5ms>", "the pause <5ms> stands among keys"),
        ("<86400001ms>", "of at most a day"),
        ("x" * 4096, "4096 bytes arrive at once, a terminal takes at most 4095; make several items of it"),
    ],
)
def test_a_key_that_no_terminal_sends_is_named(text: str, said: str) -> None:
    assert said in wrong_with(text)
