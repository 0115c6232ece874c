using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Sync.Contracts;

/// <summary>UUIDs of version 7 (RFC 9562) that grow: 48 bits of milliseconds, then a 74-bit number that is drawn anew for each
/// later millisecond and counts up within one. Safe from any thread: one short lock guards the last id.</summary>
public sealed class UuidV7Source : IIdSource
{
    private readonly Lock _gate = new();
    private long _milliseconds = long.MinValue;
    private ushort _high;
    private ulong _low;

    /// <inheritdoc/>
    public Guid Next(Timestamp now)
    {
        Span<byte> bytes = stackalloc byte[16];
        lock (_gate)
        {
            var milliseconds = Math.Max(0, now.UnixMicroseconds / 1000);
            if (milliseconds > _milliseconds) Draw(milliseconds);
            else Increment();
            BinaryPrimitives.WriteUInt64BigEndian(bytes, ((ulong)_milliseconds << 16) | 0x7000u | _high);
            BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], 0x8000_0000_0000_0000 | _low);
        }
        return new Guid(bytes, bigEndian: true);
    }

    private void Draw(long milliseconds)
    {
        Span<byte> random = stackalloc byte[10];
        RandomNumberGenerator.Fill(random);
        _milliseconds = milliseconds;
        // The top bit stays free so that counting up has room before the millisecond must be borrowed.
        _high = (ushort)(BinaryPrimitives.ReadUInt16BigEndian(random) & 0x07FF);
        _low = BinaryPrimitives.ReadUInt64BigEndian(random[2..]) & 0x3FFF_FFFF_FFFF_FFFF;
    }

    private void Increment()
    {
        _low = (_low + 1) & 0x3FFF_FFFF_FFFF_FFFF;
        if (_low != 0) return;
        if (++_high > 0x0FFF) Draw(_milliseconds + 1);
    }
}
