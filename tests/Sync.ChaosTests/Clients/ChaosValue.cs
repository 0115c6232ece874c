using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.ChaosTests.Clients;

/// <summary>A value of the load: <c>{"ok": bool, "id": text, "pad": text}</c>. The id is in one write only, so the
/// hash tells the write. One that is not <c>ok</c> fails the parse gate.</summary>
internal static class ChaosValue
{
    /// <summary>What readers of the old version expect.</summary>
    public static readonly SchemaVersion Version = new("1.0");

    /// <summary>What fails their major gate.</summary>
    public static readonly SchemaVersion NextMajor = new("2.0");

    /// <summary>The newest major that readers of the old version know.</summary>
    public const int OldMajor = 1;

    /// <summary>The newest major that readers of the new version know; they take the one before it too.</summary>
    public const int NewMajor = 2;

    // A map of three, "ok", true.
    private static ReadOnlySpan<byte> Good => [0x83, 0xa2, (byte)'o', (byte)'k', 0xc3];

    /// <summary>A tombstone's value.</summary>
    public static readonly byte[] Nil = [0xc0];

    private static readonly SyncSchema<ulong> Schema = new HashOfGoodValues { Version = Version };

    // No lift from one major to the next is known here: who takes both leaves the major gate off.
    private static readonly SyncSchema<ulong> SchemaOfBoth = new HashOfGoodValues();

    /// <summary>The schema of a reader that knows majors up to this one.</summary>
    public static SyncSchema<ulong> SchemaOf(int major) => major < NewMajor ? Schema : SchemaOfBoth;

    public static byte[] Bytes(bool ok, string id, int padding)
    {
        var output = new ArrayBufferWriter<byte>(64 + padding);
        var writer = new MsgPackWriter(output);
        writer.WriteMapHeader(3);
        writer.WriteString("ok"u8);
        writer.WriteBoolean(ok);
        writer.WriteString("id"u8);
        writer.WriteString(id);
        writer.WriteString("pad"u8);
        writer.WriteString(new string('x', padding));
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>The JSON that a writer turns into <see cref="Bytes"/>.</summary>
    public static byte[] Json(bool ok, string id, int padding) => Encoding.UTF8.GetBytes(
        $$"""{"ok":{{(ok ? "true" : "false")}},"id":"{{id}}","pad":"{{new string('x', padding)}}"}""");

    /// <summary>The start of the SHA-256 of a value's bytes.</summary>
    public static ulong Hash(ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(value, hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash);
    }

    /// <summary>True when the bytes of a live value pass the parse gate; needs their start only.</summary>
    public static bool Passes(ReadOnlySpan<byte> value) => value.StartsWith(Good);

    // The hash is made from the bytes that arrived, not read from the envelope.
    private sealed class HashOfGoodValues : SyncSchema<ulong>
    {
        public override ParseResult<ulong> Parse(ReadOnlyMemory<byte> value) =>
            Passes(value.Span) ? ParseResult<ulong>.Ok(Hash(value.Span)) : ParseResult<ulong>.Err("$.ok is not true");

        public override void Write(ulong value, IBufferWriter<byte> destination) => throw new NotSupportedException();
    }
}
