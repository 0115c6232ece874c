using System.Buffers.Binary;
using System.Text;
using Sync.Contracts;

namespace Sync.Testing.Ledger;

/// <summary>Short ways to say what ledger tests write.</summary>
public static class LedgerTexts
{
    /// <summary>A text as one MessagePack value.</summary>
    public static byte[] Value(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        if (utf8.Length < 32) return [(byte)(0xA0 | utf8.Length), .. utf8];
        var bytes = new byte[5 + utf8.Length];
        bytes[0] = 0xDB;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), (uint)utf8.Length);
        utf8.CopyTo(bytes, 5);
        return bytes;
    }

    /// <summary>A key of vault <c>acme</c>, collection <c>user</c>.</summary>
    public static SyncedKey User(string key) => new("acme", "user", key);

    /// <summary>A put.</summary>
    public static WriteCommand Put(
        SyncedKey key, string value = "v", string? idempotency = null, long? expected = null)
    {
        return new()
        {
            Key = key,
            Op = ChangeOp.Put,
            Value = Value(value),
            IdempotencyKey = idempotency,
            Expected = expected is { } sequence ? new Sequence(sequence) : null,
        };
    }

    /// <summary>A delete.</summary>
    public static WriteCommand Delete(SyncedKey key, string? idempotency = null, long? expected = null) => new()
    {
        Key = key,
        Op = ChangeOp.Delete,
        Value = new byte[] { 0xC0 },
        IdempotencyKey = idempotency,
        Expected = expected is { } sequence ? new Sequence(sequence) : null,
    };

    /// <summary>An append of an event.</summary>
    public static WriteCommand Append(SyncedKey key, string value = "e", string? idempotency = null) => new()
    {
        Key = key,
        Op = ChangeOp.Append,
        Value = Value(value),
        IdempotencyKey = idempotency,
    };
}
