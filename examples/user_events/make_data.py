#!/usr/bin/env python3
"""Writes data/user_events.ndjson: a week of a small shop, the same bytes at every run.

Among the good lines are lines that were sent twice, event types in capitals, and eight lines that
break the schema, each in another way: those end in raw.user_events$quarantine.
"""
import datetime
import json
import pathlib

EVENTS = 600
FIRST_DAY = datetime.datetime(2024, 3, 4)
TYPES = ["view"] * 11 + ["search"] * 4 + ["cart"] * 3 + ["login"] * 3 + ["purchase"] * 2
PAGES = ["/", "/shoes", "/boots", "/hats", "/basket"]


class Dice:
    """A linear congruential generator: Python's own may change between versions."""

    def __init__(self, seed):
        self.state = seed

    def roll(self, sides):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % sides


def make_event(dice, number):
    kind = TYPES[dice.roll(len(TYPES))]
    when = FIRST_DAY + datetime.timedelta(
        seconds=number * 7 * 86400 // EVENTS + dice.roll(600), milliseconds=dice.roll(1000)
    )
    event = {
        "event_id": "%08x-0000-4000-8000-%012x" % (number, dice.roll(2**31)),
        "user_id": 1000 + dice.roll(60),
        "event_type": kind.upper() if dice.roll(25) == 0 else kind,
        "timestamp": when.isoformat(timespec="milliseconds") + "Z",
    }
    if kind != "login":
        event["page"] = PAGES[dice.roll(len(PAGES))]
    if kind == "purchase":
        event["amount"] = "%d.%02d" % (5 + dice.roll(200), dice.roll(100))
    return json.dumps(event)


def break_line(line, how):
    event = json.loads(line)
    if how == 0:
        return line[: len(line) // 2]  # cut off in the middle
    if how == 1:
        del event["user_id"]
    elif how == 2:
        event["user_id"] = "guest"
    elif how == 3:
        event["timestamp"] = "yesterday"
    elif how == 4:
        event["timestamp"] = "2024-02-30T12:00:00Z"  # no such day
    elif how == 5:
        event["amount"] = "12.345"  # three decimals
    elif how == 6:
        event["user_id"] = 2**63  # one more than a long holds
    elif how == 7:
        event["event_id"] = "none"
    return json.dumps(event)


def main():
    dice = Dice(2024)
    lines = []
    for number in range(EVENTS):
        line = make_event(dice, number)
        lines.append(line)
        if dice.roll(40) == 0:
            lines.append(line)
        if number % 75 == 37:
            lines.append(break_line(line, number // 75))
    path = pathlib.Path(__file__).parent / "data" / "user_events.ndjson"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


main()
