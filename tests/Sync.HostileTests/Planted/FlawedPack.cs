using System.Text;

namespace Sync.HostileTests.Planted;

/// <summary>What is wrong with a reader.</summary>
internal enum Flaw
{
    /// <summary>Nesting is not counted.</summary>
    NoDepth,

    /// <summary>Room is made for what a header says, before it is compared with what is there.</summary>
    TrustsCount,

    /// <summary>What follows the value is not looked at.</summary>
    IgnoresRest,

    /// <summary>A key may come twice.</summary>
    IgnoresTwins,

    /// <summary>Text is not checked.</summary>
    IgnoresUtf8,

    /// <summary>A cut header is read on behind the end.</summary>
    ReadsBehindEnd,

    /// <summary>Deep nesting costs time out of proportion.</summary>
    IsSlow,
}

/// <summary>A reader of MessagePack with one flaw, sound in everything else that a planted test needs.</summary>
internal sealed class FlawedPack(Flaw flaw, byte[] bytes)
{
    private static readonly UTF8Encoding Strict = new(false, true);
    private int _at;

    public string? Check()
    {
        if (!IsValue(0)) return "not sound";
        return _at == bytes.Length || flaw == Flaw.IgnoresRest ? null : "trailing";
    }

    private bool IsValue(int depth)
    {
        if (_at >= bytes.Length) return false;
        int first = bytes[_at++];
        if (flaw == Flaw.IsSlow && depth == 40) Spin();
        switch (first)
        {
            case <= 0x7f or >= 0xe0 or 0xc0 or 0xc2 or 0xc3: return true;
            case <= 0x8f: return AreItems((first & 15) * 2, true, depth);
            case <= 0x9f: return AreItems(first & 15, false, depth);
            case <= 0xbf: return IsText(first & 31);
            case >= 0xc4 and <= 0xc6: return TryNumber(1 << (first - 0xc4), out var binary) && Skip(binary);
            case >= 0xc7 and <= 0xc9: return TryNumber(1 << (first - 0xc7), out var extension) && IsExtension(extension);
            case 0xca: return Skip(4);
            case 0xcb: return Skip(8);
            case >= 0xcc and <= 0xd3: return Skip(1 << ((first - 0xcc) % 4));
            case >= 0xd4 and <= 0xd8: return IsExtension(1 << (first - 0xd4));
            case >= 0xd9 and <= 0xdb: return TryNumber(1 << (first - 0xd9), out var text) && IsText(text);
            case 0xdc or 0xdd: return TryNumber(2 << (first - 0xdc), out var list) && AreItems(list, false, depth);
            case 0xde or 0xdf: return TryNumber(2 << (first - 0xde), out var map) && AreItems(map * 2, true, depth);
            default: return false;
        }
    }

    private bool AreItems(long count, bool isMap, int depth)
    {
        if (depth == 64 && flaw != Flaw.NoDepth) return false;
        if (flaw == Flaw.TrustsCount) GC.KeepAlive(new byte[Math.Min(count, 64 << 20)]);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        for (long index = 0; index < count; index++)
        {
            var start = _at;
            if (!IsValue(depth + 1)) return false;
            if (!isMap || index % 2 == 1) continue;
            if (bytes[start] is >= 0x80 and <= 0x9f or >= 0xdc and <= 0xdf) return false;
            if (!keys.Add(Convert.ToHexString(bytes, start, _at - start)) && flaw != Flaw.IgnoresTwins) return false;
        }
        return true;
    }

    private bool IsText(long length)
    {
        var start = _at;
        if (!Skip(length)) return false;
        try
        {
            if (flaw != Flaw.IgnoresUtf8) Strict.GetCharCount(bytes, start, (int)length);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    private bool IsExtension(long length) => Skip(1) && Skip(length);

    private bool Skip(long count)
    {
        if (count > bytes.Length - _at) return false;
        _at += (int)count;
        return true;
    }

    private bool TryNumber(int size, out long number)
    {
        number = 0;
        if (flaw != Flaw.ReadsBehindEnd && size > bytes.Length - _at) return false;
        for (; size > 0; size--) number = (number << 8) | bytes[_at++];
        return true;
    }

    private static void Spin()
    {
        var sum = 0L;
        for (var step = 0L; step < 1L << 28; step++) sum += step;
        GC.KeepAlive(sum);
    }
}
