using System.Text;

namespace Sync.Nats;

/// <summary>The header block of a received message, read in place: nothing is allocated until a value is asked for.
/// Lines that are no header are skipped. Valid as long as the message view that it comes from.</summary>
public readonly ref struct NatsHeadersView
{
    private readonly ReadOnlySpan<byte> _block;

    internal NatsHeadersView(ReadOnlySpan<byte> block) => _block = block;

    /// <summary>True if the message has no headers.</summary>
    public bool IsEmpty => _block.IsEmpty;

    /// <summary>Status in the first line (503 = no responders); 0 if there is none.</summary>
    public int Status
    {
        get
        {
            var line = FirstLine(_block);
            // "NATS/1.0 503 text"
            return line.Length >= 12 && line[8] == ' '
                && System.Buffers.Text.Utf8Parser.TryParse(line[9..12], out int code, out var used)
                && used == 3 ? code : 0;
        }
    }

    /// <summary>First value under the name, trimmed.</summary>
    /// <param name="name">Name in ASCII, case-sensitive.</param>
    /// <param name="value">The value's bytes, or empty.</param>
    /// <returns>True if there is one.</returns>
    public bool TryGetValue(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        var rest = _block[FirstLine(_block).Length..];
        while (TryReadPair(ref rest, out var key, out value))
        {
            if (key.SequenceEqual(name))
                return true;
        }

        value = default;
        return false;
    }

    /// <summary>All headers as an object that outlives the callback; null if there are none.</summary>
    /// <returns>A copy.</returns>
    public NatsHeaders? ToHeaders()
    {
        if (_block.IsEmpty)
            return null;
        var headers = new NatsHeaders { Status = Status };
        var rest = _block[FirstLine(_block).Length..];
        while (TryReadPair(ref rest, out var key, out var value))
            headers.AddReceived(Encoding.UTF8.GetString(key), Encoding.UTF8.GetString(value));
        return headers;
    }

    private static ReadOnlySpan<byte> FirstLine(ReadOnlySpan<byte> block)
    {
        var end = block.IndexOf("\r\n"u8);
        return end < 0 ? block : block[..end];
    }

    private static bool TryReadPair(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> name,
        out ReadOnlySpan<byte> value)
    {
        while (rest.StartsWith("\r\n"u8))
        {
            rest = rest[2..];
            var line = FirstLine(rest);
            rest = rest[line.Length..];
            var colon = line.IndexOf((byte)':');
            // A lone CR or LF would be a line end to others.
            if (colon > 0 && !line.ContainsAny("\r\n\0"u8))
            {
                name = line[..colon];
                value = line[(colon + 1)..].Trim(" \t"u8);
                return true;
            }
        }

        name = value = default;
        return false;
    }
}
