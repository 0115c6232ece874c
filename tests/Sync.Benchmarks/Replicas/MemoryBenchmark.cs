using Sync.Benchmarks.Way;
using Sync.Contracts;
using Sync.Replication;

namespace Sync.Benchmarks.Replicas;

/// <summary>
/// B9: memory of a collection replica with all records loaded, beside a plain dictionary of value, sequence and position.
/// Both read the same bytes, so each holds values and keys of its own.
/// <code>b9 [--rounds N] [--records N] [--json FILE]</code>
/// </summary>
internal static class MemoryBenchmark
{
    private const int PageRecords = 5000;
    private static readonly FeedId Feed = new(0);
    private static readonly HistoryId History = new(7);

    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = Arguments.Number(args, "--rounds", 5);
        var records = Arguments.Number(args, "--records", 1_000_000);
        var report = new Report($"B9 memory of {records:N0} records of {Item.Bytes(Item.Make(1)).Length} bytes, {rounds} rounds");
        var line = report.Line("collection replica over a dictionary", "bytes/record", 1.3, atLeast: false);
        for (var round = 0; round < rounds; round++)
            line.Add(Measure(() => Dictionary(records)) / records, Measure(() => Replica(records)) / records);
        return await report.FinishAsync(args);
    }

    private static double Measure(Func<object> fill)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var held = fill();
        var after = GC.GetTotalMemory(forceFullCollection: true);
        GC.KeepAlive(held);
        return after - before;
    }

    private static Dictionary<string, (Item Value, long Sequence, long Position)> Dictionary(int records)
    {
        var held = new Dictionary<string, (Item, long, long)>(StringComparer.Ordinal);
        for (var number = 0; number < records; number++)
            held.Add(Item.Key(number).Key, (ItemSchema.Instance.Parse(Item.Bytes(Item.Make(number))).Value, 1, number + 1));
        return held;
    }

    private static CollectionCore<Item> Replica(int records)
    {
        var core = new CollectionCore<Item>(
            SyncedPattern.OfCollection(Item.Vault, Item.Collection), ItemSchema.Instance, new CollectionRules());
        var effects = new CollectionEffects<Item>();
        core.Subscribed(default, effects);
        while (effects.Requests.Count > 0)
        {
            var request = effects.Requests[0];
            effects.Clear();
            core.Answered(request.Id, Page(request.Snapshot.After, records), default, effects);
        }
        if (core.Count != records || core.Status != CollectionStatus.Ok)
            throw new InvalidOperationException($"void: {core.Count} records, {core.Status}");
        return core;
    }

    private static SnapshotPage Page(SyncedKey? after, int records)
    {
        var from = after is { } key ? int.Parse(key.Key.AsSpan(5), System.Globalization.CultureInfo.InvariantCulture) + 1 : 0;
        var count = Math.Min(PageRecords, records - from);
        return new SnapshotPage
        {
            Feeds = 1,
            Feed = Feed,
            History = History,
            Floor = new(1),
            Position = new(records),
            Envelopes = [.. Enumerable.Range(from, count).Select(Envelope)],
            Collections = [new(Item.Vault, Item.Collection, new(records))],
            More = from + count < records,
        };
    }

    private static Envelope Envelope(int number)
    {
        var value = Item.Bytes(Item.Make(number));
        return new Envelope
        {
            Key = Item.Key(number),
            Value = value,
            SchemaVersion = SchemaVersion.Default,
            Sequence = new(1),
            Feed = Feed,
            History = History,
            Position = new(number + 1),
            After = new(number),
            Hash = Hash256.Of(value),
            Producer = "bench:load",
        };
    }
}
