using System.Buffers;

namespace Sync.Writer.Batch;

/// <summary>Cuts a stream of bytes into lines without copying, and skips a line that is over the limit instead of
/// keeping it.
/// <code>
/// {"vault":"a",…}\n{"vault":"b",…}\r\n\n{"va…
/// └── line ──────┘ └── line ──────┘   │ └ rest, until more comes or the stream ends
///                                     └ blank: skipped
/// </code></summary>
internal struct LineFrames(int lineBytesMax)
{
    private bool _skipping;

    /// <summary>The next line of the buffer.</summary>
    /// <param name="buffer">What is there; cut at the front by what was taken.</param>
    /// <param name="ended">True when nothing follows: the rest is a line too.</param>
    /// <param name="line">Without its end. Empty and <paramref name="tooLong"/> for a line over the limit.</param>
    /// <param name="tooLong">True for a line that was skipped.</param>
    /// <returns>False when more bytes are needed, or everything is read.</returns>
    public bool TryRead(ref ReadOnlySequence<byte> buffer, bool ended, out ReadOnlySequence<byte> line,
        out bool tooLong)
    {
        tooLong = false;
        while (!buffer.IsEmpty)
        {
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                line = buffer.Slice(0, end);
                buffer = buffer.Slice(buffer.GetPosition(1, end));
            }
            else if (ended)
            {
                line = buffer;
                buffer = buffer.Slice(buffer.End);
            }
            else if (buffer.Length > lineBytesMax)
            {
                // Its end is not in sight: forget it now, and answer for it when the end comes.
                _skipping = true;
                buffer = buffer.Slice(buffer.End);
                break;
            }
            else
            {
                break;
            }
            if (_skipping || line.Length > lineBytesMax)
            {
                _skipping = false;
                tooLong = true;
                line = default;
                return true;
            }
            if (!IsBlank(line)) return true;
        }
        line = default;
        if (!ended || !_skipping) return false;
        _skipping = false;
        tooLong = true;
        return true;
    }

    private static bool IsBlank(ReadOnlySequence<byte> line)
    {
        foreach (var part in line)
            if (part.Span.ContainsAnyExcept((byte)' ', (byte)'\t', (byte)'\r')) return false;
        return true;
    }
}
