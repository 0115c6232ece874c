using System.Buffers.Binary;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>The timestamp extension: 4 bytes = seconds (u32); 8 bytes = nanoseconds (30 bits), seconds (34 bits);
/// 12 bytes = nanoseconds (u32), seconds (i64).</summary>
internal static class MsgPackTime
{
    public const sbyte ExtensionType = -1;

    private const long SecondsMin = -62_135_596_800; // 0001-01-01
    private const long SecondsMax = 253_402_300_799; // 9999-12-31T23:59:59
    private const uint NanosecondsMax = 999_999_999;
    private const long MicrosPerSecond = 1_000_000;

    public static bool TryRead(ReadOnlySpan<byte> bytes, out Timestamp time)
    {
        time = default;
        if (!TrySplit(bytes, out var seconds, out var nanoseconds)) return false;
        if (nanoseconds > NanosecondsMax || seconds is < SecondsMin or > SecondsMax) return false;
        time = new Timestamp(seconds * MicrosPerSecond + nanoseconds / 1000);
        return true;
    }

    /// <summary>Payload bytes of the shortest form: 4, 8 or 12.</summary>
    public static int PayloadSize(Timestamp time)
    {
        var (seconds, nanoseconds) = Split(time);
        if (seconds is < 0 or > 0x3_ffff_ffff) return 12;
        return nanoseconds == 0 && seconds <= uint.MaxValue ? 4 : 8;
    }

    public static void Write(Timestamp time, Span<byte> payload)
    {
        var (seconds, nanoseconds) = Split(time);
        switch (payload.Length)
        {
            case 4:
                BinaryPrimitives.WriteUInt32BigEndian(payload, (uint)seconds);
                break;
            case 8:
                BinaryPrimitives.WriteUInt64BigEndian(payload, (ulong)nanoseconds << 34 | (ulong)seconds);
                break;
            default:
                BinaryPrimitives.WriteUInt32BigEndian(payload, nanoseconds);
                BinaryPrimitives.WriteInt64BigEndian(payload[4..], seconds);
                break;
        }
    }

    private static bool TrySplit(ReadOnlySpan<byte> bytes, out long seconds, out uint nanoseconds)
    {
        (seconds, nanoseconds) = (0, 0);
        switch (bytes.Length)
        {
            case 4:
                seconds = BinaryPrimitives.ReadUInt32BigEndian(bytes);
                return true;
            case 8:
                var both = BinaryPrimitives.ReadUInt64BigEndian(bytes);
                (seconds, nanoseconds) = ((long)(both & 0x3_ffff_ffff), (uint)(both >> 34));
                return true;
            case 12:
                nanoseconds = BinaryPrimitives.ReadUInt32BigEndian(bytes);
                seconds = BinaryPrimitives.ReadInt64BigEndian(bytes[4..]);
                return true;
            default:
                return false;
        }
    }

    private static (long Seconds, uint Nanoseconds) Split(Timestamp time)
    {
        var seconds = time.UnixMicroseconds / MicrosPerSecond;
        var micros = time.UnixMicroseconds % MicrosPerSecond;
        if (micros < 0) (seconds, micros) = (seconds - 1, micros + MicrosPerSecond);
        return (seconds, (uint)micros * 1000);
    }
}
