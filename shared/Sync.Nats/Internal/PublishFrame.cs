using System.Buffers.Text;
using System.Text;

namespace Sync.Nats.Internal;

/// <summary>A publish on its way into the send buffer: names are checked, nothing is copied yet.
/// <code>PUB subject [reply] size CRLF payload CRLF | HPUB subject [reply] headers-size total-size CRLF headers
/// payload CRLF</code>
/// </summary>
internal readonly ref struct PublishFrame(
    ReadOnlySpan<char> subject, ReadOnlySpan<char> replyTo, NatsHeaders? headers, ReadOnlySpan<byte> payload)
{
    // Opcode, spaces, two numbers of at most ten digits, two line ends.
    private const int Overhead = 40;
    private readonly ReadOnlySpan<char> _subject = subject;
    private readonly ReadOnlySpan<char> _replyTo = replyTo;
    private readonly NatsHeaders? _headers = headers;
    private readonly ReadOnlySpan<byte> _payload = payload;

    /// <summary>What counts against the server's max_payload.</summary>
    public long BodyBytes => (long)(_headers?.EncodedLength ?? 0) + _payload.Length;

    public int ControlLineBytes => Overhead + _subject.Length + _replyTo.Length;

    /// <summary>Room that <see cref="WriteTo"/> needs at most. Bodies are bounded by max_payload before.</summary>
    public int SizeMax => ControlLineBytes + (int)BodyBytes;

    public int WriteTo(Span<byte> d)
    {
        var at = _headers is null ? Put(d, 0, "PUB "u8) : Put(d, 0, "HPUB "u8);
        Ascii.FromUtf16(_subject, d[at..], out var written);
        at += written;
        d[at++] = (byte)' ';
        if (!_replyTo.IsEmpty)
        {
            Ascii.FromUtf16(_replyTo, d[at..], out written);
            at += written;
            d[at++] = (byte)' ';
        }

        if (_headers is not null)
        {
            at = PutNumber(d, at, _headers.EncodedLength);
            d[at++] = (byte)' ';
        }

        at = PutNumber(d, at, (int)BodyBytes);
        d[at++] = (byte)'\r';
        d[at++] = (byte)'\n';
        if (_headers is not null)
            at += _headers.WriteTo(d[at..]);
        _payload.CopyTo(d[at..]);
        at += _payload.Length;
        d[at++] = (byte)'\r';
        d[at++] = (byte)'\n';
        return at;
    }

    private static int Put(Span<byte> d, int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(d[at..]);
        return at + bytes.Length;
    }

    private static int PutNumber(Span<byte> d, int at, int number)
    {
        Utf8Formatter.TryFormat(number, d[at..], out var written);
        return at + written;
    }
}
