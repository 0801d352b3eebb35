"""The process that learns and guesses: it reads messages from its standard input until that ends, and answers each."""

from __future__ import annotations

import os
import sys

import msgspec

from channels.email.classifier_messages import LENGTH, Guess, Guessed, Learn
from channels.email.classifying import Model, learn

NICE = 10


def main() -> None:
    os.nice(NICE)
    model: Model | None = None
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(LENGTH.size):
        asked = msgspec.msgpack.decode(source.read(LENGTH.unpack(head)[0]), type=Learn | Guess)
        answer: object
        match asked:
            case Learn():
                learned, answer = learn(asked.samples)
                model = learned or model
            case Guess():
                answer = Guessed(model.guesses(asked.text) if model is not None else [])
        data = msgspec.msgpack.encode(answer)
        target.write(LENGTH.pack(len(data)) + data)
        target.flush()
