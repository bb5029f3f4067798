import { Command } from "commander";
import { describe, expect, it } from "vitest";
import {
  type EventMappingValues,
  eventMapping,
  eventMappingOptions,
  eventMappingWords,
} from "../../src/cli/event-mapping.ts";

function parsed(...words: string[]) {
  const command = new Command("x").exitOverride().configureOutput({ writeErr: () => undefined });
  for (const option of eventMappingOptions()) command.addOption(option);
  return eventMapping(command.parse(words, { from: "user" }).opts<EventMappingValues>());
}

describe("the mapping of one's own events", () => {
  it("is the wire form by default", () => {
    expect(parsed()).toEqual({});
    expect(eventMappingWords({})).toEqual([]);
  });

  it("takes paths with and without the root, conditions and a time format, and gives the same words back", () => {
    const words = ["--field", "user=$.customer.id", "--field", "time=ts", "--field", "id=$.meta.id"];
    const more = ["--only", "$.type=purchase", "--only", "shop.country=a=b", "--time-format", "iso"];
    const mapping = parsed(...words, ...more);
    expect(mapping).toEqual({
      fields: { userId: "customer.id", timestampMs: "ts", eventId: "meta.id" },
      only: [
        { path: "type", value: "purchase" },
        { path: "shop.country", value: "a=b" },
      ],
      time: "iso",
    });
    expect(parsed(...eventMappingWords(mapping))).toEqual(mapping);
  });

  it.each([
    [["--field", "user"], /Expected name=path/],
    [["--field", "customer=id"], /Expected one of user, item, time, rating, id/],
    [["--field", "user=a", "--field", "user=b"], /Expected user once/],
    [["--field", "user=$"], /Expected a path/],
    [["--field", "user=a..b"], /Expected a path/],
    [["--field", "user=a[0]"], /Expected a path/],
    [["--only", "=x"], /Expected path=value/],
    [["--time-format", "us"], /Allowed choices are ms, s, iso/],
  ])("refuses %j", (words, message) => {
    expect(() => parsed(...words)).toThrow(message);
  });
});
