namespace Sync.Tests.MessagePack;

/// <summary>Damages bytes, from a seed: flips, cuts, repeats, splices, and the bytes that headers are made of.</summary>
internal sealed class Mutator(IReadOnlyList<byte[]> corpus, int seed)
{
    private const int LengthMax = 4096;

    private static readonly byte[] Telling =
    [
        0x00, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xa1, 0xbf, 0xc0, 0xc1, 0xc2, 0xc4, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcc, 0xcf,
        0xd0, 0xd3, 0xd4, 0xd6, 0xd8, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff, (byte)'"', (byte)'{', (byte)'[', (byte)'\\', (byte)'-',
    ];

    private readonly Random _random = new(seed);
    private readonly byte[] _buffer = new byte[LengthMax];

    /// <summary>The next damaged bytes; valid until the next call.</summary>
    public ReadOnlySpan<byte> Next()
    {
        var from = Pick();
        var length = Math.Min(from.Length, LengthMax);
        from.AsSpan(0, length).CopyTo(_buffer);
        for (var steps = 1 + _random.Next(4); steps > 0; steps--) length = Damage(length);
        return _buffer.AsSpan(0, length);
    }

    private int Damage(int length)
    {
        var at = length == 0 ? 0 : _random.Next(length);
        var span = length == 0 ? 0 : 1 + _random.Next(Math.Min(16, length - at));
        switch (_random.Next(9))
        {
            case 0 when length > 0: _buffer[at] ^= (byte)(1 << _random.Next(8)); return length;
            case 1 when length > 0: _buffer[at] = Telling[_random.Next(Telling.Length)]; return length;
            case 2 when length > 0: _buffer[at] = (byte)_random.Next(256); return length;
            case 3: return at;
            case 4 when length > 0:
                _buffer.AsSpan((at + span)..length).CopyTo(_buffer.AsSpan(at));
                return length - span;
            case 5 when length > 0 && length + span <= LengthMax:
                _buffer.AsSpan(at..length).CopyTo(_buffer.AsSpan(at + span));
                return length + span;
            case 6 when length > 0: _buffer.AsSpan(at, span).Fill((byte)(_random.Next(2) * 255)); return length;
            case 7:
                var other = Pick();
                var taken = Math.Min(other.Length, Math.Min(64, LengthMax - at));
                other.AsSpan(_random.Next(other.Length - taken + 1), taken).CopyTo(_buffer.AsSpan(at));
                return Math.Max(length, at + taken);
            default:
                if (length < LengthMax) _buffer[length++] = Telling[_random.Next(Telling.Length)];
                return length;
        }
    }

    private byte[] Pick() => corpus[_random.Next(corpus.Count)];
}
