using System.Buffers.Binary;
using Sync.Contracts;

namespace Sync.Testing.Ledger;

/// <summary>Ids of version 7 that count up: runs are repeatable. Safe from any thread.</summary>
/// <param name="source">Tells several sources apart.</param>
public sealed class SequentialIds(int source = 0) : IIdSource
{
    private long _count;

    /// <inheritdoc/>
    public Guid Next(Timestamp now)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, now.UnixMicroseconds / 1000 << 16);
        bytes[6] = 0x70;
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], Interlocked.Increment(ref _count));
        bytes[8] = (byte)(0x80 | (source & 0x3F));
        return new Guid(bytes, bigEndian: true);
    }
}
