using System.Text;
using System.Text.Unicode;
using Sync.Contracts;

namespace Sync.MessagePack;

public ref partial struct MsgPackReader
{
    /// <summary>Reads nil.</summary>
    public bool TryReadNil() => TryReadToken(MsgPackType.Nil, "expected nil", out _);

    /// <summary>Reads nil if it is next; anything else stays, and is no error.</summary>
    public bool TrySkipNil()
    {
        if (_at >= _bytes.Length || _bytes[_at] != 0xc0 || !_error.IsNone) return false;
        _at++;
        return true;
    }

    /// <summary>Reads true or false.</summary>
    public bool TryReadBoolean(out bool value)
    {
        value = false;
        if (!TryReadToken(MsgPackType.Boolean, "expected a boolean", out var token)) return false;
        value = token.Bits != 0;
        return true;
    }

    /// <summary>Reads an integer of -2^63 to 2^63 - 1, in any of its forms.</summary>
    public bool TryReadInt64(out long value)
    {
        if (_at < _bytes.Length && _bytes[_at] <= 0x7f && _error.IsNone)
        {
            value = _bytes[_at++];
            return true;
        }
        value = 0;
        var start = _at;
        if (!TryReadToken(MsgPackType.Integer, "expected an integer", out var token)) return false;
        if (!token.IsNegative && token.Bits > long.MaxValue) return FailAt("the integer is over 2^63 - 1", start);
        value = (long)token.Bits;
        return true;
    }

    /// <summary>Reads an integer of 0 to 2^64 - 1, in any of its forms.</summary>
    public bool TryReadUInt64(out ulong value)
    {
        value = 0;
        var start = _at;
        if (!TryReadToken(MsgPackType.Integer, "expected an integer", out var token)) return false;
        if (token.IsNegative) return FailAt("the integer is negative", start);
        value = token.Bits;
        return true;
    }

    /// <summary>Reads an integer of a range.</summary>
    /// <param name="min">Smallest allowed.</param>
    /// <param name="max">Largest allowed.</param>
    /// <param name="value">The integer.</param>
    public bool TryReadInt64(long min, long max, out long value)
    {
        var start = _at;
        if (!TryReadInt64(out value)) return false;
        return value >= min && value <= max || FailAt("the integer is out of range", start);
    }

    /// <summary>Reads a float of 32 or 64 bits; an integer is none.</summary>
    public bool TryReadDouble(out double value)
    {
        value = 0;
        if (!TryReadToken(MsgPackType.Float, "expected a float", out var token)) return false;
        value = BitConverter.UInt64BitsToDouble(token.Bits);
        return true;
    }

    /// <summary>Reads text as its UTF-8 bytes, a slice of the input. Bytes that are not valid UTF-8 are an error.</summary>
    public bool TryReadStringBytes(out ReadOnlySpan<byte> value)
    {
        var start = _at;
        return TryReadUncheckedString(out value) && (Utf8.IsValid(value) || FailAt("invalid UTF-8", start));
    }

    /// <summary>Reads text.</summary>
    public bool TryReadString(out string value)
    {
        value = "";
        if (!TryReadStringBytes(out var bytes)) return false;
        value = Encoding.UTF8.GetString(bytes);
        return true;
    }

    /// <summary>Reads text that repeats from message to message.</summary>
    internal bool TryReadString(TextCache texts, out string value)
    {
        value = "";
        var start = _at;
        return TryReadUncheckedString(out var bytes) && (texts.TryGet(bytes, out value) || FailAt("invalid UTF-8", start));
    }

    /// <summary>Moves past these very bytes, if they are next.</summary>
    internal bool TryTake(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || !_bytes[_at..].StartsWith(bytes) || !_error.IsNone) return false;
        _at += bytes.Length;
        return true;
    }

    /// <summary>For names that are compared with known ASCII text at once.</summary>
    internal bool TryReadUncheckedString(out ReadOnlySpan<byte> value)
    {
        value = default;
        if (_at < _bytes.Length && (uint)(_bytes[_at] - 0xa0) <= 31 && _error.IsNone)
        {
            var length = _bytes[_at] & 31;
            if (length > _bytes.Length - _at - 1) return Fail("truncated: a length goes past the end");
            value = _bytes.Slice(_at + 1, length);
            _at += 1 + length;
            return true;
        }
        if (!TryReadToken(MsgPackType.String, "expected a string", out var token)) return false;
        value = _bytes.Slice(token.Start, token.Length);
        return true;
    }

    /// <summary>Reads bytes, a slice of the input.</summary>
    public bool TryReadBinary(out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!TryReadToken(MsgPackType.Binary, "expected binary", out var token)) return false;
        value = _bytes.Slice(token.Start, token.Length);
        return true;
    }

    /// <summary>Reads bytes of an exact length.</summary>
    public bool TryReadBinary(int length, out ReadOnlySpan<byte> value)
    {
        var start = _at;
        return TryReadBinary(out value) && (value.Length == length || FailAt("binary of the wrong length", start));
    }

    /// <summary>Reads the header of an array; its elements follow.</summary>
    /// <param name="count">Elements; never more than bytes are left.</param>
    public bool TryReadArrayHeader(out int count)
    {
        count = 0;
        if (!TryReadToken(MsgPackType.Array, "expected an array", out var token)) return false;
        count = token.Length;
        return true;
    }

    /// <summary>Reads the header of a map; key, value, key, value… follow.</summary>
    /// <param name="count">Pairs; never more than half the bytes that are left.</param>
    public bool TryReadMapHeader(out int count)
    {
        count = 0;
        if (!TryReadToken(MsgPackType.Map, "expected a map", out var token)) return false;
        count = token.Length;
        return true;
    }

    /// <summary>Reads an extension: its type number and bytes, a slice of the input.</summary>
    public bool TryReadExtension(out sbyte type, out ReadOnlySpan<byte> value)
    {
        type = 0;
        value = default;
        if (!TryReadToken(MsgPackType.Extension, "expected an extension", out var token)) return false;
        type = token.Extension;
        value = _bytes.Slice(token.Start, token.Length);
        return true;
    }

    /// <summary>Reads a timestamp (extension -1 of 4, 8 or 12 bytes), cut to whole microseconds.</summary>
    public bool TryReadTimestamp(out Timestamp value)
    {
        value = default;
        var start = _at;
        if (!TryReadExtension(out var type, out var bytes)) return false;
        return type == MsgPackTime.ExtensionType
            ? MsgPackTime.TryRead(bytes, out value) || FailAt("not a timestamp of 4, 8 or 12 bytes in the years 1 to 9999", start)
            : FailAt("expected a timestamp (extension -1)", start);
    }

    // What is of another kind stays where it is: the error points at it.
    private bool TryReadToken(MsgPackType type, string expected, out MsgPackToken token)
    {
        var start = _at;
        if (!TryReadToken(out token)) return false;
        if (token.Type == type) return true;
        _at = start;
        return Fail(expected);
    }
}
