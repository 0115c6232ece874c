using System.Buffers.Binary;
using Sync.Contracts;

namespace Sync.Simulation;

/// <summary>Ids that depend on the seed alone; unique because they count.</summary>
internal sealed class SeededIds : IIdSource
{
    private long _count;

    public Guid Next(Timestamp now)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, 0x7000);
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], ++_count);
        return new Guid(bytes, bigEndian: true);
    }
}
