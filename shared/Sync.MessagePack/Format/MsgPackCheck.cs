using System.Runtime.CompilerServices;
using System.Text.Unicode;

namespace Sync.MessagePack;

/// <summary>Checks that some bytes are one sound value: nothing cut, nothing behind it, no key twice in a map, text in valid
/// UTF-8, within the limits. What passes can be kept and sent to anybody. Map keys may be of any scalar kind.</summary>
public static class MsgPackCheck
{
    private struct Frame
    {
        public int Left;
        public int Mark;
        public bool IsMap;
    }

    /// <summary>Checks one value. Allocates nothing (large maps use pooled memory, bounded by the limits).</summary>
    /// <param name="value">Exactly one value.</param>
    /// <param name="limits">The limits; null = <see cref="MsgPackLimits.Default"/>.</param>
    /// <returns>Null when sound, else what is wrong and where.</returns>
    public static MsgPackError? Check(ReadOnlySpan<byte> value, MsgPackLimits? limits = null)
    {
        limits ??= MsgPackLimits.Default;
        return Walk(value, limits);
    }

    [SkipLocalsInit]
    private static MsgPackError? Walk(ReadOnlySpan<byte> value, MsgPackLimits limits)
    {
        scoped var reader = new MsgPackReader(value, limits.ItemsMax);
        Span<Frame> frames = stackalloc Frame[MsgPackReader.DepthMax];
        Span<MapKey> initial = stackalloc MapKey[KeyGuard.InitialCount];
        var keys = new KeyGuard(initial, limits.MapKeysMax);
        try
        {
            WalkItems(ref reader, frames[..Math.Clamp(limits.DepthMax, 0, frames.Length)], ref keys);
            reader.TryEnd();
            return reader.Error.IsNone ? null : reader.Error;
        }
        finally
        {
            keys.Dispose();
        }
    }

    private static void WalkItems(ref MsgPackReader reader, scoped Span<Frame> frames, scoped ref KeyGuard keys)
    {
        var depth = 0;
        do
        {
            var isKey = depth > 0 && frames[depth - 1] is { IsMap: true } map && (map.Left & 1) == 0;
            if (depth > 0) frames[depth - 1].Left--;
            var start = reader.Offset;
            if (!reader.TryReadToken(out var token) || !IsSoundScalar(ref reader, token, start)) return;
            var isContainer = token.Type is MsgPackType.Array or MsgPackType.Map;
            if (isKey)
            {
                if (isContainer) reader.FailAt("a map key is an array or a map", start);
                else if (!keys.TryAdd(MapKey.Of(token, reader.Bytes))) reader.FailAt("too many map keys", start);
                if (!reader.Error.IsNone) return;
            }
            else if (isContainer)
            {
                if (depth == frames.Length)
                {
                    reader.FailAt("nested too deep", start);
                    return;
                }
                var isMap = token.Type == MsgPackType.Map;
                frames[depth++] = new Frame { IsMap = isMap, Left = isMap ? token.Length * 2 : token.Length, Mark = keys.Mark };
            }
            for (; depth > 0 && frames[depth - 1].Left == 0; depth--)
            {
                var closed = frames[depth - 1];
                if (!closed.IsMap || keys.TryClose(closed.Mark, reader.Bytes, out var duplicate)) continue;
                reader.FailAt("duplicate map key", duplicate.Offset);
                return;
            }
        }
        while (depth > 0);
    }

    private static bool IsSoundScalar(ref MsgPackReader reader, in MsgPackToken token, int start) => token.Type switch
    {
        MsgPackType.String => Utf8.IsValid(reader.Bytes.Slice(token.Start, token.Length)) || reader.FailAt("invalid UTF-8", start),
        MsgPackType.Extension when token.Extension == MsgPackTime.ExtensionType =>
            MsgPackTime.TryRead(reader.Bytes.Slice(token.Start, token.Length), out _)
            || reader.FailAt("not a timestamp of 4, 8 or 12 bytes in the years 1 to 9999", start),
        _ => true,
    };
}
