using Sync.Contracts;

namespace Sync.Benchmarks.Way;

/// <summary>The records that every way of writing gets: 50,000 keys of one collection, values of 200 bytes, updates by a
/// Zipf law (exponent 0.99) or spread evenly.</summary>
internal static class Records
{
    public const int KeyCount = 50_000;
    public const int ValueBytes = 200;
    public const string Vault = "bench";
    public const string Collection = "customers";

    private static readonly double[] Sums = MakeSums();

    public static SyncedKey Key(int number) => new(Vault, Collection, $"customer-{number:D8}");

    /// <summary>One MessagePack value of 200 bytes: a byte string.</summary>
    public static byte[] Value(Random random)
    {
        var value = new byte[ValueBytes];
        random.NextBytes(value);
        (value[0], value[1]) = (0xc4, ValueBytes - 2);
        return value;
    }

    public static int Draw(Random random, bool isZipf)
    {
        if (!isZipf) return random.Next(KeyCount);
        var at = Array.BinarySearch(Sums, random.NextDouble());
        return Math.Min(KeyCount - 1, at < 0 ? ~at : at);
    }

    private static double[] MakeSums()
    {
        var sums = new double[KeyCount];
        var sum = 0.0;
        for (var rank = 0; rank < KeyCount; rank++) sums[rank] = sum += 1 / Math.Pow(rank + 1, 0.99);
        for (var rank = 0; rank < KeyCount; rank++) sums[rank] /= sum;
        return sums;
    }
}
