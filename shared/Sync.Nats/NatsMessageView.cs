using System.Text;
using Sync.Nats.Internal;

namespace Sync.Nats;

/// <summary>Called on the connection's read loop for each message: must be quick and must not block, since nothing else
/// of the connection is read meanwhile. An exception is counted and logged, and the loop goes on.</summary>
/// <param name="message">Valid only during the call.</param>
public delegate void NatsMessageHandler(in NatsMessageView message);

/// <summary>A received message in the read buffer. All spans are valid only during the callback.</summary>
public readonly ref struct NatsMessageView
{
    private readonly NatsSubscription _subscription;

    internal NatsMessageView(NatsSubscription subscription, in ServerFrame frame)
    {
        _subscription = subscription;
        SubjectBytes = frame.Subject;
        ReplyToBytes = frame.ReplyTo;
        HeaderBytes = frame.Headers;
        Payload = frame.Payload;
    }

    /// <summary>Subject in ASCII.</summary>
    public ReadOnlySpan<byte> SubjectBytes { get; }

    /// <summary>Reply subject in ASCII; empty if there is none.</summary>
    public ReadOnlySpan<byte> ReplyToBytes { get; }

    /// <summary>The raw header block; empty if there is none.</summary>
    public ReadOnlySpan<byte> HeaderBytes { get; }

    /// <summary>The payload.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>Subject. Allocates nothing for a subscription without wildcards, or when it is that of the message
    /// before.</summary>
    public string Subject => _subscription.SubjectText(SubjectBytes);

    /// <summary>Reply subject, or null. Allocates.</summary>
    public string? ReplyTo => ReplyToBytes.IsEmpty ? null : Encoding.ASCII.GetString(ReplyToBytes);

    /// <summary>Headers, read in place.</summary>
    public NatsHeadersView Headers => new(HeaderBytes);

    /// <summary>Bytes of payload and headers.</summary>
    public int Size => Payload.Length + HeaderBytes.Length;

    /// <summary>A copy that outlives the callback.</summary>
    /// <returns>A message with its own memory.</returns>
    public NatsMsg ToMsg() => ToMsg(Payload.ToArray());

    /// <summary>As <see cref="ToMsg()"/>; a large payload in memory that its receiver may give back.</summary>
    internal NatsMsg ToReply()
    {
        if (Payload.Length < RentedPayload.BytesMin)
            return ToMsg();
        var rented = new RentedPayload(Payload);
        return ToMsg(rented.Memory) with { DataOwner = rented };
    }

    private NatsMsg ToMsg(ReadOnlyMemory<byte> data) => new()
    {
        Subject = Subject,
        ReplyTo = ReplyTo,
        Headers = Headers.ToHeaders(),
        Data = data,
        Connection = _subscription.Connection,
    };
}
