using System.Security.Cryptography;

namespace Sync.Benchmarks.Schema;

/// <summary>Groups of one feed as arrays, numbered as a sequencer would: each of the 50,000 keys once, then keys by a
/// Zipf law. Values have 200 bytes. Used by one thread.</summary>
internal sealed class GroupSource(int seed)
{
    internal const int KeyCount = 50_000;
    private const int ValueBytes = 200;

    private static readonly double[] Zipf = MakeZipf();

    private readonly Random _random = new(seed);
    private readonly long[] _origins = new long[KeyCount];
    private readonly long[] _sequences = new long[KeyCount];
    private readonly Guid[] _last = new Guid[KeyCount];
    private readonly int[] _order = Shuffled(seed);
    private long _position;
    private long _lastOfCollection;

    internal BenchGroup Next(int count)
    {
        var group = new BenchGroup(_position, count);
        var heads = new Dictionary<int, int>();
        for (var index = 0; index < count; index++)
        {
            var key = _position < KeyCount ? _order[(int)_position] : _order[Draw()];
            var isNew = _sequences[key] == 0;
            _position++;
            if (isNew) _origins[key] = _position;
            group.Origins[index] = _origins[key];
            group.Sequences[index] = ++_sequences[key];
            group.Afters[index] = _lastOfCollection;
            group.Times[index] = 1_700_000_000_000_000 + group.Expected;
            group.Ids[index] = Guid.CreateVersion7();
            group.Causations[index] = isNew ? null : _last[key];
            group.Idempotency[index] = Guid.CreateVersion7();
            group.Keys[index] = $"customer-{key:D8}";
            group.Positions[index] = _position;
            group.Values[index] = Bytes(ValueBytes);
            group.ValueHashes[index] = SHA256.HashData(group.Values[index]);
            group.Chains[index] = SHA256.HashData(group.ValueHashes[index]);
            if (isNew) group.New.Add(index);
            heads[key] = index;
            _last[key] = group.Ids[index];
            _lastOfCollection = _position;
        }
        // In key order, as upserts by several writers must be.
        group.Heads.AddRange(heads.Values.OrderBy(index => group.Keys[index], StringComparer.Ordinal));
        return group;
    }

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private int Draw()
    {
        var at = Array.BinarySearch(Zipf, _random.NextDouble());
        return Math.Min(KeyCount - 1, at < 0 ? ~at : at);
    }

    private static int[] Shuffled(int seed)
    {
        var order = Enumerable.Range(0, KeyCount).ToArray();
        new Random(seed).Shuffle(order);
        return order;
    }

    private static double[] MakeZipf()
    {
        var sums = new double[KeyCount];
        var sum = 0.0;
        for (var rank = 0; rank < KeyCount; rank++) sums[rank] = sum += 1 / Math.Pow(rank + 1, 0.99);
        for (var rank = 0; rank < KeyCount; rank++) sums[rank] /= sum;
        return sums;
    }
}

/// <summary>A group, one array a column.</summary>
internal sealed class BenchGroup(long expected, int count)
{
    internal long Expected { get; } = expected;
    internal int Count { get; } = count;
    internal int[] Collections { get; } = Enumerable.Repeat(1, count).ToArray();
    internal long[] Positions { get; } = new long[count];
    internal long[] Origins { get; } = new long[count];
    internal long[] Sequences { get; } = new long[count];
    internal long[] Afters { get; } = new long[count];
    internal long[] Times { get; } = new long[count];
    internal short[] Ops { get; } = new short[count];
    internal Guid[] Ids { get; } = new Guid[count];
    internal Guid?[] Causations { get; } = new Guid?[count];
    internal Guid[] Idempotency { get; } = new Guid[count];
    internal string[] Keys { get; } = new string[count];
    internal string[] SchemaVersions { get; } = Enumerable.Repeat("1.0", count).ToArray();
    internal string[] Producers { get; } = Enumerable.Repeat("service:billing", count).ToArray();
    internal byte[][] ValueHashes { get; } = new byte[count][];
    internal byte[][] Chains { get; } = new byte[count][];
    internal byte[][] Values { get; } = new byte[count][];

    /// <summary>Indexes of facts whose key is new.</summary>
    internal List<int> New { get; } = [];

    /// <summary>Index of the last fact of each key.</summary>
    internal List<int> Heads { get; } = [];
}
