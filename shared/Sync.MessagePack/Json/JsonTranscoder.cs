using System.Buffers;

namespace Sync.MessagePack;

/// <summary>JSON to MessagePack and back, by the rules of docs/PROTOCOL.md, JSON and MessagePack. Neither direction builds a
/// document, throws for bad input, or writes anything on an error; memory is pooled and grows with the input.</summary>
public static class JsonTranscoder
{
    /// <summary>Makes canonical MessagePack of one JSON text: keys in the order given, shortest forms, integers of at most 64
    /// bits as integers, every other number as float 64.</summary>
    /// <param name="json">Exactly one JSON value in UTF-8; white space around it is allowed.</param>
    /// <param name="destination">Receives exactly one MessagePack value, or nothing.</param>
    /// <param name="error">What was wrong.</param>
    /// <param name="limits">The limits; null = <see cref="MsgPackLimits.Default"/>.</param>
    public static bool TryToMsgPack(
        ReadOnlySpan<byte> json, IBufferWriter<byte> destination, out TranscodeError error, MsgPackLimits? limits = null)
    {
        using var output = PooledBytes.Rent(json.Length + 16);
        if (!JsonToMsgPack.TryConvert(json, output, limits ?? MsgPackLimits.Default, out error)) return false;
        output.CopyTo(destination);
        return true;
    }

    /// <summary>As <see cref="TryToMsgPack"/>, into a new array; null on an error.</summary>
    public static byte[]? ToMsgPack(ReadOnlySpan<byte> json, out TranscodeError error, MsgPackLimits? limits = null)
    {
        using var output = PooledBytes.Rent(json.Length + 16);
        return JsonToMsgPack.TryConvert(json, output, limits ?? MsgPackLimits.Default, out error) ? output.Written.ToArray() : null;
    }

    /// <summary>Makes JSON of one MessagePack value: no white space, exact numerals, a float always with a fraction or an
    /// exponent and in its shortest form that reads back as the same number.</summary>
    /// <param name="value">Exactly one MessagePack value.</param>
    /// <param name="destination">Receives UTF-8, or nothing.</param>
    /// <param name="error">What was wrong; <see cref="TranscodeFault.NotJson"/> names the path.</param>
    /// <param name="limits">The limits; null = <see cref="MsgPackLimits.Default"/>.</param>
    public static bool TryToJson(
        ReadOnlySpan<byte> value, IBufferWriter<byte> destination, out TranscodeError error, MsgPackLimits? limits = null)
    {
        using var output = PooledBytes.Rent(value.Length * 2 + 16);
        if (!MsgPackToJson.TryConvert(value, output, limits ?? MsgPackLimits.Default, out error)) return false;
        output.CopyTo(destination);
        return true;
    }

    /// <summary>As <see cref="TryToJson"/>, into a new array; null on an error.</summary>
    public static byte[]? ToJson(ReadOnlySpan<byte> value, out TranscodeError error, MsgPackLimits? limits = null)
    {
        using var output = PooledBytes.Rent(value.Length * 2 + 16);
        return MsgPackToJson.TryConvert(value, output, limits ?? MsgPackLimits.Default, out error) ? output.Written.ToArray() : null;
    }
}
