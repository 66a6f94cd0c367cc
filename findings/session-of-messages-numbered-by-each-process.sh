#!/usr/bin/env bash
# strands-agents 1.62.0, FileSessionManager (seen with Python 3.11.7).
#
# Guess:  each message is a file of its own, so two processes on one session keep the messages of both, or one of them is told that a
#         message is there already: the manager "creates" it.
# Seen:   each process counts on from the last message that it has read or written itself, and creates its message over the one
#         that has this number. Two processes that resume one session and take a turn each leave one turn. A further turn of the first
#         stands behind the second one's: the session resumes as a conversation that no model has seen, in which an answer
#         follows a question that was put elsewhere. No call fails, and each process goes on with its own history.
#         SnapshotSessionManager writes the whole history each time, and keeps that of the last writer.
# Matters to: an agent that answers a user and runs by a schedule on one session, or two workers behind one load balancer.
#
# Output seen:
#   strands-agents 1.62.0: first asks A1, second asks B1, first asks A2, all are answered; resumed: Q0 re-Q0 B1 re-B1 A2 re-A2
#
# Needs no root and no model: the answers are canned. Takes the package index, 80 MB. Exit status 0 if this is still so, 1 if it has
# changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --disable-pip-version-check --no-compile --target packages strands-agents==1.62.0

# Answers each line of its input, as a process that resumes the session.
cat >answer.py <<'PYTHON'
import sys

from strands import Agent
from strands.models import Model
from strands.session.file_session_manager import FileSessionManager


class Canned(Model):
    """Answers each question by "re-" and the question."""

    def update_config(self, **config):
        pass

    def get_config(self):
        return {}

    async def structured_output(self, *arguments, **options):
        raise NotImplementedError
        yield

    async def stream(self, messages, *arguments, **options):
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockStart": {"start": {}}}
        yield {"contentBlockDelta": {"delta": {"text": "re-" + messages[-1]["content"][0]["text"]}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn"}}


manager = FileSessionManager(session_id="session", storage_dir="sessions")
agent = Agent(model=Canned(), agent_id="agent", session_manager=manager, callback_handler=None)
print(*(block["text"] for message in agent.messages for block in message["content"]), flush=True)
for line in sys.stdin:
    print(agent(line.strip()).message["content"][0]["text"], flush=True)
PYTHON

cat >two.py <<'PYTHON'
import importlib.metadata
import subprocess
import sys


class Process:
    """A process that has resumed the session."""

    def __init__(self):
        command = [sys.executable, "answer.py"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.resumed = self.process.stdout.readline().strip()

    def ask(self, question):
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer == "re-" + question, answer

    def end(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


before = Process()
before.ask("Q0")
before.end()
first, second = Process(), Process()
first.ask("A1")
second.ask("B1")
first.ask("A2")
first.end()
second.end()
after = Process()
after.end()
version = importlib.metadata.version("strands-agents")
asked = "first asks A1, second asks B1, first asks A2, all are answered"
print(f"strands-agents {version}: {asked}; resumed: {after.resumed}")
sys.exit(after.resumed != "Q0 re-Q0 B1 re-B1 A2 re-A2")
PYTHON
PYTHONPATH=packages OTEL_SDK_DISABLED=true python3 two.py
