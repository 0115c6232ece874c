using System.Buffers;
using System.Text;
using Sync.HostileTests.Run;
using Sync.Nats;
using Sync.Nats.Internal;
using Sync.Transport;

namespace Sync.HostileTests.Targets;

/// <summary>What the broker sends: the same frames whole and in pieces, each of them as a second reading has it.</summary>
internal sealed class FrameTarget : Target
{
    private static readonly ParserLimits Limits = new(ControlLine: 512, Info: 4096, Message: 32 << 10, Headers: 8 << 10);

    private readonly List<string> _frames = [];
    private int _consumed;

    public override string Name => "nats-frames";

    public override int Weight => 24;

    // A buffer grows to what a header promises, within the limits.
    public override long AllocatedBase => 128 << 10;

    public override long AllocatedPerByte => 256;

    public override byte[][] Words { get; } =
    [
        .. new[]
        {
            "MSG ", "HMSG ", "PING\r\n", "PONG\r\n", "+OK\r\n", "-ERR 'Permissions Violation for Publish to \"a\"'\r\n", "INFO {}\r\n", " 5\r\nhello\r\n",
            " 0\r\n\r\n", "MSG a 1 5\r\nhello\r\n", "HMSG a 1 12 17\r\nNATS/1.0\r\n\r\nhello\r\n", "32768", "32769", "999999999", "9999999999", "000000005", "-1",
            "NATS/1.0\r\n\r\n", " ",
        }.Select(TextOf.Of),
    ];

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        "INFO {\"server_id\":\"N\",\"max_payload\":1048576,\"headers\":true,\"connect_urls\":[\"127.0.0.1:4222\",\"a:b@c:1\"]}\r\nPING\r\n",
        "MSG synced.acme._.user.123 9 5\r\nhello\r\nMSG a 1 _INBOX.x.1 0\r\n\r\n",
        "HMSG a.b 7 40 45\r\nNATS/1.0\r\ntraceparent: 00-1-2\r\nA: b\r\n\r\nhello\r\n+OK\r\nPONG\r\n",
        "HMSG a 1 _INBOX.q 30 30\r\nNATS/1.0 503 No Responders\r\n\r\n\r\n", "-ERR 'Authorization Violation'\r\n",
        "-ERR 'Permissions Violation for Subscription to \"a.>\" using queue \"q\"'\r\n", "MSG a 1 4\r\n\r\n\r\n\r\n", "MSG a 123456789012345678 1\r\nx\r\n",
    }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        _frames.Clear();
        var status = ReadAll(input, _frames, out _consumed);
        foreach (var text in _frames) Act(text);
        return status == ParseStatus.Invalid ? "invalid" : _frames.Count == 0 ? "nothing whole" : null;
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        Hold(string.Join("\r\n", NaiveFrames.Read(input, Limits)) == string.Join("\r\n", _frames), "a second reading has other frames");
        var pieces = new List<string>();
        var cut = input.Length == 0 ? 0 : 1 + (input.Length * 7 % 13);
        Hold(ReadInPieces(input.ToArray(), cut, pieces) == _consumed, "in pieces it ends elsewhere");
        Hold(Same(pieces, _frames), "in pieces it has other frames");
    }

    private static ParseStatus ReadAll(ReadOnlySpan<byte> input, List<string> frames, out int consumed)
    {
        for (consumed = 0; ;)
        {
            var status = FrameParser.TryRead(input[consumed..], Limits, out var frame, out var count);
            if (status == ParseStatus.NeedMore) Hold(count > input.Length - consumed, "it waits for what is there");
            if (status == ParseStatus.NeedMore) Hold(count <= Limits.Message + Limits.Info + 2, "it waits for more than the limits");
            if (status != ParseStatus.Complete) return status;
            frames.Add(NaiveFrames.Show(frame.Op, frame.Sid, frame.Subject, frame.ReplyTo, frame.Headers, frame.Payload, frame.Text));
            consumed += count;
        }
    }

    private static int ReadInPieces(byte[] input, int size, List<string> frames)
    {
        var buffer = new ReadBuffer(64);
        using var stream = new PieceStream(input, size);
        var consumed = 0;
        while (true)
        {
            while (buffer.IsEnough)
            {
                var status = FrameParser.TryRead(buffer.Unread, Limits, out var frame, out var count);
                if (status == ParseStatus.Invalid) return consumed;
                if (status == ParseStatus.NeedMore)
                {
                    buffer.Need(count);
                    break;
                }
                frames.Add(NaiveFrames.Show(frame.Op, frame.Sid, frame.Subject, frame.ReplyTo, frame.Headers, frame.Payload, frame.Text));
                consumed += count;
                buffer.Advance(count);
            }
            // The stream answers at once.
            if (buffer.FillAsync(stream).AsTask().GetAwaiter().GetResult() == 0) return consumed;
        }
    }

    // What the receiver does with a control frame must bear any text too.
    private static void Act(string shown)
    {
        var text = shown[(shown.LastIndexOf('|') + 1)..];
        if (shown.StartsWith("Error", StringComparison.Ordinal))
        {
            ServerErrors.ToException(text, ServerErrors.Classify(text));
            ServerErrors.Names(text);
        }
        if (!shown.StartsWith("Info", StringComparison.Ordinal)) return;
        try
        {
            foreach (var url in NatsServerInfo.Parse(Encoding.Latin1.GetBytes(text)).ConnectUrls)
                try { ServerAddress.Parse(url); }
                catch (NatsException) { /* the pool leaves such an address out */ }
        }
        catch (NatsException refused) when (refused.Error == NatsError.Protocol)
        {
            // Ends the connection, with this reason.
        }
    }

    private sealed class PieceStream(byte[] bytes, int size) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            new(Read(buffer.Span[..Math.Min(buffer.Length, size)]));
    }
}

