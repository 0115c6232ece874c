using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sync.Benchmarks.Way;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Replication;

namespace Sync.Benchmarks.Replicas;

/// <summary>
/// B7: what a replica does with an envelope (decode of its value, gates, set), of values of 200 bytes and 4 KiB; beside the
/// decode of the same value alone, and <c>System.Text.Json</c> source generation for the same object. One thread, no
/// observer; a round's figure is its quickest batch.
/// <code>b7 [--rounds N] [--batches N] [--json FILE]</code>
/// </summary>
internal static class ApplyBenchmark
{
    private const int BatchApplies = 1000;
    private static readonly SyncedKey Key = Item.Key(1);

    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = Arguments.Number(args, "--rounds", 5);
        var batches = Arguments.Number(args, "--batches", 200);
        var report = new Report($"B7 replica apply, {rounds} rounds, each the quickest of {batches} batches of {BatchApplies:N0}");
        foreach (var (name, note) in ((string, int)[])[("200 B", 140), ("4 KiB", 4030)])
        {
            var subject = await Subject.OpenAsync(Item.Make(1, note));
            report.Condition(name, $"{subject.ValueBytes} bytes as MessagePack, {subject.JsonBytes} as JSON");
            var lines = new Lines(report, name);
            subject.Round(batches, new Lines(new Report(""), name)); // until the runtime has compiled it all
            for (var round = 0; round < rounds; round++) subject.Round(batches, lines);
            await subject.EndAsync();
        }
        return await report.FinishAsync(args);
    }

    private sealed class Lines(Report report, string name)
    {
        public ReportLine Beyond { get; } = report.Line($"{name}: apply beyond decode", "ns", 250, atLeast: false);

        public ReportLine Bytes { get; } = report.Line($"{name}: allocated beyond T", "bytes", 0, atLeast: false);

        public ReportLine Decode { get; } = report.Line($"{name}: decode beside JSON", "ns", 1, atLeast: false);

        public ReportLine ByJson { get; } = report.Line($"{name}: decode by way of JSON", "ns", null, atLeast: false);

        public ReportLine Stale { get; } = report.Line($"{name}: allocated when stale", "bytes", 0, atLeast: false);

        public void Fact(string what, double value) => report.Fact($"{name}: {what}", value);
    }

    /// <summary>Nanoseconds and bytes allocated for each.</summary>
    private readonly record struct Cost(double Nanoseconds, double Bytes);

    /// <summary>One replica, and the object that all its envelopes carry.</summary>
    private sealed class Subject
    {
        private readonly Item _item;
        private readonly byte[] _value;
        private readonly byte[] _json;
        private readonly Wire _wire;
        private readonly ReplicaHub _hub;
        private readonly Replica<Item> _replica;
        private readonly SyncSchema<Item> _byJson = SyncSchema.Json(ItemJson.Default.Item, SchemaVersion.Default);
        private long _sequence;

        private Subject(Item item, Wire wire, ReplicaHub hub, Replica<Item> replica)
        {
            (_item, _wire, _hub, _replica) = (item, wire, hub, replica);
            (_value, _json) = (Item.Bytes(item), JsonSerializer.SerializeToUtf8Bytes(item, ItemJson.Default.Item));
            if (ItemSchema.Instance.Parse(_value).Value != item || JsonSerializer.Deserialize(_json, ItemJson.Default.Item) != item
                || _byJson.Parse(_value).Value != item) throw new InvalidOperationException("void: the decoders disagree");
        }

        public int ValueBytes => _value.Length;

        public int JsonBytes => _json.Length;

        public static async Task<Subject> OpenAsync(Item item)
        {
            var wire = new Wire();
            var hub = await ReplicaHub.StartAsync(wire, null);
            var replica = await hub.OpenAsync(new ReplicaOptions<Item> { Key = Key, Schema = ItemSchema.Instance });
            return new Subject(item, wire, hub, replica);
        }

        public async Task EndAsync()
        {
            var counters = _replica.Counters;
            if (_replica.Value != _item || counters.Applied != _sequence || counters.IgnoredStale != _sequence)
                throw new InvalidOperationException($"void: {counters.Applied} applied and {counters.IgnoredStale} ignored of {_sequence}");
            await _hub.DisposeAsync();
        }

        public void Round(int batches, Lines lines)
        {
            var (decode, json, byJson) = (Least(), Least(), Least());
            var (apply, stale) = (Least(), Least());
            for (var batch = 0; batch < batches; batch++)
            {
                var envelopes = new Envelope[BatchApplies];
                for (var index = 0; index < envelopes.Length; index++) envelopes[index] = Make(++_sequence);
                decode = Less(decode, Measure(this, static (on, _) => ItemSchema.Instance.Parse(on._value).IsOk));
                json = Less(json, Measure(this, static (on, _) =>
                    JsonSerializer.Deserialize(on._json, ItemJson.Default.Item) is not null));
                byJson = Less(byJson, Measure(this, static (on, _) => on._byJson.Parse(on._value).IsOk));
                var input = (_wire.Handler, envelopes);
                apply = Less(apply, Measure(input, static (on, index) => Receive(on.Handler, on.envelopes[index])));
                stale = Less(stale, Measure(input, static (on, index) => Receive(on.Handler, on.envelopes[index])));
            }
            lines.Beyond.Add(null, apply.Nanoseconds - decode.Nanoseconds);
            lines.Bytes.Add(null, apply.Bytes - decode.Bytes);
            lines.Decode.Add(json.Nanoseconds, decode.Nanoseconds);
            lines.ByJson.Add(json.Nanoseconds, byJson.Nanoseconds);
            lines.Stale.Add(null, stale.Bytes);
            lines.Fact("ns of an apply", apply.Nanoseconds);
            lines.Fact("ns of a stale envelope", stale.Nanoseconds);
            lines.Fact("bytes of T", decode.Bytes);
        }

        private static Cost Least() => new(double.MaxValue, double.MaxValue);

        private static Cost Less(Cost one, Cost other) =>
            new(Math.Min(one.Nanoseconds, other.Nanoseconds), Math.Min(one.Bytes, other.Bytes));

        private static bool Receive(IEnvelopeHandler handler, Envelope envelope)
        {
            handler.Receive(envelope);
            return true;
        }

        private static Cost Measure<TInput>(TInput input, Func<TInput, int, bool> act)
        {
            var done = 0;
            var (bytes, start) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
            for (var index = 0; index < BatchApplies; index++)
                if (act(input, index)) done++;
            var (elapsed, allocated) = (Stopwatch.GetElapsedTime(start), GC.GetAllocatedBytesForCurrentThread() - bytes);
            if (done != BatchApplies) throw new InvalidOperationException($"void: {BatchApplies - done} failed");
            return new Cost(elapsed.TotalNanoseconds / BatchApplies, (double)allocated / BatchApplies);
        }

        private Envelope Make(long sequence) => new()
        {
            Key = Key,
            Value = _value,
            SchemaVersion = SchemaVersion.Default,
            Sequence = new(sequence),
            Feed = new(0),
            Position = new(sequence),
            History = new(1),
            After = new(sequence - 1),
        };
    }

    /// <summary>Hands over what the benchmark gives it, on its thread.</summary>
    private sealed class Wire : ITransport
    {
        public IEnvelopeHandler Handler { get; private set; } = null!;

        public long ConnectionEpoch => 1;

        public int KeyCount => 1;

        public ValueTask<IAsyncDisposable> SubscribeAsync(SyncedKey key, IEnvelopeHandler handler, CancellationToken cancellation = default)
        {
            Handler = handler;
            return new(new Nothing());
        }

        public ValueTask<IAsyncDisposable> SubscribeBeatsAsync(IBeatHandler handler, CancellationToken cancellation = default) =>
            new(new Nothing());

        public ValueTask<IAsyncDisposable> SubscribeAsync(
            SyncedPattern pattern, IEnvelopeHandler handler, CancellationToken cancellation = default) =>
            throw new NotSupportedException();

        public ValueTask PublishAsync(SyncedKey key, Envelope envelope, CancellationToken cancellation = default) =>
            throw new NotSupportedException();

        public ValueTask PublishBeatAsync(Beat beat, CancellationToken cancellation = default) => throw new NotSupportedException();

        public ValueTask FlushAsync(CancellationToken cancellation = default) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private sealed class Nothing : IAsyncDisposable
        {
            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}

/// <summary>The fields of <see cref="ItemSchema"/>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Item))]
internal sealed partial class ItemJson : JsonSerializerContext;
