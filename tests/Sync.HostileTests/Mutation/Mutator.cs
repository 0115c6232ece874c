using System.Buffers.Binary;
using Sync.HostileTests.Run;

namespace Sync.HostileTests.Mutation;

/// <summary>Damages inputs: blind (bits, cuts, repeats), aimed (sizes in headers, whole values, words), and by splicing two.
/// Reuses one buffer.</summary>
internal sealed class Mutator(Rng random, Flavor flavor, byte[][] words)
{
    private const int LengthMax = 6 << 10;
    private const int DepthMax = 200;

    private static readonly byte[] Telling =
    [
        0x00, 0x0a, 0x0d, 0x20, 0x22, 0x25, 0x2a, 0x2d, 0x2e, 0x3e, 0x5b, 0x5c, 0x7b, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xa1, 0xbf,
        0xc0, 0xc1, 0xc2, 0xc4, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcc, 0xcf, 0xd0, 0xd3, 0xd4, 0xd6, 0xd8, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff,
    ];

    private readonly byte[] _buffer = new byte[LengthMax];
    private readonly byte[] _other = new byte[LengthMax];
    private int _length;

    /// <summary>The next damaged input; valid until the next call.</summary>
    /// <param name="pool">What to damage.</param>
    /// <param name="first">So many of them were there at the start; they are taken more often than what grew.</param>
    public ReadOnlySpan<byte> Next(List<Entry> pool, int first)
    {
        var from = pool[random.Below(random.OneIn(3) ? pool.Count : first)];
        _length = Math.Min(from.Bytes.Length, LengthMax);
        from.Bytes.AsSpan(0, _length).CopyTo(_buffer);
        // The first step knows where the values are; later ones are blind.
        if (from.Parts.Length > 0 && random.Below(3) != 0)
        {
            var (start, end) = from.Parts[random.Below(from.Parts.Length)];
            if (end <= _length) Aim(start, end, from, pool);
            if (random.Below(2) != 0) return _buffer.AsSpan(0, _length);
        }
        for (var steps = 1 + random.Below(3); steps > 0; steps--) Damage(pool);
        return _buffer.AsSpan(0, _length);
    }

    private void Aim(int start, int end, Entry from, List<Entry> pool)
    {
        switch (random.Below(8))
        {
            case 0 or 1: Replace(start, end, Word()); break;
            case 2: Replace(start, end, Piece(pool)); break;
            case 3: Replace(start, end, default); break;
            case 4: Replace(end, end, Own(start, end)); break;
            case 5 when flavor == Flavor.Packed: Lie(start); break;
            case 6 when flavor == Flavor.Packed: Bury(start); break;
            case 5: Replace(start, start, Word()); break;
            case 6: Replace(end, end, Word()); break;
            default:
                var (otherStart, otherEnd) = from.Parts[random.Below(from.Parts.Length)];
                if (otherEnd <= _length) Replace(start, end, Own(otherStart, otherEnd));
                break;
        }
    }

    private void Damage(List<Entry> pool)
    {
        var at = random.Below(_length);
        var span = _length == 0 ? 0 : 1 + random.Below(Math.Min(16, _length - at));
        switch (random.Below(11))
        {
            case 0 when _length > 0: _buffer[at] ^= (byte)(1 << random.Below(8)); break;
            case 1 when _length > 0: _buffer[at] = random.Pick(Telling); break;
            case 2 when _length > 0: _buffer[at] = (byte)random.Below(256); break;
            case 3: _length = at; break;
            case 4: Replace(at, at + span, default); break;
            case 5: Replace(at, at, Own(at, at + span)); break;
            case 6 when _length > 0: _buffer.AsSpan(at, span).Fill((byte)(random.Below(2) * 255)); break;
            case 7: Replace(at, at, Word()); break;
            case 8: Replace(at, at + span, Piece(pool)); break;
            case 9: Splice(at, pool); break;
            default: Replace(_length, _length, Word()); break;
        }
    }

    // The beginning of one input and the end of another.
    private void Splice(int at, List<Entry> pool)
    {
        var other = pool[random.Below(pool.Count)].Bytes;
        var from = random.Below(other.Length + 1);
        Replace(at, _length, other.AsSpan(from));
    }

    // A header that promises another number than what follows.
    private void Lie(int at)
    {
        var count = random.Pick(Hostile.Counts);
        var first = _buffer[at];
        if (random.OneIn(3)) count = (uint)random.Below(40);
        switch (first)
        {
            case >= 0x80 and <= 0x9f: _buffer[at] = (byte)((first & 0xf0) | (int)(count & 15)); break;
            case >= 0xa0 and <= 0xbf: _buffer[at] = (byte)(0xa0 | (int)(count & 31)); break;
            case 0xc4 or 0xc7 or 0xd9 when at + 1 < _length: _buffer[at + 1] = (byte)count; break;
            case 0xc5 or 0xc8 or 0xda or 0xdc or 0xde when at + 2 < _length:
                BinaryPrimitives.WriteUInt16BigEndian(_buffer.AsSpan(at + 1), (ushort)count);
                break;
            case 0xc6 or 0xc9 or 0xdb or 0xdd or 0xdf when at + 4 < _length:
                BinaryPrimitives.WriteUInt32BigEndian(_buffer.AsSpan(at + 1), count);
                break;
            default:
                // The same kind with a size of 32 bits.
                Span<byte> header = stackalloc byte[5];
                header[0] = random.Pick<byte>([0xc6, 0xc9, 0xdb, 0xdd, 0xdf]);
                BinaryPrimitives.WriteUInt32BigEndian(header[1..], count);
                Replace(at, at + 1, header);
                break;
        }
    }

    // Puts a value below many arrays or maps.
    private void Bury(int at)
    {
        Span<byte> layers = stackalloc byte[DepthMax * 2];
        var depth = 1 + random.Below(random.OneIn(2) ? 70 : DepthMax);
        var length = 0;
        for (; depth > 0; depth--)
        {
            var isMap = random.OneIn(3);
            layers[length++] = isMap ? (byte)0x81 : (byte)0x91;
            if (isMap) layers[length++] = 0xa0;
        }
        Replace(at, at, layers[..length]);
    }

    private ReadOnlySpan<byte> Word()
    {
        if (words.Length > 0 && random.OneIn(2)) return random.Pick(words);
        return random.Pick(flavor == Flavor.Packed ? Hostile.Values : Hostile.Words);
    }

    private ReadOnlySpan<byte> Piece(List<Entry> pool)
    {
        var other = pool[random.Below(pool.Count)];
        if (other.Parts.Length == 0) return other.Bytes;
        var (start, end) = other.Parts[random.Below(other.Parts.Length)];
        return other.Bytes.AsSpan(start, end - start);
    }

    private ReadOnlySpan<byte> Own(int start, int end)
    {
        _buffer.AsSpan(start, end - start).CopyTo(_other);
        return _other.AsSpan(0, end - start);
    }

    private void Replace(int start, int end, ReadOnlySpan<byte> with)
    {
        with = with[..Math.Min(with.Length, LengthMax - (_length - (end - start)))];
        _buffer.AsSpan(end, _length - end).CopyTo(_buffer.AsSpan(start + with.Length));
        with.CopyTo(_buffer.AsSpan(start));
        _length += with.Length - (end - start);
    }
}
