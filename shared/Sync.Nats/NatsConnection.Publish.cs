using Sync.Nats.Internal;

namespace Sync.Nats;

/// <summary>Publishing and requests.</summary>
public sealed partial class NatsConnection
{
    /// <summary>
    /// Publishes. Completes at once while there is room; else waits in order, bounded in number and time. While the
    /// connection is down it is buffered or refused, see <see cref="NatsOpts.BufferWhileDisconnected"/> and
    /// <see cref="NatsOpts.PendingPolicy"/>. The order of calls is the order on the wire.
    /// </summary>
    /// <param name="subject">Subject without wildcards.</param>
    /// <param name="data">Payload; copied before the call returns.</param>
    /// <param name="headers">Headers, or null.</param>
    /// <param name="replyTo">Where an answer is expected, or null.</param>
    /// <param name="epoch">Not 0: refused with <see cref="NatsError.StaleEpoch"/> unless the connection of that epoch
    /// is open. Allowed only when <see cref="NatsOpts.BufferWhileDisconnected"/> is off.</param>
    /// <param name="cancellationToken">Ends a wait for room; a publish in the buffer is not taken back.</param>
    /// <returns>Completes when the message is in the send buffer, which is no proof of delivery.</returns>
    /// <exception cref="NatsException">See <see cref="NatsException.Error"/>; nothing was sent then.</exception>
    public ValueTask PublishAsync(
        string subject, ReadOnlyMemory<byte> data = default, NatsHeaders? headers = null, string? replyTo = null,
        long epoch = 0, CancellationToken cancellationToken = default) =>
        PublishCoreAsync(subject, data.Span, headers, replyTo, epoch, urgent: false, cancellationToken);

    /// <summary>Publishes if that is possible at once, and never waits.</summary>
    /// <param name="subject">Subject without wildcards.</param>
    /// <param name="data">Payload; copied before the call returns.</param>
    /// <param name="headers">Headers, or null.</param>
    /// <param name="replyTo">Where an answer is expected, or null.</param>
    /// <param name="epoch">As for <see cref="PublishAsync"/>.</param>
    /// <returns>False: no room, or the connection (or that of the epoch) is not there; nothing was sent.</returns>
    /// <exception cref="NatsException">A name or the size is not allowed.</exception>
    public bool TryPublish(
        string subject, ReadOnlySpan<byte> data, NatsHeaders? headers = null, string? replyTo = null, long epoch = 0) =>
        AppendResult.Done
            == Core.Buffer.TryAppend(Check(subject, data, headers, replyTo, epoch), epoch, canWait: false);

    /// <summary>Sends a request and waits for the first answer.</summary>
    /// <param name="subject">Subject without wildcards.</param>
    /// <param name="data">Payload; copied before the call returns.</param>
    /// <param name="headers">Headers, or null.</param>
    /// <param name="timeout">Limit; null means <see cref="NatsOpts.RequestTimeout"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The answer. An answer may itself carry an error in its headers.</returns>
    /// <exception cref="NatsException"><see cref="NatsError.NoResponders"/> at once if nobody listens,
    /// <see cref="NatsError.Timeout"/>,
    /// <see cref="NatsError.ConnectionLost"/> (whether it was handled is unknown), or a failure to publish.</exception>
    public async ValueTask<NatsMsg> RequestAsync(
        string subject, ReadOnlyMemory<byte> data = default, NatsHeaders? headers = null, TimeSpan? timeout = null,
        CancellationToken cancellationToken = default)
    {
        EnsureReplies();
        var limit = timeout ?? Opts.RequestTimeout;
        var (number, replyTo, reply) = Core.Requests.Begin();
        try
        {
            await PublishCoreAsync(subject, data.Span, headers, replyTo, epoch: 0, urgent: true, cancellationToken)
                .ConfigureAwait(false);
            return await reply.WaitAsync(limit, Opts.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new NatsException(NatsError.Timeout, $"No answer within {limit}");
        }
        finally
        {
            Core.Requests.End(number);
        }
    }

    private ValueTask PublishCoreAsync(
        string subject, ReadOnlySpan<byte> data, NatsHeaders? headers, string? replyTo, long epoch, bool urgent,
        CancellationToken cancellationToken)
    {
        try
        {
            var frame = Check(subject, data, headers, replyTo, epoch);
            var result = Core.Buffer.TryAppend(frame, epoch, canWait: true, urgent);
            if (result == AppendResult.Done)
                return default;
            SendBuffer.Refuse(result);
            if (cancellationToken.IsCancellationRequested)
                return ValueTask.FromCanceled(cancellationToken);
            var write = Core.Buffer.AppendOrWait(frame, epoch);
            return write is null ? default : WaitForRoomAsync(write, cancellationToken);
        }
        catch (NatsException e)
        {
            // Every failure is in the task, so that a caller who awaits later misses none.
            return ValueTask.FromException(e);
        }
    }

    private PublishFrame Check(string subject, ReadOnlySpan<byte> data, NatsHeaders? headers, string? replyTo,
        long epoch)
    {
        ArgumentNullException.ThrowIfNull(subject);
        if (!Subjects.IsValidPublish(subject))
            throw Subjects.Invalid("Subject", subject);
        if (replyTo is not null && !Subjects.IsValidPublish(replyTo))
            throw Subjects.Invalid("Reply subject", replyTo);
        if (epoch != 0 && Opts.BufferWhileDisconnected)
            throw new NatsException(NatsError.InvalidOptions,
                "NatsOpts.BufferWhileDisconnected is true; a publish bound to an epoch needs false");
        if (headers is not null && Core.Info is { HeadersSupported: false })
            throw new NatsException(NatsError.Protocol, "The server does not understand headers");
        var frame = new PublishFrame(subject, replyTo, headers, data);
        if (frame.BodyBytes > Core.MaxPayload)
            throw new NatsException(NatsError.PayloadTooLarge,
                $"Headers and payload are {frame.BodyBytes} bytes; the server takes {Core.MaxPayload}");
        if (frame.ControlLineBytes > Opts.ControlLineBytesMax)
            throw Subjects.Invalid("Subject with reply subject", subject);
        return frame;
    }

    private async ValueTask WaitForRoomAsync(PendingWrite write, CancellationToken cancellationToken)
    {
        try
        {
            await write.Task.WaitAsync(Opts.PublishTimeout, Opts.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            if (!Core.Buffer.Abandon(write))
            {
                // Settled in the meantime: sent after all, or failed for a reason of its own.
                await write.Task.ConfigureAwait(false);
                return;
            }

            if (e is OperationCanceledException)
                throw;
            throw new NatsException(NatsError.PendingFull,
                $"No room in the send buffer within {Opts.PublishTimeout}", e);
        }
    }

    private void EnsureReplies()
    {
        if (Volatile.Read(ref _replies) is not null)
            return;
        var replies = new HandlerSubscription(this, Core.Requests.Wildcard, null, null, Core.Requests.OnReply);
        if (Interlocked.CompareExchange(ref _replies, replies, null) is null)
            Core.Subscriptions.Add(replies);
    }
}
