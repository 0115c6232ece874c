using System.Buffers;
using Sync.Contracts;

namespace Sync.Tests.MessagePack;

/// <summary>One of everything, fully filled.</summary>
internal static class Samples
{
    public static readonly SyncedKey Key = new("acme", "user", "123");

    public static FactId Id(int n) => new(new Guid($"0193a1b2-c3d4-7e5f-8a9b-{n:x12}"));

    public static byte[] Value { get; } = Convert.FromHexString("82a46e616d65a3416461a3616765" + "24");

    public static Envelope Envelope() => new()
    {
        Key = Key,
        Value = Value,
        SchemaVersion = new("3.1"),
        Sequence = new(7),
        Op = ChangeOp.Put,
        Id = Id(1),
        Feed = new(3),
        Position = new(1234567),
        History = new(8_007_199_254_740_991),
        Hash = Hash256.Of(Value),
        After = new(1234500),
        Time = new(1_732_147_200_123_456),
        Producer = "service:billing",
    };

    public static Envelope Tombstone() => new()
    {
        Key = Key,
        Value = new byte[] { 0xc0 },
        SchemaVersion = new("3.1"),
        Sequence = new(8),
        Op = ChangeOp.Delete,
        Id = Id(2),
        Feed = new(3),
        Position = new(1234568),
        History = new(8_007_199_254_740_991),
        Hash = Hash256.Of([0xc0]),
        After = new(1234567),
        Time = new(1_732_147_201_000_000),
        Producer = "service:billing",
    };

    public static Beat Beat() => new()
    {
        Feed = new(3),
        History = new(8_007_199_254_740_991),
        Epoch = new(12),
        Prev = new(1234500),
        Position = new(1234568),
        Time = new(1_732_147_201_500_000),
        Keys = [new(0x0000_0001, 68), new(0x89ab_cdef, 1), new(0x89ab_cdef, 67), new(0xffff_ffff, 5)],
        Collections = [new("acme", "user", new(1234568)), new("pypi--django", "advisory", new(1234505))],
    };

    public static WriteCommand Command() => new()
    {
        Key = Key,
        Op = ChangeOp.Put,
        Value = Value,
        SchemaVersion = new("3.1"),
        Expected = new(6),
        OnlyIfNoLiveRecord = true,
        IdempotencyKey = "0193a1b2-c3d4-7e5f-8a9b-0000000000aa",
        ValidTime = new(1_700_000_000_000_000),
        Producer = new("service", "billing"),
        Causation = Id(9),
        TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    };

    public static Receipt Receipt() => new()
    {
        FactId = Id(1),
        Key = Key,
        Sequence = new(7),
        Feed = new(3),
        History = new(8_007_199_254_740_991),
        Position = new(1234567),
        TransactionTime = new(1_732_147_200_123_456),
        ValueHash = Hash256.Of(Value),
        Causation = Id(9),
    };

    public static Fact Fact() => new()
    {
        Id = Id(1),
        Key = Key,
        Sequence = new(7),
        Op = ChangeOp.Put,
        Value = Value,
        ValueHash = Hash256.Of(Value),
        SchemaVersion = new("3.1"),
        Causation = Id(9),
        TransactionTime = new(1_732_147_200_123_456),
        ValidTime = new(1_700_000_000_000_000),
        Producer = new("service", "billing:eu"),
        Derivation = new("totals", "2", [Id(10), Id(11)]),
        IdempotencyKey = "0193a1b2-c3d4-7e5f-8a9b-0000000000aa",
        Feed = new(3),
        Position = new(1234567),
        After = new(1234500),
        Epoch = new(12),
        Chain = Hash256.Of("chain"u8),
    };

    public static Fact SmallestFact() => new()
    {
        Id = Id(1),
        Key = Key,
        Sequence = new(1),
        Op = ChangeOp.Delete,
        Value = new byte[] { 0xc0 },
        ValueHash = Hash256.Of([0xc0]),
        SchemaVersion = new("1.0"),
        TransactionTime = new(0),
        Producer = Producer.Anonymous,
        Feed = new(0),
        Position = new(1),
        After = Position.Start,
        Epoch = new(1),
        Chain = default,
    };

    public static byte[] Bytes(Action<IBufferWriter<byte>> encode)
    {
        var buffer = new ArrayBufferWriter<byte>();
        encode(buffer);
        return buffer.WrittenSpan.ToArray();
    }
}
