namespace Sync.MessagePack;

public ref partial struct MsgPackReader
{
    /// <summary>Moves past one value of any kind, however nested, with a stack of its own instead of recursion. Structure is
    /// checked (lengths, type bytes, depth); text and duplicate keys are not: <see cref="MsgPackCheck"/> does that.</summary>
    /// <param name="depthMax">Deepest nesting of arrays and maps within the value, at most <see cref="DepthMax"/>.</param>
    public bool TrySkip(int depthMax = DepthMax)
    {
        if (!TryReadToken(out var token)) return false;
        return token.Type < MsgPackType.Array || token.Type == MsgPackType.Extension || TrySkipItems(token, depthMax);
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

    [System.Runtime.CompilerServices.SkipLocalsInit]
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
            while (left[depth - 1] == 0)
                if (--depth == 0) return true;
            left[depth - 1]--;
            var start = _at;
            if (!TryReadToken(out var token)) return false;
            if (token.Type is not (MsgPackType.Array or MsgPackType.Map)) continue;
            if (depth == depthMax) return FailAt("nested too deep", start);
            left[depth++] = Elements(token);
        }
    }

    // A map's elements fit an int: two bytes at least for each pair were there.
    private static int Elements(in MsgPackToken token) => token.Type == MsgPackType.Map ? token.Length * 2 : token.Length;
}
