using System.Buffers;
using System.Globalization;
using Sync.Contracts;
using Sync.Transport.Internal;

namespace Sync.Transport;

/// <summary>Answers one request.</summary>
/// <param name="request">Owns its memory.</param>
/// <param name="cancellation">The responder is stopping.</param>
public delegate ValueTask<BusReply> BusHandler(BusRequest request, CancellationToken cancellation);

/// <summary>A request that was taken from the bus.</summary>
/// <param name="Subject">The subject it came on.</param>
/// <param name="Payload">The question.</param>
/// <param name="Headers">The headers; null = none.</param>
public sealed record BusRequest(string Subject, ReadOnlyMemory<byte> Payload, BusHeaders? Headers)
{
    /// <summary>W3C trace context; null when there is none or it is malformed.</summary>
    public string? TraceParent => Headers?[BusHeaders.TraceParent] is { } text && TraceContext.IsWellFormed(text) ? text : null;
}

/// <summary>An answer: a payload, or an error by the convention of the NATS services API, or both (a refusal may show what
/// is current).</summary>
public sealed class BusReply
{
    private const int TextLengthMax = 1024;
    private IDisposable? _owner;

    private BusReply(ReadOnlyMemory<byte> payload, int code, string? text)
    {
        Payload = payload;
        ErrorCode = code;
        ErrorText = text;
    }

    /// <summary>The payload; may be empty.</summary>
    public ReadOnlyMemory<byte> Payload { get; }

    /// <summary>0 = fine; otherwise as an HTTP status: 503 = overloaded, 500 = failed inside.</summary>
    public int ErrorCode { get; }

    /// <summary>What went wrong; null when fine.</summary>
    public string? ErrorText { get; }

    /// <summary>True when it carries an error.</summary>
    public bool IsError => ErrorCode != 0;

    /// <summary>A good answer.</summary>
    /// <param name="payload">Not written to afterwards.</param>
    public static BusReply Of(ReadOnlyMemory<byte> payload) => new(payload, 0, null);

    /// <summary>A good answer in memory that is given back when the bus has taken its bytes.</summary>
    /// <param name="payload">The reply's from here on: not used otherwise, and disposed by the responder.</param>
    public static BusReply OfRented(IMemoryOwner<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        return new BusReply(payload.Memory, 0, null) { _owner = payload };
    }

    /// <summary>An error.</summary>
    /// <param name="code">1 to 999.</param>
    /// <param name="text">Shown to the requester: no secrets. Control characters become spaces; cut at 1,024 characters.</param>
    /// <param name="payload">What goes with it; empty = nothing.</param>
    public static BusReply Failed(int code, string text, ReadOnlyMemory<byte> payload = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(code, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, 999);
        return new BusReply(payload, code, OneLine(text));
    }

    /// <summary>Gives back the memory of the payload, if it is pooled: nobody may look at it afterwards. Optional and
    /// idempotent.</summary>
    public void Release() => Interlocked.Exchange(ref _owner, null)?.Dispose();

    internal BusHeaders? ToHeaders() =>
        IsError
            ? BusHeaders.Of(BusHeaders.ErrorCode, ErrorCode.ToString(CultureInfo.InvariantCulture))
                .With(BusHeaders.ErrorText, ErrorText!)
            : null;

    /// <summary>Reads a received answer. Either header makes it an error; a code that is no number from 1 to 999 reads as 500.</summary>
    internal static BusReply FromReceived(ReadOnlyMemory<byte> payload, BusHeaders? headers, IDisposable? owner = null)
    {
        var code = headers?[BusHeaders.ErrorCode];
        var text = headers?[BusHeaders.ErrorText];
        if (code is null && text is null) return new BusReply(payload, 0, null) { _owner = owner };
        var known = WholeNumber.TryParse(code, 999, out var number) && number >= 1;
        return Failed(known ? (int)number : 500, text ?? "the answer is an error without a text", payload);
    }

    private static string OneLine(string text)
    {
        var shown = text.Length <= TextLengthMax ? text : text[..TextLengthMax];
        return string.Create(shown.Length, shown, static (line, source) =>
        {
            for (var at = 0; at < line.Length; at++)
                line[at] = char.IsControl(source[at]) || char.IsSurrogate(source[at]) ? ' ' : source[at];
        }).Trim() is { Length: > 0 } some ? some : "no text";
    }
}

/// <summary>Bounds of a responder.</summary>
public sealed record ServeOptions
{
    /// <summary>Requests handled at once. Default 64; 1 to 4,096.</summary>
    public int ConcurrencyMax { get; init; } = 64;

    /// <summary>Requests that wait. Default 1,024; 1 to 1,000,000. Beyond, a request is answered "overloaded" (503).</summary>
    public int QueueRequestsMax { get; init; } = 1024;

    /// <summary>Bytes of payload that wait or are handled. Default 64 MiB; at least 64 KiB. Beyond, as above.</summary>
    public long QueueBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>How long stopping waits for the requests that were taken before their token is cancelled. Default 5 s; 0 to 5 min.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Refuses what is out of range.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>, with the option, its value and the range.</exception>
    public void Validate()
    {
        Bounds.Check("Sync:Serve:ConcurrencyMax", ConcurrencyMax, 1, 4096, "requests");
        Bounds.Check("Sync:Serve:QueueRequestsMax", QueueRequestsMax, 1, 1_000_000, "requests");
        Bounds.Check("Sync:Serve:QueueBytesMax", QueueBytesMax, 64 * 1024, long.MaxValue, "bytes");
        Bounds.Check("Sync:Serve:DrainTimeout", DrainTimeout, TimeSpan.Zero, TimeSpan.FromMinutes(5));
    }
}
