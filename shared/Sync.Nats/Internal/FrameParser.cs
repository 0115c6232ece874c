namespace Sync.Nats.Internal;

internal enum ServerOp
{
    Message,
    Ping,
    Pong,
    Ok,
    Error,
    Info,
}

/// <summary>One frame of the server; the spans point into the read buffer.</summary>
internal ref struct ServerFrame
{
    public ServerOp Op;
    public long Sid;
    public ReadOnlySpan<byte> Subject;
    public ReadOnlySpan<byte> ReplyTo;
    public ReadOnlySpan<byte> Headers;
    public ReadOnlySpan<byte> Payload;

    /// <summary>What follows -ERR or INFO.</summary>
    public ReadOnlySpan<byte> Text;
}

internal enum ParseStatus
{
    Complete,
    NeedMore,
    Invalid,
}

internal readonly record struct ParserLimits(int ControlLine, int Info, int Message, int Headers);

/// <summary>
/// Reads one frame from the beginning of the buffered bytes, in place and without state: the same bytes, whole or in
/// pieces of one, give the same frames. Lengths are checked against limits before anything waits for them.
/// <code>
/// MSG  subject sid [reply] size CRLF payload CRLF
/// HMSG subject sid [reply] headers-size total-size CRLF headers payload CRLF
/// PING CRLF | PONG CRLF | +OK CRLF | -ERR 'text' CRLF | INFO {json} CRLF
/// </code>
/// </summary>
internal static class FrameParser
{
    /// <param name="input">Buffered bytes.</param>
    /// <param name="limits">Largest sizes accepted.</param>
    /// <param name="frame">The frame, if complete.</param>
    /// <param name="count">Complete: bytes of the frame. NeedMore: bytes that have to be there before a new try makes
    /// sense.</param>
    public static ParseStatus TryRead(ReadOnlySpan<byte> input, in ParserLimits limits, out ServerFrame frame,
        out int count)
    {
        frame = default;
        count = 0;
        var lf = input.IndexOf((byte)'\n');
        if (lf < 0)
            return Incomplete(input, limits, out count);
        if (lf == 0 || input[lf - 1] != '\r' || lf > limits.Info)
            return ParseStatus.Invalid;

        var line = input[..(lf - 1)];
        count = lf + 1;
        switch (line.IsEmpty ? (byte)0 : line[0])
        {
            case (byte)'M' when line.StartsWith("MSG "u8) && lf <= limits.ControlLine:
                return ReadMessage(input, line[4..], hasHeaders: false, limits, ref frame, ref count);
            case (byte)'H' when line.StartsWith("HMSG "u8) && lf <= limits.ControlLine:
                return ReadMessage(input, line[5..], hasHeaders: true, limits, ref frame, ref count);
            case (byte)'P' when line.SequenceEqual("PING"u8):
                frame.Op = ServerOp.Ping;
                return ParseStatus.Complete;
            case (byte)'P' when line.SequenceEqual("PONG"u8):
                frame.Op = ServerOp.Pong;
                return ParseStatus.Complete;
            case (byte)'+' when line.SequenceEqual("+OK"u8):
                frame.Op = ServerOp.Ok;
                return ParseStatus.Complete;
            case (byte)'-' when line.StartsWith("-ERR"u8):
                frame.Op = ServerOp.Error;
                frame.Text = line[4..].Trim(" '"u8);
                return ParseStatus.Complete;
            case (byte)'I' when line.StartsWith("INFO "u8):
                frame.Op = ServerOp.Info;
                frame.Text = line[5..];
                return ParseStatus.Complete;
            default:
                return ParseStatus.Invalid;
        }
    }

    // No line end yet. The first byte tells which limit counts, and refuses what cannot become a frame.
    private static ParseStatus Incomplete(ReadOnlySpan<byte> input, in ParserLimits limits, out int count)
    {
        count = input.Length + 1;
        if (input.IsEmpty)
            return ParseStatus.NeedMore;
        var max = input[0] switch
        {
            (byte)'I' => limits.Info,
            (byte)'M' or (byte)'H' or (byte)'-' => limits.ControlLine,
            (byte)'P' or (byte)'+' => 8,
            _ => 0,
        };
        return input.Length > max ? ParseStatus.Invalid : ParseStatus.NeedMore;
    }

    private static ParseStatus ReadMessage(
        ReadOnlySpan<byte> input, ReadOnlySpan<byte> rest, bool hasHeaders, in ParserLimits limits,
        ref ServerFrame frame, ref int count)
    {
        frame.Op = ServerOp.Message;
        if (!TryToken(ref rest, out frame.Subject) || !TryToken(ref rest, out var sid)
            || !TryNumber(sid, 18, out frame.Sid))
            return ParseStatus.Invalid;

        // What is left: [reply] size, or [reply] headers-size total-size.
        long headers = 0;
        var numbers = hasHeaders ? 2 : 1;
        if (rest.Count((byte)' ') == numbers && !TryToken(ref rest, out frame.ReplyTo))
            return ParseStatus.Invalid;
        if (hasHeaders && (!TryToken(ref rest, out var headerSize) || !TryNumber(headerSize, 9, out headers)))
            return ParseStatus.Invalid;
        if (!TryNumber(rest, 9, out var total) || headers > total || total > limits.Message || headers > limits.Headers)
            return ParseStatus.Invalid;

        var start = count;
        count += (int)total + 2;
        if (input.Length < count)
            return ParseStatus.NeedMore;
        if (input[count - 2] != '\r' || input[count - 1] != '\n')
            return ParseStatus.Invalid;
        frame.Headers = input.Slice(start, (int)headers);
        frame.Payload = input.Slice(start + (int)headers, (int)(total - headers));
        return ParseStatus.Complete;
    }

    private static bool TryToken(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> token)
    {
        var space = rest.IndexOf((byte)' ');
        token = space > 0 ? rest[..space] : default;
        rest = space > 0 ? rest[(space + 1)..] : rest;
        return space > 0;
    }

    private static bool TryNumber(ReadOnlySpan<byte> digits, int digitsMax, out long value)
    {
        value = 0;
        if (digits.IsEmpty || digits.Length > digitsMax)
            return false;
        foreach (var digit in digits)
        {
            var d = (uint)(digit - '0');
            if (d > 9)
                return false;
            value = (value * 10) + d;
        }

        return true;
    }
}
