using Sync.Contracts;

namespace Sync.Transport;

/// <summary>The message bus as this system sees it: subjects, bytes, headers. At most once, no memory; order is kept from one
/// publishing bus to one subscription. Nothing else of the system knows what carries the messages. Every implementation
/// passes <c>BusCompliance</c>. Safe from any thread.</summary>
public interface IBus : IAsyncDisposable
{
    /// <summary>True while messages can be published.</summary>
    bool IsConnected { get; }

    /// <summary>Changes whenever the connection was lost or the bus refused a message: what was published and flushed under
    /// one unchanged number is with the bus.</summary>
    long ConnectionEpoch { get; }

    /// <summary>Most bytes of payload and headers of one message; the limit of the server connected to last.</summary>
    int MaxPayload { get; }

    /// <summary>Publishes. Fails at once while there is no connection instead of keeping the message for later, and waits for
    /// a slow bus no longer than the bus's publish time-out. Order is that of the calls.</summary>
    /// <param name="subject">As <see cref="SubjectRules.Check"/> allows.</param>
    /// <param name="payload">Read until the task completes.</param>
    /// <param name="headers">Null = none.</param>
    /// <param name="cancellation">Gives up waiting; then it is unknown whether the message leaves.</param>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.BusUnavailable"/> (transient): no connection, or no room in
    /// time. <see cref="SyncErrorCode.Invalid"/>: the subject, a header or the size. <see cref="SyncErrorCode.Stopped"/>.</exception>
    ValueTask PublishAsync(
        string subject, ReadOnlyMemory<byte> payload, BusHeaders? headers = null, CancellationToken cancellation = default);

    /// <summary>Completes when the bus has taken everything published before it.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.BusUnavailable"/>: the connection was lost in between;
    /// nothing is confirmed.</exception>
    ValueTask FlushAsync(CancellationToken cancellation = default);

    /// <summary>Follows a subject. Completes when the bus is known to deliver; a message published before the call is not
    /// delivered.</summary>
    /// <param name="subject">As <see cref="SubjectRules.CheckFilter"/> allows.</param>
    /// <param name="receiver">Called on the read loop.</param>
    /// <param name="queueGroup">Each message goes to one member of a group; null = to everyone.</param>
    /// <param name="cancellation">Gives up; the subscription is taken back.</param>
    /// <returns>Dispose it to unsubscribe; idempotent, and no call begins after it.</returns>
    /// <exception cref="SyncException">Not confirmed: no connection, or no permission (<see cref="SyncErrorCode.Refused"/>).</exception>
    ValueTask<IAsyncDisposable> SubscribeAsync(
        string subject, IBusReceiver receiver, string? queueGroup = null, CancellationToken cancellation = default);

    /// <summary>Asks and waits for one answer, which may be an error.</summary>
    /// <param name="subject">As for publish.</param>
    /// <param name="payload">The question.</param>
    /// <param name="headers">Null = none.</param>
    /// <param name="timeout">Positive.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.NoResponder"/> (transient): nobody answers requests there.
    /// <see cref="SyncErrorCode.NoAnswer"/> (transient): not in time. <see cref="SyncErrorCode.BusUnavailable"/> (transient): no
    /// connection, or it was lost before the answer.</exception>
    ValueTask<BusReply> RequestAsync(
        string subject, ReadOnlyMemory<byte> payload, BusHeaders? headers, TimeSpan timeout, CancellationToken cancellation = default);

    /// <summary>Answers requests, off the read loop. Answers go only to reply subjects under the reply prefix: a requester
    /// may name any subject, and the bus would let an answer pass that the requester itself may not publish.</summary>
    /// <param name="subject">As for subscribe.</param>
    /// <param name="queueGroup">Each request goes to one member.</param>
    /// <param name="handler">Called with bounded concurrency. An exception becomes the error 500.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="cancellation">Gives up subscribing.</param>
    /// <returns>Dispose it to stop: no new requests, those taken are finished within the drain time.</returns>
    /// <exception cref="SyncException">As for subscribe.</exception>
    ValueTask<IAsyncDisposable> ServeAsync(
        string subject, string queueGroup, BusHandler handler, ServeOptions options, CancellationToken cancellation = default);
}

/// <summary>Takes messages on the read loop: nothing else of the connection is read meanwhile, so it must be quick and must
/// not block. Messages come one at a time per subscription; a disruption may come beside one. An exception is counted and
/// logged.</summary>
public interface IBusReceiver
{
    /// <summary>A message arrived; it is valid only during the call.</summary>
    void Receive(in BusMessage message);

    /// <summary>Messages of this subscription may have been missed.</summary>
    void Disrupted(Disruption disruption);
}

/// <summary>A received message. The spans point into the read buffer.</summary>
public readonly ref struct BusMessage
{
    /// <summary>Puts a message together; for implementations of <see cref="IBus"/>.</summary>
    public BusMessage(
        ReadOnlySpan<byte> subject, ReadOnlySpan<byte> replyTo, ReadOnlySpan<byte> payload, BusHeaders? headers)
    {
        Subject = subject;
        ReplyTo = replyTo;
        Payload = payload;
        Headers = headers;
    }

    /// <summary>The subject it was published to, in ASCII.</summary>
    public ReadOnlySpan<byte> Subject { get; }

    /// <summary>Where an answer is expected, in ASCII; empty = none is. Chosen by the sender: not to be trusted.</summary>
    public ReadOnlySpan<byte> ReplyTo { get; }

    /// <summary>The payload.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>The headers; null = none.</summary>
    public BusHeaders? Headers { get; }
}
