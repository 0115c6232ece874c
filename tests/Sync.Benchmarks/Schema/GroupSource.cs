using System.Security.Cryptography;
using Sync.Benchmarks.Bulk;

namespace Sync.Benchmarks.Schema;

/// <summary>Groups of one feed as arrays, numbered as a sequencer would: each of the 50,000 keys once, then keys by a
/// Zipf law. Used by one thread.</summary>
internal sealed class GroupSource
{
    internal const int KeyCount = 50_000;
    private const int ValueBytes = 200;

    private static readonly double[] Zipf = MakeZipf();

    private readonly Random _random;
    private readonly Func<Random, byte[]> _value;
    private readonly long[] _origins = new long[KeyCount];
    private readonly long[] _sequences = new long[KeyCount];
    private readonly Guid[] _last = new Guid[KeyCount];
    private readonly int[] _order;
    private readonly int _ordered; // facts that take the keys in order, each once
    private long _position;
    private long _lastOfCollection;

    /// <param name="seed">Of keys and values.</param>
    /// <param name="value">Makes a value; null = 200 bytes without a meaning.</param>
    /// <param name="rows">Facts that are there already (<see cref="Prefill"/>).</param>
    internal GroupSource(int seed, Func<Random, byte[]>? value = null, long rows = 0)
    {
        (_random, _value, _order) = (new Random(seed), value ?? Bytes, Shuffled(seed));
        (_position, _lastOfCollection, _ordered) = (rows, rows, rows == 0 ? KeyCount : 0);
        for (var key = 0; rows > 0 && key < KeyCount; key++)
        {
            (_origins[key], _sequences[key]) = (key + 1, Prefill.FactsOfKey);
            _last[key] = Prefill.IdOf(rows - Prefill.Keys(rows) + key + 1);
        }
    }

    internal BenchGroup Next(int count)
    {
        var group = new BenchGroup(_position, count);
        var heads = new Dictionary<int, int>();
        for (var index = 0; index < count; index++)
        {
            var key = _position < _ordered ? _order[(int)_position] : _order[Draw()];
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
            group.Values[index] = _value(_random);
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

    private static byte[] Bytes(Random random)
    {
        var bytes = new byte[ValueBytes];
        random.NextBytes(bytes);
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
