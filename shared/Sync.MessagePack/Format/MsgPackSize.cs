using System.Text;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Bytes that <see cref="MsgPackWriter"/> takes for a value.</summary>
public static class MsgPackSize
{
    /// <summary>Size of an integer.</summary>
    public static int OfInteger(long value) => value >= 0 ? OfInteger((ulong)value) : value switch
    {
        >= -32 => 1,
        >= sbyte.MinValue => 2,
        >= short.MinValue => 3,
        >= int.MinValue => 5,
        _ => 9,
    };

    /// <summary>Size of an integer that is not negative.</summary>
    public static int OfInteger(ulong value) => value switch
    {
        <= 0x7f => 1,
        <= byte.MaxValue => 2,
        <= ushort.MaxValue => 3,
        <= uint.MaxValue => 5,
        _ => 9,
    };

    /// <summary>Size of text.</summary>
    public static int OfString(string value) => OfString(Encoding.UTF8.GetByteCount(value));

    /// <summary>Size of text of so many bytes of UTF-8.</summary>
    public static int OfString(int bytes) => bytes + bytes switch
    {
        <= 31 => 1,
        <= byte.MaxValue => 2,
        <= ushort.MaxValue => 3,
        _ => 5,
    };

    /// <summary>Size of so many bytes of binary.</summary>
    public static int OfBinary(int bytes) => bytes + bytes switch
    {
        <= byte.MaxValue => 2,
        <= ushort.MaxValue => 3,
        _ => 5,
    };

    /// <summary>Size of the header of an array or map.</summary>
    /// <param name="count">Elements or pairs.</param>
    public static int OfHeader(int count) => count switch
    {
        <= 15 => 1,
        <= ushort.MaxValue => 3,
        _ => 5,
    };

    /// <summary>Size of a timestamp.</summary>
    public static int OfTimestamp(Timestamp value) => MsgPackTime.PayloadSize(value) switch
    {
        4 => 6,
        8 => 10,
        _ => 15,
    };
}