/// <summary>A second reading of frames, by splitting texts.</summary>
internal static class NaiveFrames
{
    public static string Show(
        ServerOp op, long sid, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload,
        ReadOnlySpan<byte> text) => $"{op}|{sid}|{Latin(subject)}|{Latin(reply)}|{Latin(headers)}|{Latin(payload)}|{Latin(text)}";

    public static List<string> Read(ReadOnlySpan<byte> input, ParserLimits limits)
    {
        var frames = new List<string>();
        var rest = Latin(input);
        while (true)
        {
            var end = rest.IndexOf('\n', StringComparison.Ordinal);
            if (end < 1 || rest[end - 1] != '\r' || end > limits.Info) return frames;
            var line = rest[..(end - 1)];
            rest = rest[(end + 1)..];
            if (line is "PING" or "PONG" or "+OK")
            {
                frames.Add($"{(line == "PING" ? ServerOp.Ping : line == "PONG" ? ServerOp.Pong : ServerOp.Ok)}|0|||||");
                continue;
            }
            if (line.StartsWith("-ERR", StringComparison.Ordinal)) frames.Add($"{ServerOp.Error}|0|||||{line[4..].Trim(' ', '\'')}");
            else if (line.StartsWith("INFO ", StringComparison.Ordinal)) frames.Add($"{ServerOp.Info}|0|||||{line[5..]}");
            else if (end > limits.ControlLine || !TryMessage(line, ref rest, limits, frames)) return frames;
        }
    }

    private static bool TryMessage(string line, ref string rest, ParserLimits limits, List<string> frames)
    {
        var words = line.Split(' ');
        var sizes = words[0] switch { "MSG" => 1, "HMSG" => 2, _ => 0 };
        if (sizes == 0 || words.Length < 3 + sizes || words.Length > 4 + sizes || words.Any(word => word.Length == 0)) return false;
        var numbers = words[^sizes..];
        if (!IsNumber(words[2], 18) || numbers.Any(number => !IsNumber(number, 9))) return false;
        var total = int.Parse(numbers[^1]);
        var headers = sizes == 2 ? int.Parse(numbers[0]) : 0;
        if (headers > total || total > limits.Message || headers > limits.Headers || rest.Length < total + 2) return false;
        if (rest.Substring(total, 2) != "\r\n") return false;
        var reply = words.Length == 4 + sizes ? words[3] : "";
        frames.Add($"{ServerOp.Message}|{long.Parse(words[2])}|{words[1]}|{reply}|{rest[..headers]}|{rest[headers..total]}|");
        rest = rest[(total + 2)..];
        return true;
    }

    private static bool IsNumber(string word, int digitsMax) => word.Length <= digitsMax && word.All(char.IsAsciiDigit);

    private static string Latin(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);
}

/// <summary>Header blocks: what is received could be sent again, and means the same then.</summary>
internal sealed class HeaderTarget : Target
{
    private NatsHeaders? _headers;

    public override string Name => "nats-headers";

    public override int Weight => 16;

    public override byte[][] Words { get; } =
        [.. new[] { "NATS/1.0\r\n", "\r\n", ": ", "traceparent", "Nats-Service-Error-Code: 400", " 503", "A: b\r\n" }.Select(TextOf.Of)];

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        "NATS/1.0\r\n\r\n", "NATS/1.0 503\r\n\r\n", "NATS/1.0\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n",
        "NATS/1.0\r\nNats-Service-Error-Code: 400\r\nNats-Service-Error: no\r\nA:b\r\nA:  c \t\r\n\r\n", "NATS/1.0\r\nAuthorization: Bearer x\r\n",
        "NATS/1.0\r\né: ü\r\n: x\r\nno colon\r\nB:\nC: d\r\n\r\n", "",
    }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        var view = new NatsHeadersView(input);
        _headers = view.ToHeaders();
        view.TryGetValue("traceparent"u8, out _);
        if (_headers is null) return "no headers";
        return BusHeaders.FromReceived(_headers) is null ? "none that counts" : null;
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (_headers is null) return;
        var view = new NatsHeadersView(input);
        foreach (var (name, _) in _headers)
        {
            Hold(view.TryGetValue(Encoding.UTF8.GetBytes(name), out var found), "a header is not found again");
            Hold(Encoding.UTF8.GetString(found) == _headers[name], "another value of a header");
        }
        var block = new byte[_headers.EncodedLength];
        Hold(_headers.WriteTo(block) == block.Length, "its size is another");
        Hold(Copy(_headers).SequenceEqual(_headers), "what was received may not be sent");
        Hold(new NatsHeadersView(block).ToHeaders()!.SequenceEqual(_headers), "it comes back as other headers");
        foreach (var (name, value) in BusHeaders.FromReceived(_headers)?.Pairs ?? [])
            Hold(!(name + value).AsSpan().ContainsAny("\r\n\0"), "a header holds a line end");
    }

    private static NatsHeaders Copy(NatsHeaders headers)
    {
        var copy = new NatsHeaders();
        try
        {
            foreach (var (name, value) in headers) copy.Add(name, value);
        }
        catch (NatsException)
        {
            return [];
        }
        return copy;
    }
}
