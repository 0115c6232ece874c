using System.Runtime.CompilerServices;

namespace Sync.MessagePack;

public ref partial struct MsgPackReader
{
    /// <summary>Moves past one value of any kind, however nested, with a stack of its own instead of recursion. Structure is
    /// checked (lengths, type bytes, depth); text and duplicate keys are not: <see cref="MsgPackCheck"/> does that.</summary>
    /// <param name="depthMax">Deepest nesting of arrays and maps within the value, at most <see cref="DepthMax"/>.</param>
    public bool TrySkip(int depthMax = DepthMax)
    {
        if (!TryReadToken(out var token)) return false;
        return token.Type is not (MsgPackType.Array or MsgPackType.Map) || TrySkipItems(token, depthMax);
    }

    /// <summary>Moves past one value and gives its bytes, a slice of the input.</summary>
    public bool TryReadRaw(out ReadOnlySpan<byte> value, int depthMax = DepthMax)
    {
        var start = _at;
        value = default;
        if (!TrySkip(depthMax)) return false;
        value = _bytes[start.._at];
        return true;
    }

    [SkipLocalsInit]
    private bool TrySkipItems(MsgPackToken container, int depthMax)
    {
        // left[depth - 1] = elements still to come of the container at that depth.
        Span<int> left = stackalloc int[DepthMax];
        depthMax = Math.Min(depthMax, DepthMax);
        if (depthMax < 1) return Fail("nested too deep");
        var depth = 1;
        left[0] = Elements(container);
        while (true)
        {
            SkipFixed(ref left[depth - 1]);
            if (left[depth - 1] == 0)
            {
                if (--depth == 0) return true;
                continue;
            }
            left[depth - 1]--;
            var start = _at;
            if (!TryReadToken(out var token)) return false;
            if (token.Type is not (MsgPackType.Array or MsgPackType.Map)) continue;
            if (depth == depthMax) return FailAt("nested too deep", start);
            left[depth++] = Elements(token);
        }
    }

    // Moves past elements whose first byte alone tells their size. What is left, also an error, is for the general way.
    private void SkipFixed(ref int left)
    {
        var bytes = _bytes;
        var at = _at;
        var sizes = FixedSizes;
        for (; left > 0 && at < bytes.Length; left--)
        {
            int size = sizes[bytes[at]];
            if (size == 0 || size > bytes.Length - at) break;
            at += size;
        }
        _at = at;
    }

    // Bytes of a value by its first byte; 0 where more must be read to know, and for containers.
    private static readonly byte[] FixedSizes = MakeFixedSizes();

    private static byte[] MakeFixedSizes()
    {
        var sizes = new byte[256];
        for (var first = 0; first < sizes.Length; first++)
            sizes[first] = first switch
            {
                <= 0x7f or >= 0xe0 or 0xc0 or 0xc2 or 0xc3 => 1,
                >= 0xa0 and <= 0xbf => (byte)(1 + (first & 31)),
                0xcc or 0xd0 => 2,
                0xcd or 0xd1 or 0xd4 => 3,
                0xd5 => 4,
                0xca or 0xce or 0xd2 => 5,
                0xd6 => 6,
                0xcb or 0xcf or 0xd3 => 9,
                0xd7 => 10,
                0xd8 => 18,
                _ => 0,
            };
        return sizes;
    }

    // A map's elements fit an int: two bytes at least for each pair were there.
    private static int Elements(in MsgPackToken token) => token.Type == MsgPackType.Map ? token.Length * 2 : token.Length;
}
