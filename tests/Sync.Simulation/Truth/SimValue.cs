using System.Buffers;
using System.Buffers.Binary;
using Sync.Contracts;

namespace Sync.Simulation;

/// <summary>What the values of the simulation are: a kind and a number that no other write has.</summary>
internal static class SimValue
{
    public const byte Good = 1;
    public const byte Unparseable = 2;
    public const byte Poison = 3;
    private const int Size = 9;

    public static readonly ReadOnlyMemory<byte> Nil = new byte[] { 0xC0 };

    public static ReadOnlyMemory<byte> Of(byte kind, long id)
    {
        var bytes = new byte[Size];
        bytes[0] = kind;
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(1), id);
        return bytes;
    }

    public static bool Is(ReadOnlyMemory<byte> value, byte kind) => value.Length == Size && value.Span[0] == kind;

    public static long IdOf(ReadOnlyMemory<byte> value) => BinaryPrimitives.ReadInt64BigEndian(value.Span[1..]);

    /// <summary>What a reader of major 1 may be shown: stated here once more, apart from the gates.</summary>
    public static bool Passes(Fact fact)
    {
        var text = fact.SchemaVersion.Text ?? "";
        var isOtherMajor = text.StartsWith("2.", StringComparison.Ordinal);
        return fact.Op != ChangeOp.Delete && !isOtherMajor && Is(fact.Value, Good);
    }
}

/// <summary>The parse gate under test takes good values and refuses all others.</summary>
internal sealed class SimSchema : SyncSchema<long>
{
    public override ParseResult<long> Parse(ReadOnlyMemory<byte> value) => SimValue.Is(value, SimValue.Good)
        ? ParseResult<long>.Ok(SimValue.IdOf(value))
        : ParseResult<long>.Err("not a good value");

    public override void Write(long value, IBufferWriter<byte> destination) =>
        destination.Write(SimValue.Of(SimValue.Good, value).Span);
}
