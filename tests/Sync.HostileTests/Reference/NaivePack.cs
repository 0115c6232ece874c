namespace Sync.HostileTests.Reference;

/// <summary>A second reading of MessagePack, written from the format's description alone: recursive, without any care for
/// speed or memory. Only for inputs of a few kilobytes.</summary>
internal ref struct NaivePack
{
    /// <summary>Deepest nesting; a scalar has depth 0.</summary>
    public const int DepthMax = 64;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly bool _checksText;
    private readonly int _depthMax;
    private readonly List<(int Start, int End)>? _parts;
    private readonly int _partsMax;
    private int _at;

    private NaivePack(ReadOnlySpan<byte> bytes, bool checksText, int depthMax, List<(int Start, int End)>? parts = null, int partsMax = 0)
    {
        _bytes = bytes;
        (_checksText, _depthMax, _parts, _partsMax) = (checksText, depthMax, parts, partsMax);
    }

    /// <summary>The value; null when the bytes are not exactly one.</summary>
    /// <param name="bytes">The input.</param>
    /// <param name="checksText">Text must be UTF-8, and a timestamp a time.</param>
    /// <param name="depthMax">Deepest nesting: of a message, its own levels on top of those of a value in it.</param>
    public static Node? Read(ReadOnlySpan<byte> bytes, bool checksText, int depthMax = DepthMax)
    {
        var reader = new NaivePack(bytes, checksText, depthMax);
        var node = reader.Value(0);
        return reader._at == bytes.Length ? node : null;
    }

    /// <summary>Finds where values start and end, as far as the bytes make sense.</summary>
    public static void Find(ReadOnlySpan<byte> bytes, List<(int Start, int End)> parts, int partsMax) =>
        new NaivePack(bytes, checksText: false, DepthMax * 4, parts, partsMax).Value(0);

    private Node? Value(int depth)
    {
        var start = _at;
        var node = Any(depth);
        if (node is not null && _parts is not null && _parts.Count < _partsMax) _parts.Add((start, _at));
        return node;
    }

    private Node? Any(int depth)
    {
        if (_at >= _bytes.Length) return null;
        int first = _bytes[_at++];
        if (first <= 0x7f) return new Node { Kind = Kind.Integer, Number = first };
        if (first >= 0xe0) return new Node { Kind = Kind.Integer, Number = first - 256 };
        if (first <= 0x8f) return Items(Kind.Map, (first & 15) * 2, depth);
        if (first <= 0x9f) return Items(Kind.List, first & 15, depth);
        if (first <= 0xbf) return Bytes(Kind.Text, first & 31);
        switch (first)
        {
            case 0xc0: return new Node { Kind = Kind.Nil };
            case 0xc2 or 0xc3: return new Node { Kind = Kind.Boolean, Number = first - 0xc2 };
            case 0xc4 or 0xc5 or 0xc6: return Unsigned(1 << (first - 0xc4)) is { } size ? Bytes(Kind.Binary, size) : null;
            case 0xc7 or 0xc8 or 0xc9: return Unsigned(1 << (first - 0xc7)) is { } length ? Extension(length) : null;
            case 0xca: return Unsigned(4) is { } single ? Float(BitConverter.UInt32BitsToSingle((uint)single)) : null;
            case 0xcb: return Unsigned(8) is { } full ? Float(BitConverter.UInt64BitsToDouble((ulong)full)) : null;
            case 0xcc or 0xcd or 0xce or 0xcf: return Integer(Unsigned(1 << (first - 0xcc)));
            case 0xd0 or 0xd1 or 0xd2 or 0xd3: return Signed(1 << (first - 0xd0));
            case >= 0xd4 and <= 0xd8: return Extension(1 << (first - 0xd4));
            case 0xd9 or 0xda or 0xdb: return Unsigned(1 << (first - 0xd9)) is { } text ? Bytes(Kind.Text, text) : null;
            case 0xdc or 0xdd: return Unsigned(2 << (first - 0xdc)) is { } list ? Items(Kind.List, list, depth) : null;
            case 0xde or 0xdf: return Unsigned(2 << (first - 0xde)) is { } map ? Items(Kind.Map, map * 2, depth) : null;
            default: return null;
        }
    }

    private Node? Items(Kind kind, Int128 count, int depth)
    {
        if (depth == _depthMax) return null;
        var node = new Node { Kind = kind };
        for (; count > 0; count--)
        {
            if (Value(depth + 1) is not { } item) return null;
            // A key is a scalar.
            if (kind == Kind.Map && node.Items.Count % 2 == 0 && _checksText && item.Kind is Kind.List or Kind.Map) return null;
            node.Items.Add(item);
        }
        return node;
    }

    private Int128? Unsigned(int size)
    {
        if (_bytes.Length - _at < size) return null;
        Int128 number = 0;
        for (; size > 0; size--) number = (number << 8) | _bytes[_at++];
        return number;
    }

    private static Node? Integer(Int128? number) =>
        number is { } known ? new Node { Kind = Kind.Integer, Number = known } : null;

    private Node? Signed(int size)
    {
        if (Unsigned(size) is not { } number) return null;
        var limit = Int128.One << ((size * 8) - 1);
        return new Node { Kind = Kind.Integer, Number = number >= limit ? number - (limit << 1) : number };
    }

    private static Node Float(double value) => new() { Kind = Kind.Float, Real = value };

    private Node? Bytes(Kind kind, Int128 length)
    {
        if (length > _bytes.Length - _at) return null;
        var bytes = _bytes.Slice(_at, (int)length).ToArray();
        _at += (int)length;
        if (kind == Kind.Text && _checksText && !NaiveUtf8.IsValid(bytes)) return null;
        return new Node { Kind = kind, Bytes = bytes };
    }

    private Node? Extension(Int128 length)
    {
        if (Unsigned(1) is not { } type || Bytes(Kind.Extension, length) is not { } content) return null;
        var node = new Node { Kind = Kind.Extension, Number = (sbyte)(byte)type, Bytes = content.Bytes };
        return _checksText && node.Number == -1 && !IsTime(content.Bytes) ? null : node;
    }

    // 4 bytes of seconds; 30 bits of nanoseconds and 34 of seconds; 4 bytes of nanoseconds and 8 of seconds. Years 1 to 9999.
    private static bool IsTime(byte[] bytes)
    {
        Int128 all = 0;
        foreach (var value in bytes) all = (all << 8) | value;
        if (bytes.Length == 4) return true;
        if (bytes.Length == 8) return (all >> 34) < 1_000_000_000;
        if (bytes.Length != 12) return false;
        var seconds = all & ((Int128.One << 64) - 1);
        if (seconds >= Int128.One << 63) seconds -= Int128.One << 64;
        return (all >> 64) < 1_000_000_000 && seconds >= -62_135_596_800 && seconds < 253_402_300_800;
    }
}
